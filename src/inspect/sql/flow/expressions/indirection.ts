import type { A_Indices, A_Indirection } from '@pgsql/types'
import { isSafeFunction } from '../known/check-routine.ts'
import { valueOf } from '../values/column.ts'
import { combined, expression } from './expression.ts'
import { constantText, integerLiteral } from './constants.ts'
import { anyPart, element, member } from '../values/parts.ts'
import { apart, type Place } from '../place.ts'
import { ask } from '../questions/questions.ts'
import { isQuietCall } from '../questions/quiet-functions.ts'
import { SAFE_FUNCTIONS } from '../known/safe-functions.ts'
import { showsElements, showsMember } from '../questions/shown-members.ts'
import { type Column, noteSink, type Shape, TAINTED, type Value } from '../values/types.ts'
import { JSON_TYPES } from '../values/value-types.ts'
import { detached, worst } from '../values/value.ts'

/** `(row).field`, `array[1]`, `array[1:n]`, `(row).*`: what the chosen part carries, as far as the row's fields are known. */
export function indirection(node: A_Indirection, place: Place): Value {
  const inner = apart(place)
  let value = expression(node.arg, inner)
  let flowing: ReadonlyMap<Column, number> = inner.sink.columns
  for (const step of node.indirection ?? []) {
    if ('A_Indices' in step) {
      value = subscripted(value, step.A_Indices, place)
      continue
    }
    if (!('String' in step)) {
      value = worst([value])
      continue
    }
    const name = step.String.sval ?? ''
    const field = knownFields(value)?.columns.find((column) => column.name === name)
    if (field === undefined) {
      askField(name, value, place)
      value = isSafeField(name, value, place) ? worst([value]) : TAINTED
    } else {
      flowing = new Map([[field, place.scope.depth]])
      value = detached(valueOf(field))
      if (field.value.origin !== null) place.state.reads(field.value.origin)
    }
  }
  for (const [column, depth] of flowing) place.sink.columns.set(column, depth)
  noteSink(place.sink, inner.sink)
  return value
}

/**
 * The fields of a row, if it is known which is which. An alias gives other names than the type has; and what is tied to the
 * row as a whole shows in each of its fields.
 */
export function knownFields({ row, shape, tainted }: Value): Shape | null {
  if (row === undefined || row.aliased === true) return null
  return tainted && shape.kind !== 'fields' ? null : row
}

/** An element or a part of an array, or a member of jsonb. */
function subscripted(value: Value, { is_slice: isSlice, lidx, uidx }: A_Indices, place: Place): Value {
  const { phi } = place.state.context
  const name = constantText(uidx)
  const subscript = combined([lidx, uidx], place)
  // Where an array ends is told by NULL.
  ask('computation', subscript, false, place)
  const isPlace = isSlice === true || integerLiteral(uidx) !== null || !isJsonValue(value)
  if (!(isPlace ? showsElements(value) : showsMember(value, name, phi))) ask('computation', value, false, place)
  if (!value.tainted || subscript.tainted) return worst([value, subscript])
  if (isSlice === true) return { ...detached(value), exact: null }
  const isJson = isJsonValue(value)
  if (isJson && name !== null) return member(value, name, phi)
  // The first element of an array of SQL has the number 1; of jsonb it is 0.
  return isJson && integerLiteral(uidx) === null ? anyPart(value, phi) : element(value, null, phi)
}

function isJsonValue({ shape }: Value): boolean {
  return shape.kind === 'object' || (shape.kind === 'column' && JSON_TYPES.has(shape.typeOid))
}

/** As a call, `(value).name` may fail like any other. */
function askField(name: string, value: Value, place: Place): void {
  const isCall = SAFE_FUNCTIONS.has(name) && !isQuietCall(name, [{ node: undefined, value }], place.state.context)
  if (isCall) ask('computation', value, false, place)
}

/** Built-in functions that could be called as `(argument).name` and are not safe. */
const UNSAFE_BUILT_IN =
  /^(?:pg_|lo_|lo(?:read|write)|ts_|.*_to_xml|.*_send|binary_upgrade|current_query|set|brin_|gin_)/

/** `(value).name` is also a way to write `name(value)`; which one it is depends on the type of the value. */
function isSafeField(name: string, value: Value, place: Place): boolean {
  const { context, lookups } = place.state
  lookups.function(name)
  const known = value.row !== undefined && value.row.open === null
  const user = context.index.functionsByName.has(name)
  if (!known && !user && !UNSAFE_BUILT_IN.test(name)) return true
  place.state.calls({ schema: null, name })
  if (isSafeFunction({ schema: null, name }, context)) return true
  place.state.hazard('function-not-known-safe', name)
  return false
}
