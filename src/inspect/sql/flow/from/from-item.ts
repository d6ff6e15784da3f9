import type { Alias, Node, RangeSubselect, RangeTableSample, RangeVar } from '@pgsql/types'
import type { CatalogRelation } from '../../catalog.ts'
import { nameParts } from '../../syntax-tree.ts'
import { derivedShape, renamed, storedColumn } from '../values/column.ts'
import { combined } from '../expressions/expression.ts'
import { jsonTable, rangeFunction, xmlTable } from './from-function.ts'
import { joinItem } from './join.ts'
import type { Place, Surroundings } from '../place.ts'
import type { Predicates } from '../questions/predicate.ts'
import type { FlowState } from '../state.ts'
import { either } from '../values/taint.ts'
import {
  CLEAN,
  type CommonTable,
  type CommonTables,
  type Item,
  newSink,
  type Shape,
  type Sink,
  TAINTED,
} from '../values/types.ts'
import { detached } from '../values/value.ts'
import { readRelation, type RelationRows } from '../definitions/view-definition.ts'

/** The query whose FROM list is being resolved. */
export interface FromContext {
  readonly around: Surroundings
  readonly depth: number
  /** What the items did: for the query as a whole. */
  readonly sink: Sink
  readonly predicates: Predicates
}

/** Resolves a FROM list, item by item; LATERAL items and functions see the ones to their left. */
export function fromList(nodes: readonly Node[] | undefined, context: FromContext): readonly Item[] {
  const items: Item[] = []
  for (const node of nodes ?? []) items.push(...fromItem(node, items, context))
  return items
}

/** The entries that one FROM item adds to the names of its query. */
export function fromItem(node: Node, left: readonly Item[], context: FromContext): readonly Item[] {
  if ('RangeVar' in node) return [tableItem(node.RangeVar, context)]
  if ('JoinExpr' in node) return joinItem(node.JoinExpr, left, context)
  if ('RangeSubselect' in node) return [subselectItem(node.RangeSubselect, left, context)]
  if ('RangeFunction' in node) return [rangeFunction(node.RangeFunction, lateralPlace(left, context))]
  if ('RangeTableSample' in node) return sample(node.RangeTableSample, left, context)
  if ('JsonTable' in node) return [jsonTable(node.JsonTable, lateralPlace(left, context))]
  if ('RangeTableFunc' in node) return [xmlTable(node.RangeTableFunc, lateralPlace(left, context))]
  context.around.state.hazard('construct-not-analysed', Object.keys(node)[0] ?? 'FROM')
  return [item(null, unknownShape())]
}

/** Where an expression in FROM stands that sees the items to its left. */
export function lateralPlace(left: readonly Item[], { around, depth, sink }: FromContext): Place {
  return { ...around, scope: { items: left, parent: around.scope, depth }, sink, windows: new Map() }
}

export function item(alias: Alias | undefined | null, shape: Shape, more: Partial<Item> = {}): Item {
  const name = alias?.aliasname ?? null
  const renamedShape = renamed(shape, nameParts(alias?.colnames))
  return { name, table: null, columnsVisible: true, multiplied: null, ...more, shape: renamedShape }
}

/** An item whose rows, taken as a whole, keep the field names of their type, whatever the alias calls the columns. */
export function ofNamedType(entry: Item, alias: Alias | undefined): Item {
  if ((alias?.colnames ?? []).length === 0) return entry
  return { ...entry, shape: { ...entry.shape, aliased: true } }
}

/** Rows of which nothing is known. */
export function unknownShape(): Shape {
  return derivedShape([], TAINTED)
}

function tableItem(name: RangeVar, context: FromContext): Item {
  const { state, tables } = context.around
  const common = name.schemaname === undefined ? findCommonTable(name.relname ?? '', tables) : null
  if (common !== null) return commonTableItem(name, common, context)
  const table = name.alias === undefined ? { schema: name.schemaname ?? '', name: name.relname ?? '' } : null
  const resolved = relationShape(name, state)
  const at = resolved.schema === null || table === null ? table : { ...table, schema: resolved.schema }
  const { shape, multiplied } = resolved
  return ofNamedType(
    item(name.alias ?? { aliasname: name.relname ?? '' }, shape, { table: at, multiplied }),
    name.alias,
  )
}

