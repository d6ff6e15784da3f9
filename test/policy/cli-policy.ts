import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { policyCommand } from '../../cli/commands/policy.ts'
import { terminal } from '../../cli/terminal.ts'
import type { ConfigDocument, Testbed } from '../support/testbed.ts'

// A function, because the compiler thinks that nobody has changed it.
const exitStatus = (): number => Number(process.exitCode ?? 0)

/** Runs `chaperone policy … --json` in this process. */
export async function policy(...args: readonly string[]): Promise<{ readonly json: unknown; readonly status: number }> {
  let stdout = ''
  const out = terminal({
    stdout: { write: (text) => ((stdout += text), true) },
    stderr: { write: () => true },
    env: {},
  })
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await policyCommand({ environment: {}, out }).parseAsync([...args, '--json'], { from: 'user' })
    return { json: JSON.parse(stdout), status: exitStatus() }
  } finally {
    process.exitCode = before
  }
}

/** The configuration of a gateway, changed, in a file beside it. */
export function changedConfig(
  { environment }: Testbed,
  name: string,
  change: (document: ConfigDocument) => void,
): string {
  const document: ConfigDocument = parse(readFileSync(environment.configFile, 'utf8'))
  change(document)
  const file = join(dirname(environment.configFile), name)
  writeFileSync(file, stringify(document))
  return file
}
