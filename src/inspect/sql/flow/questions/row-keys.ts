import type { Node, SelectStmt } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { taintedColumns, valueOf } from '../values/column.ts'
import { checkOperator } from '../expressions/expression.ts'
import type { Place } from '../place.ts'
import type { Predicates } from './predicate.ts'
import { ask, askGroup, askOrder, askSortedGroup } from './questions.ts'
import { areLinked, isReleasedGroup } from './released-form.ts'
import { noteGrouped, noteSorted } from './row-order.ts'
import type { Target, Targets } from '../statements/target-list.ts'
import type { Column, Shape, Value } from '../values/types.ts'
import { keepsTypes, taintIn, worst } from '../values/value.ts'

type IsReleased = (key: Value, place: Pick<Place, 'scope' | 'state'>) => boolean

/**
 * The keys by which rows are ordered, grouped and made distinct. They choose rows as conditions do: with `ORDER BY
 * abs(g - record_no) LIMIT 1` the first `g` is the number. A key may be the name or the position of an output column.
 */
export function addKeys(node: SelectStmt, { list, open }: Targets, predicates: Predicates, place: Place): void {
  const addKey = (key: Node, target: Target | undefined, isReleased: IsReleased): void => {
    if (target === undefined) predicates.addKey(key, place, (value) => isReleased(value, place))
    else if (!isReleased(target.value, place)) predicates.tie([...target.sink.columns.keys()], taintIn(target.value))
  }
  for (const key of keysIn(node.distinctClause)) addKey(key, outputOf(key, list), askDistinctOn)
  for (const key of keysIn(node.sortClause)) addKey(sortKey(key, place), outputOf(key, list), askOrder)
  // In GROUP BY a name is that of an input column, if there is one.
  // Grouping sets are made by sorting, which the order of the rows in array_agg and its like then shows.
  const sorts = (node.groupClause ?? []).some((key) => 'GroupingSet' in key)
  for (const key of keysIn(node.groupClause))
    addKey(key, isInput(key, place) ? undefined : outputOf(key, list), sorts ? askSortedGroup : askGroupBy)
  if (!isPlainDistinct(node)) return
  for (const target of [...list, ...(open === null ? [] : [open])]) askGroup(target.value, place)
}

function askDistinctOn(key: Value, place: Pick<Place, 'scope' | 'state'>): boolean {
  noteSorted(key, place)
  return askGroup(key, place)
}

function askGroupBy(key: Value, place: Pick<Place, 'scope' | 'state'>): boolean {
  noteGrouped(key, place)
  return askGroup(key, place)
}

/** The same for the rows of a set operation or of VALUES, whose keys are made of their columns. */
export function addResultKeys(
  node: SelectStmt,
  columns: readonly Column[],
  predicates: Predicates,
  place: Place,
): void {
  for (const key of keysIn(node.sortClause)) {
    const column = outputOf(key, columns)
    if (column === undefined) {
      predicates.addKey(key, place, (value) => askOrder(value, place))
    } else {
      sortKey(key, place)
      const value = valueOf(column)
      if (!askOrder(value, place)) predicates.tie([column], taintIn(value))
    }
  }
}

/** A key of ORDER BY, whose operator is looked at wherever the key itself comes from. */
function sortKey(key: Node, place: Place): Node {
  const operator = 'SortBy' in key ? nameParts(key.SortBy.useOp) : []
  if (operator.length > 0) checkOperator(operator, place)
  return key
}

/** The columns of a set operation other than UNION ALL: rows of one branch are compared with those of another. */
export function askBranches(node: SelectStmt, branches: readonly Shape[], { state }: Pick<Place, 'state'>): void {
  if (!comparesRows(node)) return
  const [first] = branches
  const isKnown =
    first !== undefined &&
    branches.every(({ columns, open }) => open === null && columns.length === first.columns.length)
  if (!isKnown) {
    ask('group', worst(branches.flatMap(taintedColumns)), false, { state })
    return
  }
  first.columns.forEach((_, i) => {
    const values = branches.flatMap(({ columns }) => columns[i] ?? []).map(valueOf)
    const present = values.filter(({ isNull }) => isNull === undefined)
    const [one] = present
    const areAlike = keepsTypes(values) && present.every((other) => one !== undefined && areLinked(one, other))
    const released = one !== undefined && isReleasedGroup(one) && areAlike
    ask('group', worst(values), released, { state })
  })
}

function comparesRows(node: SelectStmt): boolean {
  for (
    let query: SelectStmt | undefined = node;
    query?.op !== undefined && query.op !== 'SETOP_NONE';
    query = query.larg
  ) {
    if (query.op !== 'SETOP_UNION' || query.all !== true) return true
  }
  return false
}

function keysIn(clause: readonly Node[] | undefined): readonly Node[] {
  return (clause ?? []).flatMap(parts)
}

function isPlainDistinct({ distinctClause }: SelectStmt): boolean {
  return (distinctClause ?? []).some((key) => Object.keys(key).length === 0)
}

function isInput(key: Node, { scope }: Place): boolean {
  if (!('ColumnRef' in key)) return false
  const [name, ...more] = nameParts(key.ColumnRef.fields)
  return more.length === 0 && scope.items.some(({ shape, columnsVisible }) => columnsVisible && hasColumn(shape, name))
}

function hasColumn({ columns, open }: Shape, name: string | undefined): boolean {
  return open !== null || columns.some((column) => column.name === name)
}

/** Rows and grouping sets are several keys; an absent one stands for DISTINCT without ON. */
function parts(key: Node): readonly Node[] {
  if ('RowExpr' in key) return (key.RowExpr.args ?? []).flatMap(parts)
  if ('GroupingSet' in key) return (key.GroupingSet.content ?? []).flatMap(parts)
  return Object.keys(key).length === 0 ? [] : [key]
}

function outputOf<T extends { readonly name: string }>(key: Node, outputs: readonly T[]): T | undefined {
  const node = 'SortBy' in key ? key.SortBy.node : key
  if (node === undefined) return undefined
  if ('A_Const' in node) return outputs[(node.A_Const.ival?.ival ?? 0) - 1]
  if (!('ColumnRef' in node)) return undefined
  const path = nameParts(node.ColumnRef.fields)
  return path.length === 1 ? outputs.find(({ name }) => name === path[0]) : undefined
}
