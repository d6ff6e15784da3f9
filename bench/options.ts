import { Command, InvalidArgumentError } from 'commander'
import { LEG_NAMES, type LegName } from './leg.ts'

export const MEASURES = ['pgbench', 'catalog-check', 'rows', 'tokens', 'connect', 'idle'] as const
export type Measure = (typeof MEASURES)[number]

export interface BenchOptions {
  readonly only: readonly Measure[]
  readonly legs: readonly LegName[]
  readonly clients: readonly number[]
  /** Length of one pgbench run. */
  readonly seconds: number
  readonly runs: number
  readonly scale: number
  readonly rows: number
  readonly sessions: number
  readonly tls: boolean
  readonly quick: boolean
  readonly profile: boolean
  readonly json: string | undefined
  readonly writeReadme: boolean
  /** Where PostgreSQL's data and the journals are kept while it runs. */
  readonly directory: string | undefined
}

interface Given {
  readonly only?: readonly Measure[]
  readonly legs?: readonly LegName[]
  readonly clients?: readonly number[]
  readonly seconds?: number
  readonly runs?: number
  readonly tls?: true
  readonly quick?: true
  readonly profile?: true
  readonly json?: string
  readonly writeReadme?: true
  readonly directory?: string
}

const FULL = { seconds: 5, runs: 7, scale: 10, rows: 1_000_000, sessions: 1000 } as const
const QUICK = { seconds: 2, runs: 2, scale: 10, rows: 200_000, sessions: 100 } as const
const CLIENTS = [1, 8, 32] as const

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 is wanted.')
  return Number(text)
}

const listOf =
  <T extends string>(allowed: readonly T[]) =>
  (text: string): readonly T[] =>
    text.split(',').map((name) => {
      const found = allowed.find((one) => one === name)
      if (found === undefined) throw new InvalidArgumentError(`known are ${allowed.join(', ')}.`)
      return found
    })

/** Reads the command line. Ends the process with a message for `--help` and for what is wrong. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description(
      'Measures Chaperone against PgBouncer and against no proxy at all, interleaved in one run. See bench/README.md.',
    )
    .option('--only <measures>', `some of ${MEASURES.join(',')}`, listOf(MEASURES))
    .option('--legs <legs>', `some of ${LEG_NAMES.join(',')}`, listOf(LEG_NAMES))
    .option('--clients <numbers>', `concurrent clients of pgbench (default: ${CLIENTS.join(',')})`, (text: string) =>
      text.split(',').map(wholeNumber),
    )
    .option('--seconds <n>', `length of one pgbench run (default: ${FULL.seconds})`, wholeNumber)
    .option('--runs <n>', `rounds, of which the median is taken (default: ${FULL.runs})`, wholeNumber)
    .option('--tls', 'clients connect with TLS on every leg')
    .option('--quick', 'a few rounds of small measurements: shows that everything works, proves nothing')
    .option('--profile', 'profile the gateway instead: which functions its time goes to')
    .option('--json <file>', 'write every single measurement to a file; "-" is standard output')
    .option('--write-readme', 'put the tables into bench/README.md')
    .option('--directory <path>', 'where the database and the journals are kept meanwhile (default: the temporary one)')
    .parse(argv, { from: 'user' })
  const given = command.opts<Given>()
  if (given.quick && given.writeReadme) command.error('error: --write-readme needs a full run, not --quick')
  const size = given.quick ? QUICK : FULL
  return {
    ...size,
    only: given.only ?? MEASURES,
    legs: given.legs ?? LEG_NAMES,
    clients: given.clients ?? CLIENTS,
    seconds: given.seconds ?? size.seconds,
    runs: given.runs ?? size.runs,
    tls: given.tls ?? false,
    quick: given.quick ?? false,
    profile: given.profile ?? false,
    json: given.json,
    writeReadme: given.writeReadme ?? false,
    directory: given.directory,
  }
}
