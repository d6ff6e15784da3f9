import { Client, type ClientConfig, DatabaseError } from 'pg'
import { migrate } from './migrate.ts'
import { StoreUnusable } from './store-unusable.ts'

const OLDEST_SERVER = 140_000

const QUESTION = `SELECT current_setting('server_version_num')::int AS version,
  current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS "survivesCrashes",
  current_setting('synchronous_commit') IN ('on', 'remote_apply') AS "waitsForDisk",
  pg_is_in_recovery() AS "isStandby"`

interface Answer {
  readonly version: number
  readonly survivesCrashes: boolean
  readonly waitsForDisk: boolean
  readonly isStandby: boolean
}

/**
 * Sees to it that a server can be used as the store: one that keeps what it has confirmed, with the newest schema. Gives the
 * settings that its connections need.
 * @throws StoreUnusable when an operator has to act.
 */
export async function prepare(config: ClientConfig): Promise<ClientConfig> {
  const client = new Client(config)
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<Answer>(QUESTION)
    const [answer] = rows
    if (answer === undefined || answer.version < OLDEST_SERVER) {
      throw new StoreUnusable('the server of the store is older than PostgreSQL 14')
    }
    if (!answer.survivesCrashes) {
      throw new StoreUnusable(
        'the server of the store runs with fsync or full_page_writes off: a crash could lose tokens',
      )
    }
    // After a failover the other one answers, so this may pass.
    if (answer.isStandby) throw new Error('the server of the store is a standby')
    await migrate(client)
    // What promises more than "on" is left to it.
    return answer.waitsForDisk ? config : { ...config, options: `${config.options ?? ''} -c synchronous_commit=on` }
  } catch (error) {
    throw isRefusal(error) ? new StoreUnusable(`the server of the store refuses it: SQLSTATE ${error.code}`) : error
  } finally {
    // A server that hangs does not answer to this either.
    void client.end().catch(() => undefined)
  }
}

/** A login that is not valid (class 28), a database that does not exist, a right that is missing. */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^(?:28|3D|42501)/.test(error.code ?? '')
}
