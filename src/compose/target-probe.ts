import type { TargetConfig } from '../config/config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { dialPostgres } from '../forward/postgres-target.ts'
import { asChaperoneError } from '../lib/errors.ts'
import { DEFAULT_FRAME_LIMITS } from '../protocols/postgres/limits.ts'
import { checkTarget } from '../protocols/postgres/login-checks.ts'
import type { TargetClient } from '../protocols/postgres/target-client.ts'
import { loginToTarget } from '../protocols/postgres/target-login.ts'

/** Asked by a command and not by a session: read only, impatient, and with names that mean what pg_catalog says. */
const PARAMETERS: readonly (readonly [string, string])[] = [
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
  ['default_transaction_read_only', 'on'],
  ['search_path', 'pg_catalog'],
  ['bytea_output', 'hex'],
  ['DateStyle', 'ISO'],
  ['statement_timeout', '10s'],
  ['lock_timeout', '2s'],
]

/** Logs in with the gateway's own credential, after the same checks as for a session, and closes when `ask` is done. */
export async function withTarget<T>(
  target: TargetConfig,
  credentials: CredentialResolver,
  name: string,
  ask: (client: TargetClient, abort: () => void) => Promise<T>,
): Promise<T> {
  const dialed = await dialPostgres(target, credentials)
  const abort = () => void dialed.wire.stream.destroy()
  try {
    const parameters = new Map([['application_name', name], ...PARAMETERS])
    const loggedIn = await loginToTarget(dialed, parameters, DEFAULT_FRAME_LIMITS)
    await checkTarget(loggedIn, dialed.account)
    const result = await ask(loggedIn.client, () => void loggedIn.wire.stream.destroy())
    loggedIn.client.close()
    return result
  } catch (error) {
    abort()
    throw error
  }
}

/** What the server said, by its SQLSTATE: messages can quote values. Throws when the connection is gone. */
export function refusalOf(thrown: unknown): string {
  const error = asChaperoneError(thrown)
  const [, sqlstate] = /^the target said ([0-9A-Z]{5}):/.exec(error.reason ?? '') ?? []
  if (sqlstate === undefined) throw error
  if (sqlstate === '57014') return 'reading it took longer than ten seconds'
  if (sqlstate === '55P03') return 'locked by another session'
  return `the server refused with SQLSTATE ${sqlstate}`
}
