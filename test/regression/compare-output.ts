import { runProgram } from './program.ts'

/** Something that the gateway adds to any output; removed before outputs are compared. */
export interface Addition {
  readonly pattern: RegExp
}

/** What differs from run to run with or without a gateway: process ids, ports, generated names of its own run. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/\bPID \d+/g, 'PID #'],
  [/\bport \d+/g, 'port #'],
  [/(asynchronous notification .* server process with PID) \d+/gi, '$1 #'],
]

/** The text of one run as it is compared. `build` is the directory whose path the two runs do not share. */
export function normaliseOutput(text: string, build: string, additions: readonly Addition[]): string {
  let result = text.replaceAll(build, 'BUILD')
  for (const [pattern, replacement] of PASSING) result = result.replace(pattern, replacement)
  for (const { pattern } of additions) result = result.replace(pattern, '')
  return result
}

export interface OutputDifference {
  readonly hunks: number
  /** Unified diff without its header. */
  readonly text: string
}

/** Compares two files with diff(1), without context, so that each place that differs is one hunk. */
export async function compareFiles(direct: string, gateway: string): Promise<OutputDifference> {
  const { code, stdout, stderr } = await runProgram('diff', ['-a', '-U0', direct, gateway])
  if (code === 0) return { hunks: 0, text: '' }
  if (code !== 1) throw new Error(`diff ended with ${code}: ${stderr}`)
  const lines = stdout.split('\n').slice(2)
  return { hunks: lines.filter((line) => line.startsWith('@@')).length, text: lines.join('\n') }
}
