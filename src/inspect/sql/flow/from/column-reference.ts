import type { ColumnRef } from '@pgsql/types'
import type { Place } from '../place.ts'
import { lookUpName, lookUpQualified, useShape, findQualified, starShape } from './scope.ts'
import { TAINTED, type Value } from '../values/types.ts'
import { worst } from '../values/value.ts'

/** The value that a name in an expression stands for (PostgreSQL documentation, 4.2.1). */
export function columnReference(ref: ColumnRef, place: Place): Value {
  const fields = ref.fields ?? []
  const path = fields.flatMap((field) => ('String' in field ? [field.String.sval ?? ''] : []))
  if (fields.some((field) => 'A_Star' in field)) return wholeRow(path, place)
  const name = path.at(-1) ?? ''
  if (path.length === 1) return lookUpName(name, place) ?? unresolved(place)
  const found = lookUpQualified(path.slice(0, -1), name, place)
  if (found === null) return unresolved(place)
  if (found.value !== null) return found.value
  // `p.name` where the row `p` has no such column is the function call `name(p)`.
  place.state.calls({ schema: null, name })
  place.state.hazard('function-not-known-safe', name)
  return worst([useShape(found.item.shape, found.depth, place), TAINTED])
}

/** `t.*` or `*` inside an expression: all columns at once. */
function wholeRow(path: readonly string[], place: Place): Value {
  if (path.length === 0) return useShape(starShape(place.scope), place.scope.depth, place)
  const found = findQualified(path, place.scope)
  return found === null ? unresolved(place) : useShape(found.item.shape, found.depth, place)
}

/** The server will not find it either, unless its catalog has changed since the snapshot. */
function unresolved(place: Place): Value {
  place.state.reach()
  return TAINTED
}
