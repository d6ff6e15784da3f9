import { fileURLToPath } from 'node:url'
import { BOUNDED, PEOPLE } from './database.ts'
import { countRows } from './count-rows.ts'
import { measureIdle, type StartFresh } from './idle-sessions.ts'
import { LEG_NAMES, type Leg, libpqEnvironment } from './leg.ts'
import type { Case } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { runPgbench } from './pgbench.ts'
import { BenchFailure, runProgram } from './processes.ts'
import type { Program, Programs } from './programs.ts'
import { tokenCases } from './token-cases.ts'
import { withCpu } from './with-cpu.ts'

/** What is left out, and why. */
export interface LeftOut {
  readonly what: string
  readonly why: string
}

export const WIDE_QUERY = `select id, name, ssn, phone, amount from ${PEOPLE}`

const CONNECT_CLIENTS = [1, 8] as const
const MISSING = 'is not installed ("npm run setup:extras" installs it on Debian-like systems)'

/** The measurements that were asked for and can be made with the programs that are there. */
export function casesFor(
  options: BenchOptions,
  programs: Programs,
  startFresh: StartFresh,
  signal: AbortSignal,
): { readonly cases: readonly Case[]; readonly leftOut: readonly LeftOut[] } {
  const { pgbench, psql } = programs
  const cases: Case[] = []
  const leftOut: LeftOut[] = []
  if (options.only.includes('pgbench')) {
    if (pgbench === undefined) leftOut.push({ what: 'pgbench', why: `pgbench ${MISSING}` })
    else cases.push(...pgbenchCases(options, pgbench, signal))
  }
  if (options.only.includes('catalog-check')) {
    if (pgbench === undefined) leftOut.push({ what: 'catalog-check', why: `pgbench ${MISSING}` })
    else cases.push(...catalogCheckCases(options, pgbench, signal))
  }
  if (options.only.includes('rows')) {
    if (psql === undefined) leftOut.push({ what: 'rows by psql', why: `psql ${MISSING}` })
    else cases.push(psqlCase(options, psql, signal))
    cases.push(countedCase(options, signal))
  }
  if (options.only.includes('tokens')) {
    if (psql === undefined) leftOut.push({ what: 'tokens by psql', why: `psql ${MISSING}` })
    cases.push(...tokenCases(options, psql, signal))
  }
  if (options.only.includes('connect')) {
    if (pgbench === undefined) leftOut.push({ what: 'connect', why: `pgbench ${MISSING}` })
    else cases.push(...connectCases(options, pgbench, signal))
  }
  if (options.only.includes('idle')) cases.push(idleCase(options, startFresh, signal))
  return { cases, leftOut }
}

function pgbenchCases(options: BenchOptions, program: Program, signal: AbortSignal): readonly Case[] {
  return (['simple', 'prepared'] as const).flatMap((protocol) =>
    options.clients.map((clients) => ({
      id: `pgbench-${protocol}-${clients}`,
      title: `pgbench -S -M ${protocol}, ${clients} client${clients === 1 ? '' : 's'}`,
      measure: 'pgbench' as const,
      unit: 'per second' as const,
      better: 'higher' as const,
      legs: LEG_NAMES,
      run: (leg: Leg) => runPgbench(leg, { program, protocol, clients, seconds: options.seconds, signal }),
    })),
  )
}

const ONE_PERSON = fileURLToPath(new URL('one-person.sql', import.meta.url))

/** The same masked row with and without the question in each transaction; the direct leg is measured beside both. */
function catalogCheckCases(options: BenchOptions, program: Program, signal: AbortSignal): readonly Case[] {
  return (['strict', 'bounded'] as const).flatMap((check) =>
    (['simple', 'prepared'] as const).flatMap((protocol) =>
      options.clients.map((clients) => ({
        id: `catalog-check-${check}-${protocol}-${clients}`,
        title: `one masked row, catalogCheck ${check}, -M ${protocol}, ${clients} client${clients === 1 ? '' : 's'}`,
        measure: 'catalog-check' as const,
        unit: 'per second' as const,
        better: 'higher' as const,
        legs: ['direct', 'fsync', 'process-crash'] as const,
        run: (leg: Leg) => {
          const bounded = check === 'bounded' && leg.name !== 'direct'
          const target = bounded ? { ...leg, database: BOUNDED } : leg
          return runPgbench(target, {
            program,
            protocol,
            clients,
            seconds: options.seconds,
            script: ONE_PERSON,
            signal,
          })
        },
      })),
    ),
  )
}

function connectCases(options: BenchOptions, program: Program, signal: AbortSignal): readonly Case[] {
  return CONNECT_CLIENTS.map((clients) => ({
    id: `connect-${clients}`,
    title:
      clients === 1 ? 'connect and one select, one after the other' : `connect and one select, ${clients} at a time`,
    measure: 'connect' as const,
    unit: 'per second' as const,
    better: 'higher' as const,
    legs: LEG_NAMES,
    run: (leg: Leg) =>
      runPgbench(leg, { program, protocol: 'simple', clients, seconds: options.seconds, reconnect: true, signal }),
  }))
}

const rowsTitle = ({ rows }: BenchOptions): string => `${rows.toLocaleString('en')} rows × 5 columns, 3 masked`

function psqlCase(options: BenchOptions, program: Program, signal: AbortSignal): Case {
  return {
    id: 'rows-psql',
    title: `${rowsTitle(options)}: psql -At to /dev/null`,
    measure: 'rows',
    unit: 'seconds',
    better: 'lower',
    legs: LEG_NAMES,
    run: (leg) =>
      withCpu(leg, async () => {
        const started = performance.now()
        await runProgram(program.file, ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-c', WIDE_QUERY], {
          environment: libpqEnvironment(leg),
          stdout: 'ignore',
          signal,
        })
        return { value: (performance.now() - started) / 1000, details: {} }
      }),
  }
}

function countedCase(options: BenchOptions, signal: AbortSignal): Case {
  return {
    id: 'rows-counted',
    title: `${rowsTitle(options)}: a reader that only counts`,
    measure: 'rows',
    unit: 'seconds',
    better: 'lower',
    legs: LEG_NAMES,
    run: (leg) =>
      withCpu(leg, async () => {
        const { seconds, rows, bytes } = await countRows(leg, WIDE_QUERY, signal)
        if (rows !== options.rows) throw new BenchFailure(`the leg ${leg.name} gave ${rows} rows`)
        return { value: seconds, details: { bytes } }
      }),
  }
}

function idleCase(options: BenchOptions, startFresh: StartFresh, signal: AbortSignal): Case {
  return {
    id: 'idle',
    title: `memory of the process for each of ${options.sessions.toLocaleString('en')} idle sessions`,
    measure: 'idle',
    unit: 'KiB per session',
    better: 'lower',
    legs: ['pgbouncer', 'fsync', 'process-crash'],
    run: (leg) => measureIdle(leg.name, startFresh, options.sessions, signal),
  }
}
