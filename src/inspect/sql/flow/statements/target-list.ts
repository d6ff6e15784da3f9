import type { A_Indirection, Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { type Derived, inputsOf, settled, storedColumn } from '../values/column.ts'
import { expression } from '../expressions/expression.ts'
import { figureName } from './figure-name.ts'
import { knownFields } from '../expressions/indirection.ts'
import { apart, type Place } from '../place.ts'
import { findQualified, starShape, use } from '../from/scope.ts'
import { constantSource } from '../sites/constant-source.ts'
import { standInValue } from '../sites/stand-in-value.ts'
import { CLEAN, type Column, newSink, noteSink, type Shape, type Sink, TAINTED, type Value } from '../values/types.ts'
import { detached } from '../values/value.ts'

/** An output column before everything that could mark its sources has been seen. */
export interface Target {
  readonly name: string
  readonly value: Value
  readonly sink: Sink
}

export interface Targets {
  readonly list: readonly Target[]
  /** Stands for the columns of a `*` whose number is not known. */
  readonly open: Target | null
}

/** Evaluates a SELECT or RETURNING list, with `*` expanded as far as possible. */
export function targets(nodes: readonly Node[] | undefined, place: Place): Targets {
  const list: Target[] = []
  const open: Column[] = []
  for (const node of nodes ?? []) {
    const target = 'ResTarget' in node ? node.ResTarget : { val: node }
    const shape = expansion(target.val, place)
    if (shape === null) {
      list.push(single(target.name ?? figureName(target.val) ?? '?column?', target.val, place))
      continue
    }
    for (const { column, depth } of shape.columns) {
      const inner = apart(place)
      list.push({ name: column.name, value: use(column, depth, inner), sink: inner.sink })
      noteSink(place.sink, inner.sink)
    }
    if (shape.open !== null) open.push(shape.open)
  }
  return { list, open: openTarget(open, place) }
}

/** The values as they are when everything has been looked at. */
export function settle(
  { list, open }: Targets,
  depth: number,
): {
  readonly columns: readonly Derived[]
  readonly open: Value | null
} {
  return {
    columns: list.map((target) => ({
      name: target.name,
      value: settled(target.value, target.sink),
      sources: outer(target.sink, depth),
      inputs: inputsOf(target.sink.columns.keys()),
    })),
    open: open === null ? null : settled(open.value, open.sink),
  }
}

/** The columns of enclosing queries, and what flows in from those through derived rows: these could still be marked later. */
export function outer(sink: Sink, depth: number): readonly Column[] {
  return [...sink.columns].flatMap(([column, found]) => (found < depth ? [column] : column.sources))
}

function single(name: string, node: Node | undefined, place: Place): Target {
  const inner = apart(place)
  const value = expression(node, inner)
  noteSink(place.sink, inner.sink)
  return { name, value: constantValue(node, place) ?? value, sink: inner.sink }
}

/** A constant, which may stand for PHI. */
function constantValue(node: Node | undefined, { state }: Place): Value | null {
  if (node === undefined || state.sites === null) return null
  const source = constantSource([{ node, elements: false }], state.context)
  return source === null ? null : standInValue(source, state)
}

function openTarget(open: readonly Column[], place: Place): Target | null {
  if (open.length === 0) return null
  const sink = newSink()
  const values = open.map((column) => use(column, place.scope.depth, { ...place, sink }))
  const value = values.some(({ tainted }) => tainted) ? TAINTED : CLEAN
  return { name: '*', value, sink }
}

interface Expansion {
  readonly columns: readonly { readonly column: Column; readonly depth: number }[]
  readonly open: Column | null
}

/** What `*`, `t.*` or `(row).*` stands for; null for any other expression. */
function expansion(node: Node | undefined, place: Place): Expansion | null {
  if (node === undefined) return null
  if ('A_Indirection' in node) {
    const steps = node.A_Indirection.indirection ?? []
    if (!steps.some((step) => 'A_Star' in step)) return null
    return fields({ ...node.A_Indirection, indirection: steps.filter((step) => !('A_Star' in step)) }, place)
  }
  if (!('ColumnRef' in node)) return null
  const names = node.ColumnRef.fields ?? []
  if (!names.some((field) => 'A_Star' in field)) return null
  const path = nameParts(names)
  if (path.length === 0) return at(starShape(place.scope), place.scope.depth)
  const found = findQualified(path, place.scope)
  if (found !== null) return at(found.item.shape, found.depth)
  place.state.reach()
  return unknownFields(node, place)
}

function at(shape: Shape, depth: number): Expansion {
  return { columns: shape.columns.map((column) => ({ column, depth })), open: shape.open }
}

/** The fields of a row, if they are known. */
function fields(row: A_Indirection, place: Place): Expansion {
  const inner = apart(place)
  const shape = knownFields(expression({ A_Indirection: row }, inner))
  noteSink(place.sink, inner.sink)
  if (shape === null || shape.open !== null) return unknownFields({ A_Indirection: row }, place)
  const columns = shape.columns.map((column) => ({
    column: { ...column, value: detached(column.value), sources: [column] },
    depth: place.scope.depth,
  }))
  return { columns, open: null }
}

function unknownFields(node: Node, place: Place): Expansion {
  const inner = apart(place)
  const value = expression(node, inner)
  const sources = [...inner.sink.columns.keys()]
  return { columns: [], open: { ...storedColumn('*', value), sources } }
}
