import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { describeFailure } from '../cli/failure.ts'
import { casesFor, WIDE_QUERY } from './cases.ts'
import { checkMasking } from './check-masking.ts'
import { countRows } from './count-rows.ts'
import { benchDecisions } from './decisions.ts'
import { benchDetectors } from './detectors/main.ts'
import { startEnvironment } from './environment.ts'
import type { Leg } from './leg.ts'
import { machineFacts } from './machine-facts.ts'
import { type BenchOptions, readOptions } from './options.ts'
import { runPgbench } from './pgbench.ts'
import { BenchFailure } from './processes.ts'
import { profileGateway } from './profile.ts'
import { findPrograms, type Programs } from './programs.ts'
import { makeReport, reportMarkdown, reportText } from './report.ts'
import { runRounds } from './run-rounds.ts'
import { Scope } from './scope.ts'
import { TOKEN_QUERY } from './token-cases.ts'
import { writeReadme } from './write-readme.ts'

const WARM_UP_SECONDS = 2
const WARM_UP_CLIENTS = 8

const progress = (text: string): void => void process.stderr.write(`bench: ${text}\n`)

/** Measures, and prints the result. True when nothing failed. */
async function bench(options: BenchOptions, programs: Programs, scope: Scope): Promise<boolean> {
  const [loadBefore = 0] = loadavg()
  const environment = await startEnvironment(options, programs, scope, progress)
  const { legs, startFresh } = environment
  if (options.profile) {
    process.stdout.write(await profileGateway(options, environment, programs, scope, progress))
    return true
  }
  await checkMasking(legs, options.only.includes('tokens'))
  for (const leg of legs) {
    progress(`warming up ${leg.name}`)
    await warmUp(leg, options, programs, scope.signal)
  }
  const { cases, leftOut } = casesFor(options, programs, startFresh, scope.signal)
  const results = await runRounds({ cases, legs, runs: options.runs, signal: scope.signal, onSample: progress })
  const report = makeReport(
    machineFacts(options, programs, environment.database.server.version, loadBefore),
    { runs: options.runs, seconds: options.seconds, tls: options.tls, quick: options.quick },
    [...environment.leftOut, ...leftOut],
    results,
    legs.map((leg) => leg.name),
  )
  const json = `${JSON.stringify({ ...report, results }, undefined, 2)}\n`
  if (options.json === '-') process.stdout.write(json)
  else process.stdout.write(reportText(report))
  if (options.json !== undefined && options.json !== '-') writeFileSync(options.json, json)
  const failed = results.some(({ failures }) => Object.keys(failures).length > 0)
  if (options.writeReadme && failed) progress('bench/README.md is left as it is, because something failed')
  else if (options.writeReadme) writeReadme(reportMarkdown(report))
  return !failed
}

/** The first seconds of a process tell nothing about the others: its code is not compiled yet, its caches are empty. */
async function warmUp(leg: Leg, options: BenchOptions, { pgbench }: Programs, signal: AbortSignal): Promise<void> {
  if (
    pgbench !== undefined &&
    ['pgbench', 'catalog-check', 'connect'].some((name) => options.only.some((one) => one === name))
  ) {
    for (const protocol of ['simple', 'prepared'] as const) {
      const run = { program: pgbench, clients: WARM_UP_CLIENTS, seconds: WARM_UP_SECONDS, protocol, signal }
      await runPgbench(leg, run)
    }
  }
  if (options.only.includes('rows')) await countRows(leg, WIDE_QUERY, signal)
  // All of its values have their tokens from here on.
  if (options.only.includes('tokens')) await countRows(leg, TOKEN_QUERY, signal)
}

if (process.argv[2] === 'detectors') {
  benchDetectors(process.argv.slice(3))
  process.exit()
}
// They need no database, so they are no part of the rounds.
if (process.argv.slice(2).join(' ') === '--only decisions') process.exit((await benchDecisions()) ? 0 : 1)
const options = readOptions(process.argv.slice(2))
const scope = new Scope()
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted) return
    interrupted = true
    progress(`${signal}: cleaning up …`)
    scope.abort(new BenchFailure(`interrupted by ${signal}`))
  })
}
try {
  process.exitCode = (await bench(options, await findPrograms(), scope)) ? 0 : 1
} catch (error) {
  // Ctrl-C also ends the programs that were running; that they failed is not worth telling then.
  if (interrupted) progress('interrupted')
  else progress(error instanceof BenchFailure ? error.message : describeFailure(error))
  process.exitCode = interrupted ? 130 : 1
} finally {
  for (const failure of await scope.close()) {
    progress(`cleaning up: ${describeFailure(failure)}`)
    process.exitCode = 1
  }
}
