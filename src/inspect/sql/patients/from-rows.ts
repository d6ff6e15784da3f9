import type { JoinExpr, Node, RangeVar, SelectStmt } from '@pgsql/types'
import { restrictedNames } from '../bounded.ts'
import { bodyOf, nameParts } from '../syntax-tree.ts'
import { addConditions, addSubqueries, equateColumns, type Says } from './conditions.ts'
import { type Around, subqueryRows } from './query-rows.ts'
import type { RowColumn } from './row-graph.ts'
import { aliased, type Columns, type FromRows, joinedColumns, type NamedColumn, type RowScope } from './row-scope.ts'

/** The FROM list of a query. */
export function fromRows(nodes: readonly Node[] | undefined, select: SelectStmt, around: Around): RowScope {
  const filtered = restrictedNames(select, around.analysis.names)
  return { entries: fromList(nodes, { around, filtered }), outer: around.outer }
}

/** Where FROM items stand: names of those that a condition of the query restricts. */
export interface FromPlace {
  readonly around: Around
  readonly filtered: ReadonlySet<string>
}

export function fromList(nodes: readonly Node[] | undefined, place: FromPlace): readonly FromRows[] {
  const entries: FromRows[] = []
  for (const node of nodes ?? []) entries.push(fromItem(node, entries, place))
  return entries
}

function fromItem(node: Node, left: readonly FromRows[], place: FromPlace): FromRows {
  const { around } = place
  const lateral: RowScope = { entries: left, outer: around.outer }
  const relation = bodyOf(node, 'RangeVar')
  if (relation !== undefined) return relationItem(relation, place)
  const sub = bodyOf(node, 'RangeSubselect')
  if (sub !== undefined) {
    const columns = subqueryRows(sub.subquery, sub.lateral === true ? { ...around, outer: lateral } : around)
    return one(sub.alias?.aliasname ?? null, null, aliased(columns, nameParts(sub.alias?.colnames)))
  }
  const join = bodyOf(node, 'JoinExpr')
  if (join !== undefined) return joinItem(join, left, place)
  const sample = bodyOf(node, 'RangeTableSample')
  if (sample?.relation !== undefined) {
    addSubqueries([sample.args, sample.repeatable], lateral, around)
    return fromItem(sample.relation, left, place)
  }
  // Functions and the like: what they read, other analysis tells.
  addSubqueries(node, lateral, around)
  return one(aliasOf(node), null, null)
}

function aliasOf(node: Node): string | null {
  const alias =
    bodyOf(node, 'RangeFunction')?.alias ?? bodyOf(node, 'RangeTableFunc')?.alias ?? bodyOf(node, 'JsonTable')?.alias
  if (alias?.aliasname !== undefined) return alias.aliasname
  // A function is named by itself.
  const first = bodyOf(bodyOf(node, 'RangeFunction')?.functions?.[0], 'List')?.items?.[0]
  return nameParts(bodyOf(first, 'FuncCall')?.funcname).at(-1) ?? null
}

function one(name: string | null, schema: string | null, columns: Columns): FromRows {
  return { named: name === null ? [] : [{ name, schema, columns }], columns }
}

function relationItem(name: RangeVar, { around, filtered }: FromPlace): FromRows {
  const { relname = '', schemaname, alias } = name
  const as = alias?.aliasname ?? relname
  const names = nameParts(alias?.colnames)
  const common = schemaname === undefined ? around.tables.get(relname) : undefined
  if (common !== undefined) return one(as, null, aliased(common(), names))
  const relation = around.analysis.relation(name)
  if (relation === null) return one(as, schemaname ?? null, null)
  const columns = around.analysis.relationRows(relation, { isRead: true, isFiltered: filtered.has(as) })
  return one(as, alias === undefined ? relation.schema : null, aliased(columns, names))
}

function joinItem(join: JoinExpr, left: readonly FromRows[], place: FromPlace): FromRows {
  const { larg, rarg, alias, jointype } = join
  if (larg === undefined || rarg === undefined) return one(null, null, null)
  const a = fromItem(larg, left, place)
  const b = fromItem(rarg, [...left, a], place)
  const scope: RowScope = { entries: [a, b], outer: place.around.outer }
  const says = saysOf(jointype, a, b)
  const seen = addConditions(join.quals, scope, place.around, says)
  addSubqueries(join.quals, scope, place.around, seen)
  const columns = mergedColumns(join, a.columns, b.columns, says)
  if (alias !== undefined) return one(alias.aliasname ?? null, null, aliased(columns, nameParts(alias.colnames)))
  const using = join.join_using_alias?.aliasname
  const merged = using === undefined ? [] : [{ name: using, schema: null, columns: null }]
  return { named: [...a.named, ...b.named, ...merged], columns }
}

function saysOf(type: JoinExpr['jointype'], a: FromRows, b: FromRows): Says {
  if (type === 'JOIN_INNER' || type === undefined) return 'all'
  if (type === 'JOIN_LEFT') return columnsOf(b)
  return type === 'JOIN_RIGHT' ? columnsOf(a) : new Set()
}

function columnsOf({ named, columns }: FromRows): ReadonlySet<RowColumn> {
  const lists = [columns, ...named.map((rows) => rows.columns)]
  return new Set(lists.flatMap((list) => (list ?? []).flatMap(({ column }) => column ?? [])))
}

/** The columns of a join; those of USING first, and once. */
function mergedColumns(join: JoinExpr, left: Columns, right: Columns, says: Says): Columns {
  const { usingClause, isNatural, jointype } = join
  if (left === null || right === null) return null
  const shared = new Set(right.map(({ name }) => name))
  const names =
    isNatural === true ? left.map(({ name }) => name).filter((name) => shared.has(name)) : nameParts(usingClause)
  if (names.length === 0) return joinedColumns([left, right])
  const merged: NamedColumn[] = []
  for (const name of names) {
    const a = left.filter((column) => column.name === name)
    const b = right.filter((column) => column.name === name)
    if (a.length !== 1 || b.length !== 1) return null
    const [first, second] = [a[0]?.column ?? null, b[0]?.column ?? null]
    equateColumns(first, second, says)
    const kept = jointype === 'JOIN_RIGHT' ? second : jointype === 'JOIN_FULL' ? null : first
    merged.push({ name, column: kept })
  }
  const rest = (columns: readonly NamedColumn[]): readonly NamedColumn[] =>
    columns.filter(({ name }) => !names.includes(name))
  return [...merged, ...rest(left), ...rest(right)]
}
