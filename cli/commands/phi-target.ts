import { withTarget } from '../../src/compose/target-probe.ts'
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
import type { TargetClient } from '../../src/protocols/postgres/target-client.ts'
import type { CommandContext } from '../terminal.ts'

/** The target of that name. Throws CHP-CONFIG-INVALID with the names there are. */
export function targetNamed(config: Config, name: string): TargetConfig {
  const target = config.targets[name]
  if (target !== undefined) return target
  throw new ChaperoneError('CHP-CONFIG-INVALID', {
    message: `there is no target "${name}"`,
    hint: `Targets of ${config.file}: ${Object.keys(config.targets).join(', ')}.`,
  })
}

const credentialsOf = ({ environment }: CommandContext) => new CredentialResolver(environment, systemClock)

export function catalogOf(target: TargetConfig, context: CommandContext): Promise<Catalog> {
  const credentials = credentialsOf(context)
  return readCatalog(() => dialPostgres(target, credentials), DEFAULT_FRAME_LIMITS)
}

export const askTarget = <T>(
  target: TargetConfig,
  context: CommandContext,
  ask: (client: TargetClient, abort: () => void) => Promise<T>,
): Promise<T> => withTarget(target, credentialsOf(context), 'chaperone phi discover', ask)

/** The labels as written: a class that the pack keeps is still that class, and has been looked at. */
export function labelsAsWritten(labels: readonly LabelConfig[]): LabelSet {
  return compileLabels(
    labels.map(({ key, class: name }) => {
      const phiClass = PHI_CLASSES.find((known) => known === name)
      return { pattern: key, label: phiClass === undefined ? NOT_PHI : { class: phiClass, transform: 'redact' } }
    }),
  )
}
