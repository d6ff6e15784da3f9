import type {
  DeleteStmt,
  InsertStmt,
  Node,
  OnConflictClause,
  ReturningClause,
  UpdateStmt,
  WithClause,
} from '@pgsql/types'
import { bodyOf } from '../../syntax-tree.ts'
import { derivedShape, settled, storedColumn, valueOf } from '../values/column.ts'
import { dropped, expression } from '../expressions/expression.ts'
import { isConstant } from '../expressions/is-constant.ts'
import { fromList, item } from '../from/from-item.ts'
import { apart, type Place, type Surroundings } from '../place.ts'
import { Predicates } from '../questions/predicate.ts'
import { askResultOrder } from '../questions/row-order.ts'
import { areStored, hasStar, insertColumns, noteAssigned, noteInserted } from '../sites/assigned-constants.ts'
import { depthIn } from './select.ts'
import { settle, targets } from './target-list.ts'
import {
  CLEAN,
  type Item,
  newSink,
  noteSink,
  type QueryResult,
  type Shape,
  type Sink,
  type Value,
} from '../values/types.ts'
import { detached, merged, worst } from '../values/value.ts'
import { CommonTableList } from './with.ts'
import { WriteTarget } from './write-target.ts'
import { writtenRows } from './written-rows.ts'

export function insertStatement(node: InsertStmt, around: Surroundings): QueryResult {
  return withTables(node.withClause, around, (inner) => {
    const target = new WriteTarget(node.relation, inner.state)
    const sink = newSink()
    const columns = insertColumns(node, target)
    const names = columns.map(({ name }) => name)
    target.uses('insert', names.length > 0 ? names : '*')
    const source = node.selectStmt === undefined ? null : inner.query(node.selectStmt, inner)
    if (source !== null) noteSink(sink, source)
    askResultOrder(source?.sortedBy, inner)
    noteInserted(node.selectStmt, source?.shape ?? null, columns, target, inner.state)
    const assigned = assignedValues(names, source?.shape ?? null, node.selectStmt)
    for (const [name, value] of assigned) {
      const isWhole = columns.every((column) => column.isPlain || column.name !== name)
      target.assign(name, value, isWhole)
    }
    if (source !== null && source.multiplied !== null) target.assignRows()

    const conflict = node.onConflictClause
    if (conflict !== undefined) onConflict(conflict, target, assigned, inner, sink)
    const place = placeOf([target.item, ...target.versions(node.returningClause?.options)], inner, sink)
    if (node.returningClause !== undefined) target.reads()
    return returning(node.returningClause, {
      ...place,
      scope: { ...place.scope, items: writtenRows(place.scope.items) },
    })
  })
}

export function updateStatement(node: UpdateStmt, around: Surroundings): QueryResult {
  return withTables(node.withClause, around, (inner) => {
    const target = new WriteTarget(node.relation, inner.state)
    const sink = newSink()
    const { items, predicates } = rowsOf(target, node.fromClause, inner, sink)
    const place = placeOf(items, inner, sink)
    if (node.whereClause !== undefined || node.returningClause !== undefined) target.reads()
    predicates.add(node.whereClause, place)
    predicates.settle()
    target.uses('update', assignments(node.targetList, target, place))
    const versions = target.versions(node.returningClause?.options)
    return returning(node.returningClause, {
      ...place,
      scope: { ...place.scope, items: writtenRows([...items, ...versions]) },
    })
  })
}

export function deleteStatement(node: DeleteStmt, around: Surroundings): QueryResult {
  return withTables(node.withClause, around, (inner) => {
    const target = new WriteTarget(node.relation, inner.state)
    target.uses('delete', '*')
    const sink = newSink()
    const { items, predicates } = rowsOf(target, node.usingClause, inner, sink)
    const place = placeOf(items, inner, sink)
    if (node.whereClause !== undefined || node.returningClause !== undefined) target.reads()
    predicates.add(node.whereClause, place)
    predicates.settle()
    const versions = target.versions(node.returningClause?.options)
    return returning(node.returningClause, { ...place, scope: { ...place.scope, items: [...items, ...versions] } })
  })
}

/** Runs a statement with the tables of its WITH list. */
export function withTables(
  clause: WithClause | undefined,
  around: Surroundings,
  run: (around: Surroundings) => QueryResult,
): QueryResult {
  if (clause === undefined) return run(around)
  const list = new CommonTableList(clause, around)
  const result = run({ ...around, tables: list })
  list.finish()
  return result
}

export function placeOf(items: readonly Item[], around: Surroundings, sink: Sink): Place {
  return { ...around, scope: { items, parent: around.scope, depth: depthIn(around) }, sink, windows: new Map() }
}

/** The result of a RETURNING list; no columns without one. */
export function returning(clause: ReturningClause | undefined, place: Place): QueryResult {
  const list = settle(targets(clause?.exprs, place), place.scope.depth)
  const { control, reach, multiplied } = place.sink
  return { shape: derivedShape(list.columns, list.open), control, reach, multiplied }
}