/** The columns of a relation that a statement reads. Reading one that may not be read is a hazard. */
export function relationShape(
  name: RangeVar,
  state: FlowState,
): RelationRows & { readonly schema: string | null; readonly relation?: CatalogRelation } {
  const resolved = state.resolve(name)
  switch (resolved.kind) {
    case 'known': {
      const { relation } = resolved
      const { multiplied, shape } = readRelation(relation, state)
      const { schema, name: type, rowTypeOid: oid } = relation
      return { schema, relation, multiplied, shape: { ...shape, type: { schema, name: type, oid } } }
    }
    case 'system':
      state.usesName(resolved.schema, resolved.name, 'read')
      // Not in the snapshot; their columns are free of PHI, and plain references have an origin like any other.
      return {
        schema: resolved.schema,
        shape: { columns: [], open: storedColumn('*', { ...CLEAN, reported: true }) },
        multiplied: null,
      }
    case 'ambiguous':
      for (const candidate of resolved.candidates) state.uses(candidate, 'read', '*')
      state.reach()
      return { schema: null, shape: unknownShape(), multiplied: null }
    case 'refused':
      state.hazard('relation-not-allowed', resolved.name)
      state.usesName(name.schemaname ?? null, name.relname ?? '', 'read')
      return { schema: null, shape: unknownShape(), multiplied: null }
    case 'unresolved':
      state.hazard('relation-unresolved', resolved.name)
      state.usesName(null, name.relname ?? '', 'read')
      return { schema: null, shape: unknownShape(), multiplied: null }
    default:
      return resolved satisfies never
  }
}

export function findCommonTable(name: string, tables: CommonTables | null): CommonTable | null {
  for (let level = tables; level !== null; level = level.parent) {
    const found = level.entries.get(name)
    if (found !== undefined) return found
  }
  return null
}

function commonTableItem(name: RangeVar, common: CommonTable, { sink }: FromContext): Item {
  const { result, recursive } = common.resolve()
  sink.control = either(sink.control, result.control)
  sink.reach = Math.min(sink.reach, result.reach)
  sink.sortedBy = either(sink.sortedBy, result.sortedBy ?? null)
  // Columns of its own for every mention: marks of one must not show in another.
  const shape = copy(result.shape, recursive)
  return item(name.alias ?? { aliasname: name.relname ?? '' }, shape, { multiplied: result.multiplied })
}

function copy({ columns, open }: Shape, recursive: boolean): Shape {
  const fresh = columns.map(({ name, value, sources, inputs }) => ({
    name,
    value: recursive ? detached(value) : value,
    sources,
    inputs,
  }))
  return derivedShape(fresh, open === null ? null : open.value)
}

function subselectItem(node: RangeSubselect, left: readonly Item[], context: FromContext): Item {
  const { around } = context
  const scope = node.lateral === true ? lateralPlace(left, context).scope : around.scope
  if (node.subquery === undefined) return item(node.alias, unknownShape())
  const result = around.query(node.subquery, { ...around, scope })
  context.sink.control = either(context.sink.control, result.control)
  context.sink.reach = Math.min(context.sink.reach, result.reach)
  context.sink.sortedBy = either(context.sink.sortedBy, result.sortedBy ?? null)
  return item(node.alias, result.shape, { multiplied: result.multiplied })
}

function sample(node: RangeTableSample, left: readonly Item[], context: FromContext): readonly Item[] {
  const { state } = context.around
  const method = nameParts(node.method).join('.')
  if (!/^(?:pg_catalog\.)?(?:system|bernoulli)$/.test(method)) {
    state.hazard('construct-not-analysed', `TABLESAMPLE ${method}`)
  }
  const place = { ...lateralPlace(left, context), sink: newSink() }
  if (combined([...(node.args ?? []), node.repeatable], place).tainted) {
    state.hazard('construct-not-analysed', 'TABLESAMPLE over PHI')
  }
  return node.relation === undefined ? [] : fromItem(node.relation, left, context)
}
