import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { startDemoEnvironment } from '../demo/environment.ts'
import { DEMO_TARGET } from '../demo/chaperone.yaml.ts'
import { loadConfig } from '../src/config/load.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'
import { CredentialResolver } from '../src/forward/credential.ts'
import { dialPostgres } from '../src/forward/postgres-target.ts'
import { SqlInspector } from '../src/inspect/sql/sql-inspector.ts'
import { systemClock } from '../src/lib/clock.ts'
import { labelSetOf } from '../src/label-set.ts'
import { readCatalog } from '../src/protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from '../src/protocols/postgres/limits.ts'
import { TargetState } from '../src/session/target-state.ts'
import { STATEMENTS } from './analysis-statements.ts'

/** Rounds before anything counts: the code of a fresh process is not compiled yet. */
const WARM_UP_ROUNDS = 3

interface CorpusCase {
  readonly steps?: readonly { readonly sql?: string }[]
}

const command = new Command('npm run bench:analysis --')
  .description('Times the first analysis of a statement: to the worker thread and back, with no cached answer.')
  .option('--corpus <file>', 'statements of a benchmark in JSON Lines (steps[].sql) besides our own')
  .option('--rounds <n>', 'times that each statement is seen for the first time', Number, 20)
  .parse()
const { corpus, rounds } = command.opts<{ corpus?: string; rounds: number }>()

/** The statements of every step, without duplicates. Their relations need not exist: the analysis is about as long. */
function corpusStatements(file: string): readonly string[] {
  const cases = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a file that somebody chose for its format
    .map((line) => JSON.parse(line) as CorpusCase)
  return [...new Set(cases.flatMap(({ steps }) => (steps ?? []).flatMap(({ sql }) => sql ?? [])))]
}

const sorted = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b)
const at = (values: readonly number[], share: number): string =>
  (values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN).toFixed(2)

const environment = await startDemoEnvironment({ patients: 50, seed: 1, onStep: () => undefined })
const inspector = new SqlInspector()
try {
  const config = loadConfig(environment.configFile, {}, policyChecks)
  const target = config.targets[DEMO_TARGET]
  if (target === undefined) throw new Error('the demo has no target')
  const credentials = new CredentialResolver({}, systemClock)
  const state = new TargetState({
    target: target.name,
    labels: labelSetOf(config.phi, target.name, {}),
    unlabelledColumns: 'mask',
    trustedFunctions: [],
    patientKeys: [],
    catalogCheck: target.catalogCheck,
    inspector,
    clock: systemClock,
    load: () => readCatalog(() => dialPostgres(target, credentials), DEFAULT_FRAME_LIMITS),
  })
  await inspector.warm()
  const { catalog, view } = await state.refresh()
  const scope = { target: target.name, searchPath: ['public'] }
  for (const [name, statements] of [
    ['own statements', STATEMENTS],
    ...(corpus === undefined ? [] : [['corpus', corpusStatements(corpus)] as const]),
  ] as const) {
    const times: number[] = []
    let refused = 0
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      // Nothing that was known of the target counts any more.
      inspector.setCatalog(target.name, catalog, view)
      await inspector.inspect('select 0', scope)
      for (const sql of statements) {
        const started = performance.now()
        const inspection = await inspector.inspect(sql, scope)
        if (round < 0) continue
        times.push(performance.now() - started)
        if (!inspection.ok) refused++
      }
    }
    const ordered = sorted(times)
    process.stdout.write(
      `${name}: ${statements.length} statements × ${rounds}, milliseconds: median ${at(ordered, 0.5)}, ` +
        `95 % ${at(ordered, 0.95)}, 99 % ${at(ordered, 0.99)}, most ${at(ordered, 1)}; not parsed ${refused / rounds}\n`,
    )
  }
} finally {
  await inspector.close()
  await environment.stop()
}
