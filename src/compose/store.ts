import { readFileSync } from 'node:fs'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { Config, TargetTlsConfig } from '../config/config.ts'
import type { StoreConfig } from '../config/store-config.ts'
import { storeUses } from '../config/store-use.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { openStore, type Store, type StoreLocation } from '../store/open-store.ts'
import { StoreUnusable } from '../store/store-unusable.ts'
import type { Log } from './log.ts'

export interface StoreParts {
  readonly config: Config
  readonly credentials: CredentialResolver
  readonly log: Log
  /** It cannot be reached any more. */
  readonly onDown: () => void
}

export interface SharedStore {
  readonly store: Store
  /** Whether it answered at the start. */
  readonly isThere: boolean
}

/**
 * The one store of the gateway; undefined when nothing needs it. One that does not answer now is waited for in the background: until
 * then, what needs it fails. Throws CHP-CONFIG-INVALID when waiting would not help.
 */
export async function openSharedStore({
  config,
  credentials,
  log,
  onDown,
}: StoreParts): Promise<SharedStore | undefined> {
  if (storeUses(config).length === 0) return undefined
  const store = openStore({
    location: locationOf(config.store, credentials),
    onState: ({ state, reason }) => {
      if (state === 'down') {
        log.error({ reason }, 'the store cannot be reached; what needs it fails')
        onDown()
      } else log.info({ state }, 'store')
    },
  })
  return { store, isThere: await isReady(store) }
}

/** False: it does not answer now. */
async function isReady(store: Store): Promise<boolean> {
  try {
    await store.ready()
    return true
  } catch (error) {
    if (!(error instanceof StoreUnusable)) return false
    await store.close()
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the store cannot be used: ${error.message}`,
      hint: 'Correct what is named, or use another server (store.url). docs/tokens.md says what the store needs.',
      cause: error,
    })
  }
}

/** Where the store is. Passwords are fetched for each connection, so that they can be changed without a restart. */
export function locationOf(store: StoreConfig, credentials: CredentialResolver): StoreLocation {
  if (store.kind === 'embedded') return { kind: 'embedded', directory: store.directory }
  const { host, port, database, user, credential, tls } = store
  return {
    kind: 'server',
    host,
    port,
    database,
    user,
    password: () => credentials.resolve(credential.password),
    ssl: tls.mode === 'plaintextWithoutTls' ? false : { ...tlsOf(tls, host), ...certificateOf(credential) },
  }
}

/** As for targets: see `forward/target-wire.ts`. */
function tlsOf({ mode, caFile, serverName }: TargetTlsConfig, host: string): ConnectionOptions {
  const name = serverName ?? host
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: mode !== 'insecureSkipVerify',
    checkServerIdentity: (_host, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(name, certificate) : undefined,
  }
}

type ServerStore = Extract<StoreConfig, { kind: 'server' }>

function certificateOf({ clientCertificate }: ServerStore['credential']): ConnectionOptions {
  if (clientCertificate === undefined) return {}
  const { certificateFile, keyFile } = clientCertificate
  return { cert: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}
