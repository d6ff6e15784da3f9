import { readFileSync } from 'node:fs'
import { absolutePath, type CheckContext, items, mapping, requireFile, text } from './check-context.ts'
import type { Path } from './problem.ts'
import { MAKE_A_KEY, parseKey } from './secret-key.ts'
import type { Data } from './yaml-document.ts'

/** A list of references to keys. */
export function checkKeys(context: CheckContext, path: Path, value: Data): void {
  for (const [index, key] of items(value).entries()) checkKey(context, [...path, index], key)
}

/** A reference to a key: that it names one place, and that the place holds a key. */
export function checkKey(context: CheckContext, path: Path, value: Data): void {
  if (!checkPlace(context, path, value)) return
  const { file, env } = mapping(value)
  const variable = text(env)
  const name = text(file)
  if (variable !== undefined) checkKeyText(context, [...path, 'env'], context.environment[variable] ?? '')
  const content = name === undefined ? undefined : contentOf(absolutePath(context.directory, name))
  if (content !== undefined) checkKeyText(context, [...path, 'file'], content)
}

/** A reference to a secret: that it names one place, and that something is there. False when it does not. */
export function checkPlace(context: CheckContext, path: Path, value: Data): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { file, env } = mapping(value)
  if ((file === undefined) === (env === undefined)) {
    context.report(path, 'needs one of "file" and "env".', 'key')
    return false
  }
  requireFile(context, [...path, 'file'], file)
  const variable = text(env)
  if (variable === undefined || (context.environment[variable] ?? '') !== '') return true
  context.report([...path, 'env'], `the environment variable ${JSON.stringify(variable)} is not set.`)
  return false
}

function checkKeyText(context: CheckContext, path: Path, content: string): void {
  if (parseKey(content) === undefined) {
    context.report(path, `does not hold 32 bytes in base64; make a key with: ${MAKE_A_KEY}`)
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Reported as a file that cannot be read.
    return undefined
  }
}
