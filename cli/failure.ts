import { ConfigError } from '../src/config/problem.ts'
import { ChaperoneError } from '../src/lib/errors.ts'

/** What went wrong, for a person: every configuration problem with its place, or the code with the reason and a hint. */
export function describeFailure(error: unknown): string {
  if (error instanceof ConfigError) {
    const lines = error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`)
    return [...lines, `${error.problems.length} problem(s) [${error.code}]`].join('\n')
  }
  if (error instanceof ChaperoneError) {
    const reason = error.reason === undefined ? '' : `: ${error.reason}`
    return `${error.message}${reason} [${error.code}]\nhint: ${error.hint}`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
