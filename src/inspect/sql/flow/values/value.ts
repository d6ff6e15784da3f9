import type { OutputShape, StoredColumn } from '../../facts.ts'
import { isSameColumn, isTooLarge, mergedShape, wholeOf } from './shape.ts'
import { joined, type Taint } from './taint.ts'
import { CLEAN, NULL_VALUE, type NullType, type Value } from './types.ts'

/** The PHI in a value; null for none. */
export function taintIn(value: Value): Taint | null {
  return value.tainted ? value : null
}

/** PHI of this kind, in a value of which no more is known. */
export function taintedBy({ classes, columns }: Taint): Value {
  return { ...CLEAN, tainted: true, classes, columns, shape: wholeOf(classes) }
}

/** PHI of this kind in a value whose parts are known. Clean when no part carries any. */
export function shaped(shape: OutputShape, from: readonly Value[]): Value {
  if (shape.kind === 'clean') return CLEAN
  const taint = joined(from.filter(({ tainted }) => tainted))
  if (isTooLarge(shape)) return taintedBy(taint)
  const { classes, columns } = taint
  return { ...CLEAN, tainted: true, classes, columns, shape }
}

/** A computed value: it may say anything that one of its inputs says. */
export function worst(values: readonly Value[]): Value {
  const tainted = values.filter((value) => value.tainted)
  return tainted.length === 0 ? CLEAN : taintedBy(joined(tainted))
}

/** One of the values, unchanged: COALESCE, the results of CASE, set operations, elements of an array. */
export function merged(values: readonly Value[]): Value {
  const present = values.filter(({ isNull }) => isNull === undefined)
  // What else is among them could give constants another type.
  const areKnown = present.every((one) => one.constants !== undefined || one.exact !== null)
  const constants = areKnown ? values.flatMap((one) => one.constants ?? []) : []
  const value = values.length > 0 && present.length === 0 ? nullOf(values) : mergedPresent(present)
  const known = keepsTypes(values) ? value : worst([value])
  return constants.length === 0 ? known : { ...known, constants }
}

function nullOf(nulls: readonly Value[]): Value {
  return { ...NULL_VALUE, isNull: nulls.map(({ isNull }) => isNull ?? 'all').reduce(bothKeep, 'all') }
}

const bothKeep = (a: NullType, b: NullType): NullType => {
  if (a === 'all' || b === 'all') return a === 'all' ? b : a
  return new Set([...a].filter((type) => b.has(type)))
}

/** Whether the NULLs among values leave PHI beside them as it is: `null::name` cuts texts off, `null::float4` digits. */
export function keepsTypes(values: readonly Value[]): boolean {
  const { isNull = 'all' } = nullOf(values)
  if (isNull === 'all') return true
  return values.every(({ shape, tainted }) => !tainted || (shape.kind === 'column' && isNull.has(shape.typeOid)))
}

function mergedPresent(present: readonly Value[]): Value {
  const tainted = present.filter((value) => value.tainted)
  const [only, ...others] = present
  if (only !== undefined && others.length === 0) return detached(only)
  // Of rows that could have other fields no field is known.
  if (present.some((value) => value.row !== undefined)) return worst(present)
  const whole = wholeOf(joined(tainted).classes)
  const value = shaped(
    mergedShape(
      present.map(({ shape }) => shape),
      whole,
    ),
    tainted,
  )
  const exact = sameColumn(present.map((one) => one.exact))
  return exact === null ? value : { ...value, exact }
}

/** The same value where the server does not name where it comes from. */
export function detached(value: Value): Value {
  return value.reported || value.origin !== null ? { ...value, origin: null, reported: false } : value
}

function sameColumn(columns: readonly (StoredColumn | null)[]): StoredColumn | null {
  const [first] = columns
  if (first === undefined || first === null) return null
  return columns.every((column) => column !== null && isSameColumn(column, first)) ? first : null
}
