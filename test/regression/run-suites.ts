import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { judge, readDifferences } from './differences.ts'
import type { ConformanceOptions } from './options.ts'
import { Unavailable } from './program.ts'
import type { SuiteReport } from './report.ts'
import type { Suite } from './suite.ts'

export const DIFFERENCES = join(import.meta.dirname, '../../docs/postgres-differences.md')

/** Runs suites one after the other. What cannot run here is skipped; what breaks off is reported, and the next one runs. */
export async function runSuites(
  suites: readonly Suite[],
  options: Pick<ConformanceOptions, 'only' | 'cache' | 'offline'>,
  work: string,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<readonly SuiteReport[]> {
  const known = readDifferences(await readFile(DIFFERENCES, 'utf8'))
  await mkdir(options.cache, { recursive: true })
  const reports: SuiteReport[] = []
  for (const suite of suites) {
    if (signal.aborted) break
    const directory = join(work, suite.name)
    // What an earlier run left there would be taken for this one's.
    await rm(directory, { recursive: true, force: true })
    await mkdir(directory, { recursive: true })
    const started = performance.now()
    try {
      const run = await suite.run({ ...options, work: directory, signal, say: (text) => say(`${suite.name}: ${text}`) })
      const judgement = judge(suite.name, run.cases, known.differences)
      reports.push({
        suite: suite.name,
        status: 'ran',
        seconds: (performance.now() - started) / 1000,
        run,
        judgement,
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      reports.push({ suite: suite.name, status: error instanceof Unavailable ? 'skipped' : 'broken', reason })
      say(`${suite.name}: ${reason}`)
    }
  }
  return reports
}
