import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { table } from '../cli/terminal.ts'
import { WIDE_QUERY } from './cases.ts'
import { checkMasking } from './check-masking.ts'
import { countRows } from './count-rows.ts'
import { type CpuProfile, parseCpuProfile, selfTimes } from './cpu-profile.ts'
import type { BenchEnvironment } from './environment.ts'
import type { BenchOptions } from './options.ts'
import { runPgbench } from './pgbench.ts'
import { BenchFailure } from './processes.ts'
import type { Programs } from './programs.ts'
import type { Scope } from './scope.ts'

const SAMPLING_INTERVAL_US = 250
const WARM_UP_SECONDS = 3
const SHOWN = 30
/** Enough for a few thousand samples. */
const ROWS_RUNS = 3

interface Leg {
  readonly title: string
  readonly from: number
  readonly to: number
  readonly result: string
}

/** The clock that the profiler uses as well: monotonic, in microseconds. */
const now = (): number => Number(process.hrtime.bigint() / 1000n)

/**
 * Runs the gateway under the profiler of its runtime and tells, for each of a few loads, which functions its main thread
 * was in. Profiling costs time of its own: read the shares, not the totals.
 */
export async function profileGateway(
  options: BenchOptions,
  environment: BenchEnvironment,
  programs: Programs,
  scope: Scope,
  onStep: (text: string) => void,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-profile-'))
  scope.defer(() => rm(directory, { recursive: true, force: true }))
  const durability = options.legs.includes('process-crash') ? 'process-crash' : 'fsync'
  const gateway = await environment.startGateway(durability, [
    '--cpu-prof',
    `--cpu-prof-interval=${SAMPLING_INTERVAL_US}`,
    `--cpu-prof-dir=${directory}`,
  ])
  await checkMasking([gateway.leg], false)
  const legs: Leg[] = []
  const measure = async (title: string, run: () => Promise<string>) => {
    onStep(`profiling ${title}`)
    const from = now()
    const result = await run()
    legs.push({ title, from, to: now(), result })
  }
  const { pgbench } = programs
  if (pgbench === undefined) onStep('left out: pgbench, because it is not installed')
  else if (options.only.includes('pgbench')) {
    const { seconds } = options
    for (const clients of options.clients) {
      for (const protocol of ['simple', 'prepared'] as const) {
        const run = { program: pgbench, protocol, clients, signal: scope.signal }
        await runPgbench(gateway.leg, { ...run, seconds: WARM_UP_SECONDS })
        await measure(`pgbench -S -M ${protocol}, ${clients} clients, ${durability}`, async () => {
          const { value, details } = await runPgbench(gateway.leg, { ...run, seconds })
          return `${Math.round(value)} transactions a second, ${details['cpuMicrosPerTransaction']?.toFixed(1) ?? '?'} µs of CPU each`
        })
      }
    }
  }
  if (options.only.includes('rows')) {
    await countRows(gateway.leg, WIDE_QUERY, scope.signal)
    await measure(`masked rows, ${durability}`, async () => {
      const seconds: string[] = []
      for (let run = 0; run < ROWS_RUNS; run++) {
        seconds.push((await countRows(gateway.leg, WIDE_QUERY, scope.signal)).seconds.toFixed(2))
      }
      return `${options.rows.toLocaleString('en')} rows in ${seconds.join(', ')} s`
    })
  }
  await gateway.service.stop()
  const profile = await mainProfile(directory)
  return legs.map((leg) => describe(leg, profile)).join('\n')
}

/** Worker threads leave profiles of their own; the thread number is the last but one part of the name, 0 for the main one. */
async function mainProfile(directory: string): Promise<CpuProfile> {
  const name = (await readdir(directory)).find((file) => /\.0\.\d+\.cpuprofile$/.test(file))
  if (name === undefined) throw new BenchFailure('the gateway left no profile')
  return parseCpuProfile(await readFile(join(directory, name), 'utf8'))
}

function describe({ title, from, to, result }: Leg, profile: CpuProfile): string {
  const { functions, totalMs } = selfTimes(profile, from, to)
  const idle = functions.find(({ name }) => name === '(idle)')?.ms ?? 0
  const busy = totalMs - idle
  const rows = functions
    .filter(({ name }) => name !== '(idle)')
    .slice(0, SHOWN)
    .map(({ name, place, via, ms, hottestLine }) => [
      `${((100 * ms) / busy).toFixed(1)} %`,
      ms.toFixed(0),
      name,
      via === '' ? place : `called by ${via}`,
      via !== '' || hottestLine === undefined ? '' : `line ${hottestLine}`,
    ])
  return [
    `${title}: ${result}`,
    `main thread busy ${busy.toFixed(0)} ms of ${totalMs.toFixed(0)} ms (${((100 * busy) / totalMs).toFixed(0)} %)`,
    table(['of busy', 'self ms', 'function', 'where', 'hottest'], rows),
    '',
  ].join('\n')
}
