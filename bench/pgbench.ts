import { availableParallelism } from 'node:os'
import { type Leg, libpqEnvironment } from './leg.ts'
import type { Sample } from './measure.ts'
import { BenchFailure, runProgram } from './processes.ts'
import { cpuSeconds } from './process-usage.ts'
import type { Program } from './programs.ts'

export interface PgbenchRun {
  readonly program: Program
  readonly protocol: 'simple' | 'prepared'
  readonly clients: number
  readonly seconds: number
  /** A new connection for every transaction. */
  readonly reconnect?: boolean
  /** A file with what one transaction is, instead of the select of -S. */
  readonly script?: string
  readonly signal: AbortSignal
}

function figure(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new BenchFailure(`pgbench printed something unexpected:\n${output}`)
  return Number(found)
}

/** One run of `pgbench -S`: a select by primary key, over and over, or of a script. The value is transactions per second. */
export async function runPgbench(leg: Leg, run: PgbenchRun): Promise<Sample> {
  const threads = Math.min(run.clients, availableParallelism())
  const args = [
    ...(run.script === undefined ? ['-S'] : ['-f', run.script]),
    '-n',
    '-M',
    run.protocol,
    '-c',
    String(run.clients),
    '-j',
    String(threads),
    '-T',
    String(run.seconds),
  ]
  const before = leg.pid === undefined ? undefined : cpuSeconds(leg.pid)
  const output = await runProgram(run.program.file, run.reconnect === true ? ['-C', ...args] : args, {
    environment: libpqEnvironment(leg),
    signal: run.signal,
  })
  const after = leg.pid === undefined ? undefined : cpuSeconds(leg.pid)
  const transactions = figure(output, /transactions actually processed: (\d+)/)
  const failed = figure(output, /number of failed transactions: (\d+)/)
  if (failed > 0) throw new BenchFailure(`pgbench: ${failed} transactions failed on the leg ${leg.name}`)
  return {
    value: figure(output, /tps = ([0-9.]+) \((?:without initial connection|including reconnection) time/),
    details: {
      transactions,
      latencyMs: figure(output, /latency average = ([0-9.]+) ms/),
      ...(before === undefined || after === undefined || transactions === 0
        ? {}
        : { cpuMicrosPerTransaction: ((after - before) * 1e6) / transactions }),
    },
  }
}
