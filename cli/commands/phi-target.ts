import type { Config, LabelConfig, TargetConfig } from '../../src/config/config.ts'
import { CredentialResolver } from '../../src/forward/credential.ts'
import { dialPostgres } from '../../src/forward/postgres-target.ts'
import type { Catalog } from '../../src/inspect/sql/catalog.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { NOT_PHI, PHI_CLASSES } from '../../src/phi/classes.ts'
import { compileLabels, type LabelSet } from '../../src/phi/labels.ts'
import { readCatalog } from '../../src/protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from '../../src/protocols/postgres/limits.ts'
import { checkTarget } from '../../src/protocols/postgres/login-checks.ts'
import type { TargetClient } from '../../src/protocols/postgres/target-client.ts'
import { loginToTarget } from '../../src/protocols/postgres/target-login.ts'
import type { DialedTarget } from '../../src/protocols/protocol.ts'
import type { CommandContext } from '../terminal.ts'

/** Asked by a command and not by a session: read only, impatient, and with names that mean what pg_catalog says. */
const PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['application_name', 'chaperone phi discover'],
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
  ['default_transaction_read_only', 'on'],
  ['search_path', 'pg_catalog'],
  ['bytea_output', 'hex'],
  ['DateStyle', 'ISO'],
  ['statement_timeout', '10s'],
  ['lock_timeout', '2s'],
])

/** The target of that name. Throws CHP-CONFIG-INVALID with the names there are. */
export function targetNamed(config: Config, name: string): TargetConfig {
  const target = config.targets[name]
  if (target !== undefined) return target
  throw new ChaperoneError('CHP-CONFIG-INVALID', {
    message: `there is no target "${name}"`,
    hint: `Targets of ${config.file}: ${Object.keys(config.targets).join(', ')}.`,
  })
}

/** How a target is reached with the gateway's own credential, under the rules of its configuration. */
function dialer(target: TargetConfig, { environment }: CommandContext): () => Promise<DialedTarget> {
  const credentials = new CredentialResolver(environment, systemClock)
  return () => dialPostgres(target, credentials)
}

export const catalogOf = (target: TargetConfig, context: CommandContext): Promise<Catalog> =>
  readCatalog(dialer(target, context), DEFAULT_FRAME_LIMITS)

/** Logs in with the gateway's own credential, after the same checks as for a session, and closes when `ask` is done. */
export async function withTarget<T>(
  target: TargetConfig,
  context: CommandContext,
  ask: (client: TargetClient, abort: () => void) => Promise<T>,
): Promise<T> {
  const dialed = await dialer(target, context)()
  const abort = () => void dialed.wire.stream.destroy()
  try {
    const loggedIn = await loginToTarget(dialed, PARAMETERS, DEFAULT_FRAME_LIMITS)
    await checkTarget(loggedIn, dialed.account)
    const result = await ask(loggedIn.client, () => void loggedIn.wire.stream.destroy())
    loggedIn.client.close()
    return result
  } catch (error) {
    abort()
    throw error
  }
}

/** The labels as written: a class that the pack keeps is still that class, and has been looked at. */
export function labelsAsWritten(labels: readonly LabelConfig[]): LabelSet {
  return compileLabels(
    labels.map(({ key, class: name }) => {
      const phiClass = PHI_CLASSES.find((known) => known === name)
      return { pattern: key, label: phiClass === undefined ? NOT_PHI : { class: phiClass, transform: 'redact' } }
    }),
  )
}
