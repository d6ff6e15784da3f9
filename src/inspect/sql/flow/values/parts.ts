import type { PhiView } from '../../catalog.ts'
import type { OutputShape, StoredColumn } from '../../facts.ts'
import { classesOfColumn, documentAt } from './document.ts'
import { isClean, memberOf, mergedShape, objectOf, wholeOf } from './shape.ts'
import { showsCount, showsMember } from '../questions/shown-members.ts'
import { CLEAN, type Value } from './types.ts'
import { elementType, JSON_TYPES, TEXT, TEXT_LIKE } from './value-types.ts'
import { shaped, taintedBy, worst } from './value.ts'

/**
 * Parts of values whose shape is known: members of JSON objects, elements of arrays. What is asked of a value that cannot
 * have such a part says as much as the whole.
 */

/** `value -> 'name'` */
export function member(value: Value, name: string, phi: PhiView): Value {
  const { shape } = value
  if (shape.kind === 'object') return part(value, memberOf(shape, name), phi)
  if (shape.kind !== 'column' || !JSON_TYPES.has(shape.typeOid)) return worst([value])
  // A label that does not speak of parts speaks of all of them.
  const inside = documentAt(shape, phi) === null ? shape : { ...shape, path: [...shape.path, name] }
  // If it is not shown whether it is there, it is more than a copy of what is.
  const copy = showsMember(value, name, phi) ? exactly(value, inside, phi) : { exact: null }
  return { ...part(value, inside, phi), ...copy }
}

/** `value -> 0`, and what unnest and its like take out; `index` is null when it is not known. */
export function element(value: Value, index: number | null, phi: PhiView): Value {
  const { shape } = value
  switch (shape.kind) {
    case 'elements':
      return part(value, shape.element, phi)
    case 'fields': {
      const chosen = index === null ? undefined : shape.fields[index]
      return chosen === undefined ? anyOf(value, shape.fields, phi) : part(value, chosen, phi)
    }
    case 'column': {
      if (JSON_TYPES.has(shape.typeOid)) {
        // Whether there is such an element shows where the array is masked inside.
        const copy = showsCount(value, phi) ? exactly(value, shape, phi) : { exact: null }
        return { ...part(value, shape, phi), ...copy }
      }
      const typeOid = elementType(shape.typeOid)
      return typeOid === null ? worst([value]) : part(value, { ...shape, typeOid }, phi)
    }
    case 'clean':
    case 'object':
    case 'whole':
    case 'year':
      return worst([value])
    default:
      return shape satisfies never
  }
}

/** Any part: `value -> $1`, the values of jsonb_each. */
export function anyPart(value: Value, phi: PhiView): Value {
  const { shape } = value
  if (shape.kind === 'object') return anyOf(value, [...shape.members.map(([, one]) => one), shape.rest], phi)
  if (shape.kind === 'elements' || shape.kind === 'fields') return element(value, null, phi)
  return worst([value])
}

function anyOf(value: Value, shapes: readonly OutputShape[], phi: PhiView): Value {
  return part(value, mergedShape(shapes, wholeOf(value.classes)), phi)
}

/** What `->>` gives: a scalar as text. The text of an array or object is no longer one to look into. */
export function asText(value: Value, phi: PhiView): Value {
  const { shape } = value
  if (shape.kind !== 'column') return worst([value])
  if (JSON_TYPES.has(shape.typeOid)) {
    if (documentAt(shape, phi)?.kind !== 'phi') return worst([value])
    const text = { ...shape, typeOid: TEXT }
    return { ...part(value, text, phi), ...exactly(value, text, phi) }
  }
  return TEXT_LIKE.has(shape.typeOid) ? part(value, { ...shape, typeOid: TEXT }, phi) : value
}

/** The value as to_json gives it: rows become objects. */
export function asJson(value: Value): Value {
  if (!value.tainted) return CLEAN
  return shaped(jsonShape(value), [value])
}

function jsonShape({ classes, row, shape }: Value): OutputShape {
  // Without a row, fields are those of a JSON array; see `merged` and `arrayOf`.
  if (row === undefined || shape.kind !== 'fields') return shape
  const whole = wholeOf(classes)
  const shapes = row.columns.map((column, i) => fieldInJson(column.value, shape.fields[i] ?? whole))
  // Names given to the columns of a table do not show in JSON made from its rows: those of its type do.
  if (row.aliased === true) return objectOf([], mergedShape(shapes, whole))
  const members = new Map<string, OutputShape>()
  for (const [i, { name }] of row.columns.entries()) {
    const known = members.get(name)
    members.set(name, mergedShape([...(known === undefined ? [] : [known]), shapes[i] ?? whole], whole))
  }
  return objectOf([...members])
}

/** The shape, not the column, is what was settled when the row was made. */
function fieldInJson(value: Value, shape: OutputShape): OutputShape {
  return value.row === undefined ? shape : jsonShape({ ...value, shape })
}

/** What is known of a part of a value that has this shape. */
function part(value: Value, shape: OutputShape, phi: PhiView): Value {
  if (isClean(shape)) return CLEAN
  const classes = classesOfShape(shape, phi)
  // Of a part that the labels call free of PHI nothing flows on.
  if (classes !== null && classes.size === 0) return CLEAN
  return { ...taintedBy({ classes: classes ?? new Set(), columns: value.columns }), shape }
}

function exactly(value: Value, column: StoredColumn, phi: PhiView): Pick<Value, 'exact'> {
  const { exact } = value
  const same = exact !== null && exact.oid === column.oid && exact.attnum === column.attnum
  return { exact: same && classesOfColumn(column, phi).length > 0 ? column : null }
}

/** Null when they are not known. */
function classesOfShape(shape: OutputShape, phi: PhiView): ReadonlySet<string> | null {
  switch (shape.kind) {
    case 'clean':
      return new Set()
    case 'whole':
      return shape.classes.length === 0 ? null : new Set(shape.classes)
    case 'column':
      return new Set(classesOfColumn(shape, phi))
    case 'year':
      return new Set(classesOfColumn(shape.column, phi))
    case 'elements':
      return classesOfShape(shape.element, phi)
    case 'object':
      return classesOfAll([...shape.members.map(([, one]) => one), shape.rest], phi)
    case 'fields':
      return classesOfAll(shape.fields, phi)
    default:
      return shape satisfies never
  }
}

function classesOfAll(shapes: readonly OutputShape[], phi: PhiView): ReadonlySet<string> | null {
  const all = new Set<string>()
  for (const shape of shapes) {
    const classes = classesOfShape(shape, phi)
    if (classes === null) return null
    for (const name of classes) all.add(name)
  }
  return all
}
