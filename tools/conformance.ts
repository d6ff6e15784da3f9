import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions, USAGE, UsageError } from '../test/regression/options.ts'
import { exitCode, findings, table } from '../test/regression/report.ts'
import { runSuites } from '../test/regression/run-suites.ts'
import { SUITES } from '../test/regression/suites.ts'

const NOT_COMPLETED = 2
const say = (text: string): void => void process.stderr.write(`conformance: ${text}\n`)

async function main(): Promise<number> {
  const options = readOptions(
    process.argv.slice(2),
    SUITES.map(({ name }) => name),
  )
  if (options === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (options === 'list') {
    process.stdout.write(`${SUITES.map(({ name, what }) => `${name}: ${what}`).join('\n')}\n`)
    return 0
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  const work = options.output ?? (await mkdtemp(join(tmpdir(), 'chaperone-conformance-run-')))
  await mkdir(work, { recursive: true })
  // The servers run as another user, and read and write some of it.
  await chmod(work, 0o755)
  try {
    const suites = SUITES.filter(({ name }) => options.suites.includes(name))
    const reports = await runSuites(suites, options, work, stop.signal, say)
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(reports, undefined, 2)}\n`)
    process.stdout.write(`${findings(reports)}\n\n${table(reports)}\n`)
    return stop.signal.aborted ? NOT_COMPLETED : exitCode(reports, options.require)
  } finally {
    if (options.output === undefined) await rm(work, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  say(
    error instanceof UsageError
      ? `${error.message} (--help for usage)`
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  process.exitCode = NOT_COMPLETED
}
