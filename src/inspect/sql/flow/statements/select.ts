import type { IntoClause, Node, SelectStmt, WindowDef } from '@pgsql/types'
import { derivedShape, inputsOf, settled, valueOf } from '../values/column.ts'
import { combined, dropped } from '../expressions/expression.ts'
import { fromList, item } from '../from/from-item.ts'
import { checkNewTable } from './new-table.ts'
import { apart, type Place, type Surroundings } from '../place.ts'
import { Predicates } from '../questions/predicate.ts'
import { askResultOrder, resultOrder, RowOrder } from '../questions/row-order.ts'
import { listed } from '../expressions/row-expression.ts'
import { addKeys, addResultKeys, askBranches } from '../questions/row-keys.ts'
import { constantSource } from '../sites/constant-source.ts'
import { standInValue } from '../sites/stand-in-value.ts'
import type { FlowState } from '../state.ts'
import { either } from '../values/taint.ts'
import { outer, settle, targets } from './target-list.ts'
import { newSink, noteSink, type QueryResult, type Shape, type Sink, TAINTED, type Value } from '../values/types.ts'
import { detached, merged, worst } from '../values/value.ts'
import { CommonTableList } from './with.ts'

/** SELECT, VALUES, TABLE and set operations (PostgreSQL documentation, SELECT). */
export function select(node: SelectStmt, around: Surroundings): QueryResult {
  if (node.withClause === undefined) return selectBody(node, around)
  const list = new CommonTableList(node.withClause, around)
  const result = selectBody(node, { ...around, tables: list })
  list.finish()
  return result
}

function selectBody(node: SelectStmt, around: Surroundings): QueryResult {
  const sink = newSink()
  const shape = shapeOf(node, around, sink)
  const { control, multiplied, reach, sortedBy } = sink
  const result = { shape, control, reach, multiplied, sortedBy }
  const into = intoClause(node)
  if (into !== undefined) checkNewTable(into.rel, result, around.state)
  return result
}

/** SELECT … INTO. In a set operation it stands in the first branch and speaks for all of them. */
export function intoClause(node: SelectStmt): IntoClause | undefined {
  let first = node
  while (first.larg !== undefined) first = first.larg
  return first.intoClause
}

function shapeOf(node: SelectStmt, around: Surroundings, sink: Sink): Shape {
  if (node.op !== undefined && node.op !== 'SETOP_NONE') return setOperation(node, around, sink)
  if (node.valuesLists !== undefined) return values(node, around, sink)
  return simple(node, around, sink)
}

function simple(node: SelectStmt, around: Surroundings, sink: Sink): Shape {
  const depth = depthIn(around)
  const predicates = new Predicates(sink)
  const items = fromList(node.fromClause, { around, depth, sink, predicates })
  const scope = { items, parent: around.scope, depth, order: new RowOrder() }
  scope.order.readByOrderOf = sink.sortedBy
  let place: Place = { ...around, scope, sink, windows: windowsOf(node.windowClause) }
  predicates.add(node.whereClause, place)
  predicates.add(node.havingClause, place)
  predicates.settle()
  // How many generated rows meet a condition over PHI says as much as the rows themselves.
  const tied = predicates.tiesComputed
  const counted = items.map((entry) => ({ ...entry, multiplied: either(entry.multiplied, tied) }))
  place = { ...place, scope: { ...scope, items: counted } }

  const list = targets(node.targetList, place)
  addKeys(node, list, predicates, place)
  dropped((node.windowClause ?? []).flatMap(windowKeys), place)
  sink.sortedBy = resultOrder(node, scope.order, place)
  limits(node, around, place)
  for (const locked of node.lockingClause ?? []) lockedNames(locked, around)
  predicates.settle()
  sink.multiplied = either(sink.multiplied, ...counted.map((entry) => entry.multiplied))
  const settledList = settle(list, depth)
  return derivedShape(settledList.columns, settledList.open)
}

export function depthIn({ scope }: Surroundings): number {
  return scope === null ? 0 : scope.depth + 1
}

export function windowsOf(nodes: readonly Node[] | undefined): ReadonlyMap<string, WindowDef> {
  return new Map(
    (nodes ?? []).flatMap((node) =>
      'WindowDef' in node ? [[node.WindowDef.name ?? '', node.WindowDef] as const] : [],
    ),
  )
}

function windowKeys(node: Node): readonly (Node | undefined)[] {
  if (!('WindowDef' in node)) return [node]
  const { partitionClause, orderClause, startOffset, endOffset } = node.WindowDef
  return [...(partitionClause ?? []), ...(orderClause ?? []), startOffset, endOffset]
}

/** How many rows are skipped and returned is plain to see, so PHI must not say it. */
function limits(node: SelectStmt, around: Surroundings, place: Place): void {
  const inner = apart({ ...place, scope: { items: [], parent: around.scope, depth: place.scope.depth } })
  const value = combined([node.limitOffset, node.limitCount], inner)
  noteSink(place.sink, inner.sink)
  if (settled(value, inner.sink).tainted) around.state.hazard('construct-not-analysed', 'LIMIT over PHI')
}

function lockedNames(node: Node, around: Surroundings): void {
  if (!('LockingClause' in node)) around.state.hazard('construct-not-analysed', 'FOR UPDATE')
}

