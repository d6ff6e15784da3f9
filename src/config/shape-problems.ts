import type { z } from 'zod'
import { assertNever } from '../lib/assert-never.ts'
import type { Path } from './problem.ts'
import { allowedKeys } from './schema-keys.ts'
import { suggestion } from './suggestion.ts'
import type { Data } from './yaml-document.ts'

export interface ShapeProblem {
  readonly path: Path
  /** Whether the key is meant, or the value. */
  readonly at: 'key' | 'value'
  readonly message: string
}

type Issue = z.core.$ZodIssue

/** What zod found, in words for the operator. */
export function shapeProblems(schema: z.ZodType, issues: readonly Issue[], data: Data): readonly ShapeProblem[] {
  return issues.flatMap((issue) => explain(schema, issue, data))
}

function explain(schema: z.ZodType, issue: Issue, data: Data): readonly ShapeProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  const value = valueAt(data, path)
  if (issue.code === 'unrecognized_keys') {
    const known = allowedKeys(schema, path)
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: 'key',
      message: `unknown key ${JSON.stringify(key)}.${suggestion(key, known)}`,
    }))
  }
  if (issue.code === 'invalid_union') {
    const branch = chooseBranch(issue.errors, value)
    if (branch !== undefined) {
      return branch.flatMap((inner) => explain(schema, { ...inner, path: [...issue.path, ...inner.path] }, data))
    }
  }
  const key = path.at(-1)
  if (value === undefined && typeof key === 'string' && !isKeyIssue(issue)) {
    return [{ path, at: 'key', message: `${JSON.stringify(key)} is missing.` }]
  }
  return [{ path, at: isKeyIssue(issue) ? 'key' : 'value', message: describe(issue, value) }]
}

const isKeyIssue = (issue: Issue): boolean => issue.code === 'invalid_key'

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text (in quotes if it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function describe(issue: Issue, value: Data): string {
  switch (issue.code) {
    case 'invalid_type':
      // A message of our own says more than the type.
      if (!issue.message.startsWith('Invalid input')) return `${issue.message}.`
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}.`
    case 'invalid_value': {
      const options = issue.values.map(String)
      const hint = typeof value === 'string' ? suggestion(value, options) : ''
      return `must be ${options.length === 1 ? '' : 'one of '}${options.join(', ')}.${hint}`
    }
    case 'too_small':
      return issue.origin === 'array' || issue.origin === 'string'
        ? 'must not be empty.'
        : `must be at least ${issue.minimum}.`
    case 'too_big':
      return issue.origin === 'string'
        ? `must be at most ${issue.maximum} characters long.`
        : `must be at most ${issue.maximum}.`
    case 'invalid_key':
      return issue.issues.map((inner) => `the name ${describe(inner, value)}`).join(' ')
    case 'invalid_union':
      return `must be ${issue.errors.flatMap((branch) => branch.flatMap(expectedWord)).join(' or ')}.`
    case 'unrecognized_keys':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_element':
    case 'custom':
      return `${issue.message}.`
    default:
      return assertNever(issue)
  }
}

function expectedWord(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_type') return [TYPE_WORDS[issue.expected] ?? issue.expected]
  return issue.code === 'invalid_value' ? issue.values.map(String) : []
}

/** The alternative that was meant: the one whose outermost type fits, or the list of names when a name was given. */
function chooseBranch(branches: readonly (readonly Issue[])[], value: Data): readonly Issue[] | undefined {
  const fitting = branches.find((branch) => branch.every((issue) => issue.path.length > 0 || !isTypeIssue(issue)))
  if (fitting !== undefined) return fitting
  if (typeof value !== 'string') return undefined
  return branches.find((branch) => branch.some((issue) => issue.code === 'invalid_value' && issue.path.length === 0))
}

const isTypeIssue = (issue: Issue): boolean => issue.code === 'invalid_type' || issue.code === 'invalid_value'

export function valueAt(data: Data, path: Path): Data {
  let value = data
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step]
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) value = value[String(step)]
    else return undefined
  }
  return value
}
