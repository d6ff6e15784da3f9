import { TOKENS } from './database.ts'
import { countRows } from './count-rows.ts'
import { type Leg, type LegName, libpqEnvironment } from './leg.ts'
import type { Case, Sample } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { BenchFailure, runProgram } from './processes.ts'
import type { Program } from './programs.ts'
import { withCpu } from './with-cpu.ts'

/** One column of four has tokens, of 10,000 different values. */
export const TOKEN_QUERY = `select id, mrn, ward, amount from ${TOKENS}`

const LEGS: readonly LegName[] = ['direct', 'fsync', 'process-crash']
const NEW_VALUES = 100_000

/** Rows whose tokens are in memory, and values that have none yet. */
export function tokenCases(options: BenchOptions, psql: Program | undefined, signal: AbortSignal): readonly Case[] {
  const title = `${options.rows.toLocaleString('en')} rows × 4 columns, one of tokens, 10,000 values in memory`
  const shared = { measure: 'tokens', unit: 'seconds', better: 'lower', legs: LEGS } as const
  const counted: Case = {
    ...shared,
    id: 'tokens-counted',
    title: `${title}: a reader that only counts`,
    run: (leg) => withCpu(leg, () => counting(leg, TOKEN_QUERY, options.rows, signal)),
  }
  const fresh: Case = { ...shared, id: 'tokens-new', title: newTitle(options), run: freshValues(options, signal) }
  if (psql === undefined) return [counted, fresh]
  const byPsql: Case = {
    ...shared,
    id: 'tokens-psql',
    title: `${title}: psql -At to /dev/null`,
    run: (leg) => withCpu(leg, () => byProgram(leg, psql, signal)),
  }
  return [byPsql, counted, fresh]
}

async function counting(leg: Leg, sql: string, expected: number, signal: AbortSignal): Promise<Sample> {
  const { seconds, rows, bytes } = await countRows(leg, sql, signal)
  if (rows !== expected) throw new BenchFailure(`the leg ${leg.name} gave ${rows} rows`)
  return { value: seconds, details: { bytes } }
}

async function byProgram(leg: Leg, { file }: Program, signal: AbortSignal): Promise<Sample> {
  const started = performance.now()
  await runProgram(file, ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-c', TOKEN_QUERY], {
    environment: libpqEnvironment(leg),
    stdout: 'ignore',
    signal,
  })
  return { value: (performance.now() - started) / 1000, details: {} }
}

const newValues = ({ rows, runs }: BenchOptions): number => Math.min(NEW_VALUES, Math.floor(rows / runs))

const newTitle = (options: BenchOptions): string =>
  `${newValues(options).toLocaleString('en')} values that have no token yet`

/** Each round takes the next rows, so that a value is new to the leg that reads it. */
function freshValues(options: BenchOptions, signal: AbortSignal): Case['run'] {
  const next = new Map<LegName, number>()
  const size = newValues(options)
  return (leg) => {
    const first = next.get(leg.name) ?? 1
    next.set(leg.name, first + size)
    const sql = `select number from ${TOKENS} where id between ${first} and ${first + size - 1}`
    return withCpu(leg, () => counting(leg, sql, size, signal))
  }
}
