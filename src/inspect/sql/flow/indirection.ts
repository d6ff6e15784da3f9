import type { A_Indirection } from '@pgsql/types'
import { isSafeFunction } from './check-routine.ts'
import { valueOf, worst } from './column.ts'
import { combined, expression } from './expression.ts'
import { apart, type Place } from './place.ts'
import { type Column, noteSink, TAINTED, type Value } from './types.ts'

/** `(row).field`, `array[1]`, `array[1:n]`, `(row).*`: what the chosen part carries, as far as the row's fields are known. */
export function indirection(node: A_Indirection, place: Place): Value {
  const inner = apart(place)
  let value = expression(node.arg, inner)
  let flowing: ReadonlyMap<Column, number> = inner.sink.columns
  for (const step of node.indirection ?? []) {
    if ('A_Indices' in step) {
      value = worst([value, combined([step.A_Indices.lidx, step.A_Indices.uidx], place)])
      continue
    }
    if (!('String' in step)) {
      value = worst([value])
      continue
    }
    const name = step.String.sval ?? ''
    const field = value.row?.columns.find((column) => column.name === name)
    if (field === undefined) {
      value = isSafeField(name, value, place) ? worst([value]) : TAINTED
    } else {
      flowing = new Map([[field, place.scope.depth]])
      const { row } = field.value
      value = { ...worst([valueOf(field)]), ...(row === undefined ? {} : { row }) }
      if (field.value.origin !== null) place.state.reads(field.value.origin)
    }
  }
  for (const [column, depth] of flowing) place.sink.columns.set(column, depth)
  noteSink(place.sink, inner.sink)
  return value
}

/** Built-in functions that could be called as `(argument).name` and are not safe. */
const UNSAFE_BUILT_IN =
  /^(?:pg_|lo_|lo(?:read|write)|ts_|.*_to_xml|.*_send|binary_upgrade|current_query|set|brin_|gin_)/

/** `(value).name` is also a way to write `name(value)`; which one it is depends on the type of the value. */
function isSafeField(name: string, value: Value, place: Place): boolean {
  const { context } = place.state
  const known = value.row !== undefined && value.row.open === null
  const user = context.index.functionsByName.has(name)
  if (!known && !user && !UNSAFE_BUILT_IN.test(name)) return true
  place.state.calls(name)
  if (isSafeFunction({ schema: null, name }, context)) return true
  place.state.hazard('function-not-known-safe', name)
  return false
}
