import type { IntoClause, Node, SelectStmt, WindowDef } from '@pgsql/types'
import { derivedShape, inputsOf, settled, valueOf, worst } from './column.ts'
import { combined, dropped, expression } from './expression.ts'
import { fromList, item } from './from-item.ts'
import { checkNewTable } from './new-table.ts'
import { apart, type Place, type Surroundings } from './place.ts'
import { Predicates } from './predicate.ts'
import { addKeys, addResultKeys } from './row-keys.ts'
import { outer, settle, targets } from './target-list.ts'
import { CLEAN, newSink, noteSink, type QueryResult, type Shape, type Sink, TAINTED, type Value } from './types.ts'
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
  const result = { shape, control: sink.control, reach: sink.reach, multiplied: sink.multiplied }
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
  const scope = { items, parent: around.scope, depth }
  let place: Place = { ...around, scope, sink, windows: windowsOf(node.windowClause) }
  predicates.add(node.whereClause, place)
  predicates.add(node.havingClause, place)
  predicates.settle()
  // How many generated rows meet a condition over PHI says as much as the rows themselves.
  const counted = predicates.tiesComputed ? items.map((entry) => ({ ...entry, multiplied: true })) : items
  place = { ...place, scope: { ...scope, items: counted } }

  const list = targets(node.targetList, place)
  addKeys(node, list.list, predicates, place)
  dropped((node.windowClause ?? []).flatMap(windowKeys), place)
  limits(node, around, place)
  for (const locked of node.lockingClause ?? []) lockedNames(locked, around)
  predicates.settle()
  sink.multiplied ||= counted.some((entry) => entry.multiplied)
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
  const columns: Value[] = []
  const sinks: Sink[] = []
  for (const row of node.valuesLists ?? []) {
    const cells = 'List' in row ? (row.List.items ?? []) : [row]
    cells.forEach((cell, i) => {
      const known = sinks[i] ?? newSink()
      sinks[i] = known
      const value = expression(cell, { ...place, sink: known })
      columns[i] = worst([columns[i] ?? CLEAN, value])
    })
  }
  for (const inner of sinks) noteSink(sink, inner)
  limits(node, around, place)
  return derivedShape(
    columns.map((value, i) => {
      const flowing = sinks[i] ?? newSink()
      const inputs = inputsOf(flowing.columns.keys())
      return { name: `column${i + 1}`, value: settled(value, flowing), sources: outer(flowing, depth), inputs }
    }),
  )
}

/** Each column is as tainted as the worst of its branches. The server names no origin for it. */
function setOperation(node: SelectStmt, around: Surroundings, sink: Sink): Shape {
  const branches = leaves(node).map((leaf) => {
    const result = select(leaf, around)
    noteSink(sink, result)
    return result.shape
  })
  const [first] = branches
  const names = first?.columns.map(({ name }) => name) ?? []
  const open = branches.some((branch) => branch.open !== null)
  const all = branches.flatMap((branch) => [...branch.columns, ...(branch.open === null ? [] : [branch.open])])
  const shape = open
    ? derivedShape([], worst(all.map(valueOf)))
    : derivedShape(
        names.map((name, i) => {
          const parts = branches.flatMap((branch) => branch.columns[i] ?? [])
          const value = parts.length === branches.length ? worst(parts.map(valueOf)) : TAINTED
          return { name, value, sources: parts.flatMap(({ sources }) => sources), inputs: inputsOf(parts) }
        }),
      )
  const scope = { items: [item(null, shape)], parent: around.scope, depth: depthIn(around) }
  const place: Place = { ...around, scope, sink, windows: new Map() }
  dropped(node.sortClause, place)
  limits(node, around, place)
  const predicates = new Predicates(sink)
  addResultKeys(node, shape.columns, predicates)
  predicates.settle()
  return shape
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