function values(node: SelectStmt, around: Surroundings, sink: Sink): Shape {
  const depth = depthIn(around)
  const place: Place = { ...around, scope: { items: [], parent: around.scope, depth }, sink, windows: new Map() }
  const cellsOf: Value[][] = []
  const open: Value[] = []
  const sinks: Sink[] = []
  for (const row of node.valuesLists ?? []) {
    let at = 0
    for (const cell of 'List' in row ? (row.List.items ?? []) : [row]) {
      const inner = apart(place)
      const { values: found, rest } = listed(cell, inner)
      if (rest !== null) open.push(rest)
      for (const value of found) {
        const known = sinks[at] ?? newSink()
        sinks[at] = known
        for (const [column, level] of inner.sink.columns) known.columns.set(column, level)
        noteSink(known, inner.sink)
        const cells = cellsOf[at] ?? []
        cellsOf[at] = cells
        cells.push(value)
        at += 1
      }
    }
  }
  for (const inner of sinks) noteSink(sink, inner)
  const shape = derivedShape(
    cellsOf.map((found, i) => {
      const value = constantColumn(node, i, around.state) ?? detached(merged(found))
      const flowing = sinks[i] ?? newSink()
      const inputs = inputsOf(flowing.columns.keys())
      return { name: `column${i + 1}`, value: settled(value, flowing), sources: outer(flowing, depth), inputs }
    }),
    open.length === 0 ? null : worst([...open, ...cellsOf.flat()]),
  )
  sortedRows(node, shape, around, sink)
  return shape
}

/** What a column of constants holds; null for any other. */
function constantColumn({ valuesLists = [] }: SelectStmt, index: number, state: FlowState): Value | null {
  if (state.sites === null) return null
  const rows = valuesLists.map((row) => ('List' in row ? (row.List.items ?? []) : [row]))
  // A star stands for columns that are not counted here.
  const cells = rows.flatMap((row) => (row.some((cell) => 'ColumnRef' in cell) ? [] : (row[index] ?? [])))
  if (cells.length < rows.length) return null
  const source = constantSource(
    cells.map((cell) => ({ node: cell, elements: false })),
    state.context,
  )
  return source === null ? null : standInValue(source, state)
}

/** Each column holds what its branches hold. The server names no origin for it. */
function setOperation(node: SelectStmt, around: Surroundings, sink: Sink): Shape {
  const branches = leaves(node).map((leaf) => {
    const result = select(leaf, around)
    noteSink(sink, result)
    sink.sortedBy = either(sink.sortedBy, result.sortedBy ?? null)
    return result.shape
  })
  askBranches(node, branches, around)
  if (node.limitCount !== undefined || node.limitOffset !== undefined) askResultOrder(sink.sortedBy, around)
  const [first] = branches
  const names = first?.columns.map(({ name }) => name) ?? []
  const open = branches.some((branch) => branch.open !== null)
  const all = branches.flatMap((branch) => [...branch.columns, ...(branch.open === null ? [] : [branch.open])])
  const shape = open
    ? derivedShape([], worst(all.map(valueOf)))
    : derivedShape(
        names.map((name, i) => {
          const parts = branches.flatMap((branch) => branch.columns[i] ?? [])
          const value = parts.length === branches.length ? branchesValue(node, parts.map(valueOf)) : TAINTED
          return { name, value, sources: parts.flatMap(({ sources }) => sources), inputs: inputsOf(parts) }
        }),
      )
  sortedRows(node, shape, around, sink)
  return shape
}

/** ORDER BY and LIMIT of rows that have columns of their own. */
function sortedRows(node: SelectStmt, shape: Shape, around: Surroundings, sink: Sink): void {
  const scope = { items: [item(null, shape)], parent: around.scope, depth: depthIn(around) }
  const place: Place = { ...around, scope, sink, windows: new Map() }
  limits(node, around, place)
  const predicates = new Predicates(sink)
  addResultKeys(node, shape.columns, predicates, place)
  predicates.settle()
}

/** INTERSECT and EXCEPT compare: which rows are left tells of all branches. */
function branchesValue(node: SelectStmt, branches: readonly Value[]): Value {
  const value = merged(branches)
  return value.exact !== null || isUnion(node) ? value : worst(branches)
}

function isUnion(node: SelectStmt): boolean {
  for (let left: SelectStmt | undefined = node; left !== undefined; left = left.larg) {
    if (left.op === 'SETOP_INTERSECT' || left.op === 'SETOP_EXCEPT') return false
  }
  return true
}

/** The branches of a set operation that are joined without WITH, ORDER BY or LIMIT of their own; left-deep trees are long. */
function leaves(node: SelectStmt): readonly SelectStmt[] {
  const found: SelectStmt[] = []
  let left: SelectStmt | undefined = node
  while (left !== undefined && isBareUnion(left, node)) {
    if (left.rarg !== undefined) found.push(left.rarg)
    left = left.larg
  }
  if (left !== undefined) found.push(left)
  return found.toReversed()
}

function isBareUnion(node: SelectStmt, root: SelectStmt): boolean {
  if (node.op === undefined || node.op === 'SETOP_NONE') return false
  const own = node.withClause ?? node.sortClause ?? node.limitCount ?? node.limitOffset ?? node.intoClause
  return node === root || own === undefined
}
