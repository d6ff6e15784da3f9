import type { Config, TargetConfig } from '../config/config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { dialPostgres } from '../forward/postgres-target.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { asChaperoneError } from '../lib/errors.ts'
import { labelSetOf, type TransformMaterial, unlabelledTexts } from '../label-set.ts'
import { readCatalog } from '../protocols/postgres/catalog-reading.ts'
import type { Journal } from '../record/journal.ts'
import { TargetState } from '../session/target-state.ts'
import { recordProbe } from './journal.ts'
import type { Log } from './log.ts'
import { frameLimits } from './postgres-host.ts'

export interface TargetParts {
  readonly config: Config
  readonly material: TransformMaterial
  readonly inspector: SqlInspector
  readonly journal: Journal
  readonly credentials: CredentialResolver
  readonly log: Log
  readonly clock: Clock
}

export interface TargetStates {
  readonly states: ReadonlyMap<string, TargetState>
  /** Ends the reading of catalogs in the background. */
  stop(): void
}

/** What is known of each target, read again as often as the configuration says. */
export function targetStates(parts: TargetParts): TargetStates {
  const { config, material, inspector, journal, credentials, log, clock } = parts
  const limits = frameLimits(config)
  const states = new Map<string, TargetState>()
  const timers: NodeJS.Timeout[] = []
  for (const target of Object.values(config.targets)) {
    const state = new TargetState({
      target: target.name,
      labels: labelSetOf(config.phi, target.name, material),
      unlabelledColumns: target.unlabelledColumns === 'detect' ? unlabelledTexts(material) : target.unlabelledColumns,
      trustedFunctions: config.phi.trustedFunctions[target.name] ?? [],
      patientKeys: config.phi.patientKeys[target.name] ?? [],
      catalogCheck: target.catalogCheck,
      inspector,
      clock,
      load: () => {
        recordProbe(journal, target.name, 'catalog')
        return readCatalog(() => dialPostgres(target, credentials), limits)
      },
    })
    states.set(target.name, state)
    timers.push(setInterval(() => refreshInBackground(state, target, log), target.catalogRefresh).unref())
  }
  return {
    states,
    stop: () => {
      for (const timer of timers) clearInterval(timer)
    },
  }
}

function refreshInBackground(state: TargetState, target: TargetConfig, log: Log): void {
  // A target that nobody has used yet is read when somebody does.
  if (state.latest === undefined) return
  state.refresh().catch((thrown: unknown) => {
    const error = asChaperoneError(thrown)
    log.warn({ target: target.name, code: error.code, reason: error.reason }, 'the catalog could not be read again')
  })
}
