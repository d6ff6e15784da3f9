import type { OutputShape, StoredColumn } from '../../facts.ts'

type ObjectShape = Extract<OutputShape, { kind: 'object' }>
type Members = ObjectShape['members']

export const CLEAN_SHAPE: OutputShape = { kind: 'clean' }

/** Computed from PHI of these classes. */
export function wholeOf(classes: Iterable<string>): OutputShape {
  return { kind: 'whole', classes: [...classes].toSorted() }
}

export function isClean({ kind }: OutputShape): boolean {
  return kind === 'clean'
}

/** Names occur once; `rest` is for all others. */
export function objectOf(members: Members, rest: OutputShape = CLEAN_SHAPE): OutputShape {
  if (isClean(rest) && members.every(([, shape]) => isClean(shape))) return CLEAN_SHAPE
  return { kind: 'object', members, rest }
}

export function elementsOf(element: OutputShape): OutputShape {
  return isClean(element) ? element : { kind: 'elements', element }
}

export function fieldsOf(fields: readonly OutputShape[]): OutputShape {
  return fields.every(isClean) ? CLEAN_SHAPE : { kind: 'fields', fields }
}

/**
 * The shape of a value that is one of several. What is clean fits any shape, but is mixed with what is there; what does not fit
 * the others is `whole`.
 */
export function mergedShape(shapes: readonly OutputShape[], whole: OutputShape): OutputShape {
  const [first = CLEAN_SHAPE, ...others] = shapes
  let merged = first
  for (const shape of others) merged = mergedPair(merged, shape, whole)
  return merged
}

function mergedPair(a: OutputShape, b: OutputShape, whole: OutputShape): OutputShape {
  if (a === b) return b
  if (isClean(a)) return mixed(b)
  if (isClean(b)) return mixed(a)
  if (a.kind === 'column' && b.kind === 'column') {
    if (!isSameColumn(a, b)) return whole
    return a.mixed === true ? a : b
  }
  if (a.kind === 'year' && b.kind === 'year') return isSameColumn(a.column, b.column) ? a : whole
  if (a.kind === 'object' && b.kind === 'object') {
    const names = new Set([...a.members, ...b.members].map(([name]) => name))
    const members = [...names].map((name) => [name, mergedPair(memberOf(a, name), memberOf(b, name), whole)] as const)
    return objectOf(members, mergedPair(a.rest, b.rest, whole))
  }
  if (a.kind === 'elements' && b.kind === 'elements') return elementsOf(mergedPair(a.element, b.element, whole))
  if (a.kind === 'fields' && b.kind === 'fields' && a.fields.length === b.fields.length) {
    return fieldsOf(a.fields.map((field, i) => mergedPair(field, b.fields[i] ?? whole, whole)))
  }
  return whole
}

/** By the shape without them: rows of rows share their fields. */
const mixtures = new WeakMap<OutputShape, OutputShape>()

/** The same with values among the copies of columns that are free of PHI, and can be of the client's choice. */
function mixed(shape: OutputShape): OutputShape {
  const known = mixtures.get(shape)
  if (known !== undefined) return known
  const mixture = mixedParts(shape)
  mixtures.set(shape, mixture)
  return mixture
}

function mixedParts(shape: OutputShape): OutputShape {
  switch (shape.kind) {
    case 'column':
      return { ...shape, mixed: true }
    case 'object':
      return { ...shape, members: shape.members.map(([name, one]) => [name, mixed(one)]), rest: mixed(shape.rest) }
    case 'elements':
      return { ...shape, element: mixed(shape.element) }
    case 'fields':
      return { ...shape, fields: shape.fields.map(mixed) }
    case 'clean':
    case 'whole':
    // The number of a year has no replacement but itself.
    case 'year':
      return shape
    default:
      return shape satisfies never
  }
}

export function memberOf(shape: ObjectShape, name: string): OutputShape {
  return shape.members.find(([member]) => member === name)?.[1] ?? shape.rest
}

export function isSameColumn(a: StoredColumn, b: StoredColumn): boolean {
  const same = a.oid === b.oid && a.attnum === b.attnum && a.typeOid === b.typeOid
  if (!same || a.path.length !== b.path.length) return false
  return a.path.every((name, i) => name === b.path[i])
}

/** Rows of rows can share their fields, so that a short statement has a shape without end. */
const MAX_PARTS = 4_096

const weights = new WeakMap<OutputShape, number>()

export function isTooLarge(shape: OutputShape): boolean {
  return weightOf(shape) > MAX_PARTS
}

/** The number of parts, each counted as often as it occurs. */
function weightOf(shape: OutputShape): number {
  const known = weights.get(shape)
  if (known !== undefined) return known
  const weight = partsOf(shape).reduce((sum, part) => sum + weightOf(part), 1)
  weights.set(shape, weight)
  return weight
}

function partsOf(shape: OutputShape): readonly OutputShape[] {
  switch (shape.kind) {
    case 'object':
      return [...shape.members.map(([, member]) => member), shape.rest]
    case 'fields':
      return shape.fields
    case 'elements':
      return [shape.element]
    case 'clean':
    case 'whole':
    case 'column':
    case 'year':
      return []
    default:
      return shape satisfies never
  }
}
