import type { Node, SelectStmt } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import type { Place } from './place.ts'
import type { Predicates } from './predicate.ts'
import type { Target } from './target-list.ts'
import type { Column } from './types.ts'

/**
 * The keys by which rows are ordered, grouped and made distinct. They choose rows as conditions do: with `ORDER BY
 * abs(g - record_no) LIMIT 1` the first `g` is the number. A key may be the name or the position of an output column.
 */
export function addKeys(node: SelectStmt, list: readonly Target[], predicates: Predicates, place: Place): void {
  for (const key of keysOf(node)) {
    const target = outputOf(key, list)
    if (target === undefined) predicates.add(key, place)
    else predicates.tie([...target.sink.columns.keys()], target.value.tainted)
  }
}

/** The same for the result of a set operation, whose keys can only be output columns. */
export function addResultKeys(node: SelectStmt, columns: readonly Column[], predicates: Predicates): void {
  for (const key of keysOf(node)) {
    const column = outputOf(key, columns)
    if (column !== undefined) predicates.tie([column], false)
  }
}

function keysOf(node: SelectStmt): readonly Node[] {
  return [...(node.distinctClause ?? []), ...(node.sortClause ?? []), ...(node.groupClause ?? [])].flatMap(parts)
}

/** Rows and grouping sets are several keys; an absent one stands for DISTINCT without ON. */
function parts(key: Node): readonly Node[] {
  if ('RowExpr' in key) return (key.RowExpr.args ?? []).flatMap(parts)
  if ('GroupingSet' in key) return (key.GroupingSet.content ?? []).flatMap(parts)
  return Object.keys(key).length === 0 ? [] : [key]
}

function outputOf<T extends { readonly name: string }>(key: Node, outputs: readonly T[]): T | undefined {
  const node = 'SortBy' in key && (key.SortBy.useOp ?? []).length === 0 ? key.SortBy.node : key
  if (node === undefined) return undefined
  if ('A_Const' in node) return outputs[(node.A_Const.ival?.ival ?? 0) - 1]
  if (!('ColumnRef' in node)) return undefined
  const path = nameParts(node.ColumnRef.fields)
  return path.length === 1 ? outputs.find(({ name }) => name === path[0]) : undefined
}
