import { isTainted, rowValue, storedColumn, valueOf } from '../values/column.ts'
import type { FlowState } from '../state.ts'
import {
  CLEAN,
  type Column,
  type Item,
  type Scope,
  type Shape,
  type Sink,
  TAINTED,
  type Value,
} from '../values/types.ts'
import { detached, worst } from '../values/value.ts'

/** Columns that every table has (PostgreSQL documentation, 5.6). They hold nothing of the row's data. */
const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'])

export interface Lookup {
  readonly state: FlowState
  readonly scope: Scope
  readonly sink: Sink
}

/** Notes that a column flows into the expression at hand, and gives its value. */
export function use(column: Column, depth: number, { state, sink }: Lookup): Value {
  sink.columns.set(column, depth)
  sink.reach = Math.min(sink.reach, depth)
  if (column.value.origin !== null) state.reads(column.value.origin)
  return valueOf(column)
}

export function useShape(shape: Shape, depth: number, lookup: Lookup): Value {
  for (const column of shape.columns) use(column, depth, lookup)
  if (shape.open !== null) use(shape.open, depth, lookup)
  return rowValue(shape)
}

/** An unqualified name: a column, nearest query first, else a whole row. Null when nothing has that name. */
export function lookUpName(name: string, lookup: Lookup): Value | null {
  return lookUpColumn(name, lookup.scope, lookup) ?? lookUpRow(name, lookup)
}

function lookUpColumn(name: string, scope: Scope | null, lookup: Lookup): Value | null {
  if (scope === null) return null
  const visible = scope.items.filter((item) => item.columnsVisible)
  for (const item of visible) {
    const found = item.shape.columns.find((column) => column.name === name)
    if (found !== undefined) return use(found, scope.depth, lookup)
  }
  const open = visible.flatMap((item) => item.shape.open ?? [])
  const outer = lookUpColumn(name, scope.parent, lookup)
  // Rows that are not stored lack them; then the name belongs to an outer query.
  if (SYSTEM_COLUMNS.has(name) && scope.items.length > 0) return outer === null ? CLEAN : worst([outer])
  if (open.length === 0) return outer
  // Whether the name belongs to one of the rows with unknown columns or to an outer query is not known.
  const values = open.map((column) => use(column, scope.depth, lookup))
  const inner = worst(values)
  if (outer !== null) return worst([inner, outer])
  return { ...inner, reported: values.length === 1 && values[0]?.reported === true }
}

function lookUpRow(name: string, lookup: Lookup): Value | null {
  const found = findItem(lookup.scope, (item) => item.name === name)
  if (found === null) return null
  const [only] = found.item.shape.columns
  if (found.item.scalar === true && only !== undefined) return detached(use(only, found.depth, lookup))
  return useShape(found.item.shape, found.depth, lookup)
}

/** `relation.column`, or `schema.relation.column`. Null when there is no such relation; `column` null when it lacks it. */
export function lookUpQualified(
  path: readonly string[],
  column: string,
  lookup: Lookup,
): { readonly item: Item; readonly depth: number; readonly value: Value | null } | null {
  const found = findQualified(path, lookup.scope)
  if (found === null) return null
  const { shape } = found.item
  const match = shape.columns.find(({ name }) => name === column)
  if (match !== undefined) return { ...found, value: use(match, found.depth, lookup) }
  if (SYSTEM_COLUMNS.has(column)) return { ...found, value: CLEAN }
  if (shape.open === null) return { ...found, value: null }
  return { ...found, value: use(shape.open, found.depth, lookup) }
}

/** The FROM item that a qualifier names. */
export function findQualified(
  path: readonly string[],
  scope: Scope,
): { readonly item: Item; readonly depth: number } | null {
  const name = path.at(-1)
  const schema = path.at(-2)
  return findItem(scope, (item) =>
    schema === undefined ? item.name === name : item.table?.name === name && item.table?.schema === schema,
  )
}

function findItem(
  scope: Scope | null,
  matches: (item: Item) => boolean,
): { readonly item: Item; readonly depth: number } | null {
  for (let level = scope; level !== null; level = level.parent) {
    const item = level.items.find(matches)
    if (item !== undefined) return { item, depth: level.depth }
  }
  return null
}

/** Everything that `*` stands for in a query: the columns of its own FROM list in order. */
export function starShape(scope: Scope): Shape {
  const shapes = scope.items.filter((item) => item.columnsVisible).map((item) => item.shape)
  const open = shapes.flatMap((shape) => shape.open ?? [])
  const columns = shapes.flatMap((shape) => shape.columns)
  if (open.length === 0) return { columns, open: null }
  const [only] = open
  if (open.length === 1 && only !== undefined) return { columns, open: only }
  const value = open.some(isTainted) ? TAINTED : CLEAN
  return { columns, open: { ...storedColumn('*', value), sources: open } }
}
