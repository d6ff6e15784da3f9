import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { codeOf } from '../lib/error-code.ts'
import type { Environment } from './environment.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

/** What only the room `decide` knows of rules. Injected, so that `config` imports nothing of it. */
export interface PolicyChecks {
  /** What is wrong with a CEL condition, and at which index of its text; undefined when nothing is. */
  condition(text: string): { readonly message: string; readonly index: number } | undefined
  /** Names of the rules of the `guardrails` pack. */
  readonly guardrails: readonly string[]
}

export interface CheckContext {
  /** The file as it is, not known to have the right shape. */
  readonly data: Data
  /** Relative paths start here. */
  readonly directory: string
  readonly environment: Environment
  readonly policy: PolicyChecks
  report(path: Path, message: string, at?: 'key' | 'value' | { readonly character: number }): void
}

type Mapping = Readonly<Record<string, Data>>

const NOTHING: Mapping = Object.freeze(Object.create(null))

/** The value if it is a mapping, else an empty one: a wrong shape is reported elsewhere. */
export function mapping(value: Data): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : NOTHING
}

export function items(value: Data): readonly Data[] {
  return Array.isArray(value) ? value : []
}

export function text(value: Data): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function absolutePath(directory: string, path: string): string {
  return isAbsolute(path) ? path : resolve(directory, path)
}

/** Reports a path that is not a readable file. */
export function requireFile(context: CheckContext, path: Path, value: Data): void {
  const name = text(value)
  if (name === undefined || name === '' || name.includes('\0')) return
  const file = absolutePath(context.directory, name)
  try {
    if (!statSync(file).isFile()) context.report(path, `${file} is not a file.`)
    accessSync(file, constants.R_OK)
  } catch (error) {
    context.report(path, `${file} cannot be read (${codeOf(error) ?? 'error'}).`)
  }
}

/** Reports each name that an earlier entry of a list has already. */
export function requireUnique(context: CheckContext, list: Data, listPath: Path, member: string): void {
  const seen = new Set<string>()
  for (const [index, item] of items(list).entries()) {
    const name = text(mapping(item)[member])
    if (name === undefined) continue
    if (seen.has(name)) context.report([...listPath, index, member], `${JSON.stringify(name)} is there twice.`)
    seen.add(name)
  }
}