/** Checks `SET column = value, (a, b) = row` and gives the names of the columns. */
export function assignments(nodes: readonly Node[] | undefined, target: WriteTarget, place: Place): readonly string[] {
  const names: string[] = []
  for (const node of nodes ?? []) {
    if (!('ResTarget' in node)) continue
    const { name = '', val, indirection } = node.ResTarget
    const inner = apart(place)
    const own = ownValue(val)
    const value = expression(own ?? sourceOf(val), inner)
    noteSink(place.sink, inner.sink)
    for (const step of indirection ?? []) {
      if ('A_Indices' in step) dropped([step.A_Indices.lidx, step.A_Indices.uidx], place)
    }
    const isDirect = own !== null && (indirection ?? []).length === 0
    target.assign(name, settled(value, inner.sink), isDirect)
    const how = { isDirect, isStored: areStored(inner.sink.columns.keys()), own: { table: target.item.name, name } }
    noteAssigned(own ?? sourceOf(val), name, target, how, place.state)
    names.push(name)
  }
  return names
}

/** What is assigned to this column alone; null where one of the columns of a sub-select is. */
function ownValue(node: Node | undefined): Node | undefined | null {
  const several = bodyOf(node, 'MultiAssignRef')
  if (several === undefined) return node
  const fields = bodyOf(several.source, 'RowExpr')?.args ?? []
  // A star stands for columns that are not counted here.
  return fields.length === several.ncolumns ? (fields[(several.colno ?? 1) - 1] ?? null) : null
}

function sourceOf(node: Node | undefined): Node | undefined {
  return bodyOf(node, 'MultiAssignRef')?.source
}

function rowsOf(
  target: WriteTarget,
  from: readonly Node[] | undefined,
  around: Surroundings,
  sink: Sink,
): { readonly items: readonly Item[]; readonly predicates: Predicates } {
  const predicates = new Predicates(sink)
  const others = fromList(from, { around, depth: depthIn(around), sink, predicates })
  askResultOrder(sink.sortedBy, around)
  return { items: [target.item, ...others], predicates }
}

/** Whether a column of the rows to insert has a constant that stands where it is stored, which has been looked at; or may have one. */
function isOwnConstant(source: Node | undefined, index: number): boolean {
  const { op = 'SETOP_NONE', targetList = [], valuesLists } = bodyOf(source, 'SelectStmt') ?? {}
  if (valuesLists !== undefined || op !== 'SETOP_NONE') return true
  const expressions = targetList.map((node) => bodyOf(node, 'ResTarget')?.val)
  return expressions.some(hasStar) ? expressions.some(isConstant) : isConstant(expressions[index])
}

/** What each target column gets from the rows of the source. */
function assignedValues(
  names: readonly string[],
  shape: Shape | null,
  source: Node | undefined,
): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>()
  if (shape === null) return values
  if (shape.open !== null) {
    const any = worst([...shape.columns.map(valueOf), valueOf(shape.open)])
    for (const name of names.length > 0 ? names : ['*']) values.set(name, any)
    return values
  }
  shape.columns.forEach((column, i) => {
    const name = names[i] ?? '*'
    const isOwn = column.value.constants !== undefined && isOwnConstant(source, i)
    const value = isOwn ? CLEAN : valueOf(column)
    values.set(name, values.has(name) ? worst([values.get(name) ?? CLEAN, value]) : value)
  })
  return values
}

function onConflict(
  clause: OnConflictClause,
  target: WriteTarget,
  assigned: ReadonlyMap<string, Value>,
  around: Surroundings,
  sink: Sink,
): void {
  const bare = placeOf([target.item], around, sink)
  for (const element of clause.infer?.indexElems ?? []) {
    if ('IndexElem' in element) dropped([element.IndexElem.expr], bare)
  }
  dropped([clause.infer?.whereClause], bare)
  // Whether they are those of an index is told by an error, and what an index says can be seen.
  around.state.sites?.spoils([clause.infer?.whereClause, ...(clause.infer?.indexElems ?? [])])
  if (clause.action !== 'ONCONFLICT_UPDATE') return
  target.reads()
  const place = placeOf([target.item, excluded(target, assigned)], around, sink)
  const predicates = new Predicates(sink)
  predicates.add(clause.whereClause, place)
  predicates.settle()
  target.uses('update', assignments(clause.targetList, target, place))
}

/** The row that was to be inserted. */
function excluded(target: WriteTarget, assigned: ReadonlyMap<string, Value>): Item {
  const { shape } = target.item
  const columns = shape.columns.map(({ name, value }) => {
    return storedColumn(name, detached(merged([value, assigned.get(name) ?? CLEAN])))
  })
  return item({ aliasname: 'excluded' }, { columns, open: shape.open }, { columnsVisible: false })
}
