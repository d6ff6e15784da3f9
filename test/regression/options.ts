import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

export const USAGE = `usage: npm run conformance [-- SUITE …] [options]

Runs public test suites twice, straight to a real PostgreSQL and through a gateway whose policy allows everything and
masks nothing, and compares. What may differ is in docs/postgres-differences.md, which this program reads. Sources are
fetched from package registries into a cache, pinned by version and digest. What is missing here is skipped, with the
reason.

Suites (default: all):
  postgres-regression   PostgreSQL's own regression tests, by psql
  node-postgres         tests of node-postgres' packages
  psycopg2, asyncpg, pg8000
                        tests of Python drivers
  pgx                   tests of the Go driver
  pgjdbc                tests of the Java driver

  --only A,B            these tests only (postgres-regression: names of the schedule)
  --cache DIR           default: ~/.cache/chaperone-conformance
  --output DIR          keeps the outputs of both runs and the gateway's log there
  --json FILE           writes every case
  --offline             fetches nothing
  --require             a suite that cannot run is a failure
  --list                names of the suites
  --help                this text

Exit code 0: no unexplained difference. 1: otherwise. 2: a suite could not be completed.
`

export interface ConformanceOptions {
  readonly suites: readonly string[]
  readonly only: readonly string[]
  readonly cache: string
  readonly output: string | undefined
  readonly json: string | undefined
  readonly offline: boolean
  readonly require: boolean
}

/** An error that the caller made: shown without a stack. */
export class UsageError extends Error {}

/** Reads the command line. Throws a UsageError that names what is wrong. */
export function readOptions(argv: readonly string[], known: readonly string[]): ConformanceOptions | 'help' | 'list' {
  const { values, positionals } = parse(argv)
  if (values.help) return 'help'
  if (values.list) return 'list'
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new UsageError(`there is no suite ${unknown.join(', ')}`)
  const only = values.only?.split(',').filter((name) => name !== '') ?? []
  if (only.length > 0 && positionals.length !== 1) throw new UsageError('--only needs one suite')
  return {
    suites: positionals.length === 0 ? known : known.filter((name) => positionals.includes(name)),
    only,
    cache: path(values.cache) ?? join(homedir(), '.cache', 'chaperone-conformance'),
    output: path(values.output),
    json: path(values.json),
    offline: values.offline ?? false,
    require: values.require ?? false,
  }
}

const path = (value: string | undefined): string | undefined => (value === undefined ? undefined : resolve(value))

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        cache: { type: 'string' },
        output: { type: 'string' },
        json: { type: 'string' },
        offline: { type: 'boolean' },
        require: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
