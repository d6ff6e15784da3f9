import type { OutputShape, StoredColumn } from '../../facts.ts'
import { isSameColumn, isTooLarge, mergedShape, wholeOf } from './shape.ts'
import { joined, type Taint } from './taint.ts'
import { CLEAN, NULL_VALUE, type Value } from './types.ts'

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
  const present = values.filter((value) => value !== NULL_VALUE)
  if (present.length === 0) return values.length === 0 ? CLEAN : NULL_VALUE
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
