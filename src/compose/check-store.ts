import { existsSync } from 'node:fs'
import { Client } from 'pg'
import type { Config } from '../config/config.ts'
import { storeUses } from '../config/store-use.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { clientConfig } from '../store/client-config.ts'
import { reasonOf } from '../store/store-failure.ts'
import { locationOf } from './store.ts'

export interface StoreFinding {
  readonly level: 'problem' | 'info'
  readonly message: string
}

const TIMEOUT_MS = 5000

/** Whether the store answers. Nothing is made or changed; a server of the gateway's own is not started. */
export async function checkStore(config: Config, credentials: CredentialResolver): Promise<StoreFinding | undefined> {
  if (storeUses(config).length === 0) return undefined
  const location = locationOf(config.store, credentials)
  if (location.kind === 'embedded') {
    const made = existsSync(location.directory) ? 'is there' : 'is made at the first start'
    return { level: 'info', message: `store: a server of the gateway's own; ${location.directory} ${made}` }
  }
  const client = new Client(clientConfig(location, TIMEOUT_MS))
  // Without a listener the loss of a connection would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version")
    return { level: 'info', message: `store: PostgreSQL ${rows[0]?.version ?? '?'} on ${location.host}` }
  } catch (error) {
    return { level: 'problem', message: `store: ${location.host} cannot be used: ${reasonOf(error)}` }
  } finally {
    // What is to be said of the connection has been said; a connection that never came to be ends with an error, too.
    await client.end().catch(() => undefined)
  }
}
