import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

export const USAGE = `usage: npm run leakbench -- --data DIR --bench DIR [options]

Starts a real PostgreSQL with the data of DIR, "chaperone serve" in front of it, and runs the benchmark leakbench.mjs
through it. Needs psql ("npm run setup:extras" installs it).

  --data DIR          holds load.sql and labels.json
  --bench DIR         holds leakbench.mjs and corpus.jsonl
  --corpus FILE       cases to run instead of those of --bench; may be given several times
  --json FILE         writes every verdict with its evidence
  --only A,B*         runs these cases only
  --kinds A,B         runs these kinds only: leak, oracle, destroy, utility
  --jobs N            runs cases without side effects N at a time
  --timeout MS        of one step of a case
  --verbose           one line a case while running
  --superuser         loads load-superuser.sql, and accepts the risks of such a role in the configuration
  --binaries DIR      PostgreSQL installation (bin, lib, share) instead of the one from the registry
  --gateway-log FILE  keeps the gateway's log
  --help              this text

Exit code 0: no leak, no damage, all utility intact. 1: otherwise. 2: the run could not be completed.
`

export interface LeakbenchOptions {
  readonly data: string
  readonly bench: string
  readonly corpora: readonly string[]
  readonly superuser: boolean
  readonly binaries: string | undefined
  readonly gatewayLog: string | undefined
  /** For the benchmark itself, as given. */
  readonly passedOn: readonly string[]
}

/** An error that the caller made: shown without a stack. */
export class UsageError extends Error {}

/** Reads the command line; 'help' when that was asked for. Throws a UsageError that names what is missing. */
export function readOptions(argv: readonly string[]): LeakbenchOptions | 'help' {
  const { values } = parse(argv)
  if (values.help) return 'help'
  const data = directory('data', values.data, ['load.sql', 'labels.json'])
  const bench = directory('bench', values.bench, ['leakbench.mjs'])
  const corpora = (values.corpus ?? [join(bench, 'corpus.jsonl')]).map((file) => resolve(file))
  for (const file of corpora) if (!existsSync(file)) throw new UsageError(`there is no file ${file}`)
  const passedOn = (['only', 'kinds', 'jobs', 'timeout'] as const).flatMap((name) => {
    const value = values[name]
    return value === undefined ? [] : [`--${name}`, value]
  })
  if (values.json !== undefined) passedOn.push('--json', resolve(values.json))
  if (values.verbose) passedOn.push('--verbose')
  return {
    data,
    bench,
    corpora,
    superuser: values.superuser ?? false,
    binaries: values.binaries,
    gatewayLog: values['gateway-log'],
    passedOn,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        data: { type: 'string' },
        bench: { type: 'string' },
        corpus: { type: 'string', multiple: true },
        json: { type: 'string' },
        only: { type: 'string' },
        kinds: { type: 'string' },
        jobs: { type: 'string' },
        timeout: { type: 'string' },
        verbose: { type: 'boolean' },
        superuser: { type: 'boolean' },
        binaries: { type: 'string' },
        'gateway-log': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function directory(name: string, value: string | undefined, files: readonly string[]): string {
  if (value === undefined) throw new UsageError(`--${name} DIR is required`)
  const path = resolve(value)
  for (const file of files) {
    if (!existsSync(join(path, file))) throw new UsageError(`--${name}: there is no ${file} in ${path}`)
  }
  return path
}
