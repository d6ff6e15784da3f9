import type { PhiView } from '../../catalog.ts'
import { element, member } from '../values/parts.ts'
import { showsElements, showsMember } from '../questions/shown-members.ts'
import type { Value } from '../values/types.ts'
import { merged, worst } from '../values/value.ts'

/** A step into a JSON value: the name of a member, a place in an array, or any place (null). */
export type Step = string | number | null

/** What a path leads to. */
export function valueAt(value: Value, steps: readonly Step[], phi: PhiView): Value {
  let at = value
  for (const step of steps) at = typeof step === 'string' ? member(at, step, phi) : element(at, step, phi)
  return at
}

/** Whether it can be seen in a masked value if there is something at the end of a path. */
export function showsSteps(value: Value, steps: readonly Step[], phi: PhiView): boolean {
  return steps.every((step, i) => {
    const at = valueAt(value, steps.slice(0, i), phi)
    return !at.tainted || (typeof step === 'string' ? showsMember(at, step, phi) : showsElements(at))
  })
}

/** The same for a path of texts. A short number is taken for a place, for it is no name that tells anything. */
export function showsTexts(value: Value, names: readonly string[], phi: PhiView): boolean {
  const steps = names.map((name) => (/^-?\d{1,3}$/.test(name) ? null : name))
  return steps.length <= MAX_STEPS && showsSteps(value, steps, phi)
}

const MAX_STEPS = 100

/**
 * What a path of texts leads to (`#>`, jsonb_extract_path). A number in it is a place in an array or the name of a member,
 * whatever it meets.
 */
export function valueAtTexts(value: Value, names: readonly string[], phi: PhiView): Value {
  const numbers = names.filter((name) => /^-?\d+$/.test(name)).length
  if (numbers > MAX_NUMBERS) return worst([value])
  const [name, ...below] = names
  if (name === undefined) return value
  const inside = valueAtTexts(member(value, name, phi), below, phi)
  if (!/^-?\d+$/.test(name)) return inside
  if (value.shape.kind === 'object') return inside
  const place = Number(name)
  const at = valueAtTexts(element(value, place < 0 ? null : place, phi), below, phi)
  return value.shape.kind === 'column' ? merged([at, inside]) : at
}

/** Each number doubles the work. */
const MAX_NUMBERS = 6

/** The texts in an array literal of plain words, `{name,0,family}`. Null for any other. */
export function arrayOfWords(literal: string): readonly string[] | null {
  const inner = /^\{([\w\-,]*)\}$/.exec(literal)?.[1]
  if (inner === undefined) return null
  const names = inner === '' ? [] : inner.split(',')
  // Without quotes this word is no text.
  return names.some((name) => name === '' || name.toLowerCase() === 'null') ? null : names
}

/** A step of an SQL/JSON path: its name, its name in quotes, any place, a place. */
export const STEP = /\.(?:([A-Za-z_]\w*)(?!\s*\()|"([^"\\]+)")|\[(?:(\*)|(\d{1,9}))\]/y

/** The steps of an SQL/JSON path that only goes down: `$.name[0].family`. Null for any other. */
export function pathSteps(path: string): readonly Step[] | null {
  const start = /^(?:(?:lax|strict)\s+)?\$/.exec(path.trim())
  if (start === null) return null
  const rest = path.trim().slice(start[0].length)
  const steps: Step[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < rest.length) {
    const found = STEP.exec(rest)
    if (found === null) return null
    const [, name, quoted, any, place] = found
    steps.push(name ?? quoted ?? (any === undefined ? Number(place) : null))
  }
  return steps
}
