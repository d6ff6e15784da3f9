import type { Node, RowExpr } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { type Derived, derivedShape, rowValue } from '../values/column.ts'
import { expression } from './expression.ts'
import type { Place } from '../place.ts'
import { findQualified, starShape, use } from '../from/scope.ts'
import type { Shape, Value } from '../values/types.ts'
import { detached } from '../values/value.ts'

/** ROW(…), whose fields are called f1, f2 and so on; `*` in it stands for all columns. */
export function rowExpression(node: RowExpr, place: Place): Value {
  const fields: Derived[] = []
  let open: Value | null = null
  for (const field of node.args ?? []) {
    const { values, rest } = listed(field, place)
    for (const value of values) fields.push({ name: `f${fields.length + 1}`, value })
    open = rest ?? open
  }
  return rowValue(derivedShape(fields, open))
}

/** The values that a member of ROW(…) or VALUES stands for; `rest` for columns that are not known. */
export function listed(node: Node, place: Place): { readonly values: readonly Value[]; readonly rest: Value | null } {
  const star = starOf(node, place)
  if (star === null) return { values: [detached(expression(node, place))], rest: null }
  const { shape, depth } = star
  const values = shape.columns.map((column) => detached(use(column, depth, place)))
  return { values, rest: shape.open === null ? null : detached(use(shape.open, depth, place)) }
}

function starOf(node: Node, place: Place): { readonly shape: Shape; readonly depth: number } | null {
  if (!('ColumnRef' in node)) return null
  const fields = node.ColumnRef.fields ?? []
  if (!fields.some((field) => 'A_Star' in field)) return null
  const path = nameParts(fields)
  if (path.length === 0) return { shape: starShape(place.scope), depth: place.scope.depth }
  const found = findQualified(path, place.scope)
  return found === null ? null : { shape: found.item.shape, depth: found.depth }
}
