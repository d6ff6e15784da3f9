import type { FuncCall, JsonTable, JsonTableColumn, Node, RangeFunction, RangeTableFunc } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import { isSafeFunction, routineName } from './check-routine.ts'
import { derivedShape, worst } from './column.ts'
import { checkType, combined, expression } from './expression.ts'
import { item } from './from-item.ts'
import { jsonBehaviour, jsonValue } from './json-xml.ts'
import { apart, type Place } from './place.ts'
import { FUNCTION_COLUMNS, OPEN_COLUMNS } from './safe-functions.ts'
import { CLEAN, type Column, type Item, noteSink, type Value } from './types.ts'

interface Field {
  readonly name: string
  readonly value: Value
  readonly sources: readonly Column[]
}

/** A function, or several (ROWS FROM), in a FROM list: its columns carry what its arguments carry. */
export function rangeFunction(node: RangeFunction, place: Place): Item {
  const fields: Field[] = []
  let open: Value | null = null
  let all: Value = CLEAN
  for (const entry of node.functions ?? []) {
    const [call, definition] = 'List' in entry ? (entry.List.items ?? []) : [entry]
    const inner = apart(place)
    const value = expression(call, inner)
    noteSink(place.sink, inner.sink)
    for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
    const sources = [...inner.sink.columns.keys()]
    const names = columnNames(call, definitions(definition) ?? definitions(node.coldeflist), node, place)
    if (names === null) open = worst([value, open ?? CLEAN])
    else fields.push(...names.map((name) => ({ name, value: worst([value]), sources })))
    all = worst([all, value])
  }
  if (node.ordinality === true) fields.push({ name: 'ordinality', value: all, sources: [] })
  return item(node.alias ?? defaultAlias(node), derivedShape(fields, open), { multiplied: all.tainted })
}

type Definitions = readonly Node[] | null

function definitions(node: Node | readonly Node[] | undefined): Definitions {
  if (node === undefined) return null
  if (Array.isArray(node)) return node.length === 0 ? null : (node as readonly Node[])
  return 'List' in node ? (node.List.items ?? null) : null
}

/** Null when they are not known. */
function columnNames(
  call: Node | undefined,
  defined: Definitions,
  node: RangeFunction,
  place: Place,
): readonly string[] | null {
  if (defined !== null) {
    return defined.map((column) => {
      if (!('ColumnDef' in column)) return ''
      checkType(column.ColumnDef.typeName, place)
      return column.ColumnDef.colname ?? ''
    })
  }
  if (call === undefined || !('FuncCall' in call)) return null
  const { name } = routineName(nameParts(call.FuncCall.funcname))
  const known = FUNCTION_COLUMNS.get(name)
  if (known !== undefined) return known
  if (OPEN_COLUMNS.has(name) || !isBuiltIn(call.FuncCall, place)) return null
  return [(node.functions ?? []).length === 1 ? (node.alias?.aliasname ?? name) : name]
}

/** Only of the safe functions of pg_catalog it is known what they return. */
function isBuiltIn(call: FuncCall, place: Place): boolean {
  const name = routineName(nameParts(call.funcname))
  const { context } = place.state
  if (!isSafeFunction(name, context)) return false
  return name.schema === 'pg_catalog' || (name.schema === null && !context.index.functionsByName.has(name.name))
}

function defaultAlias(node: RangeFunction): { readonly aliasname: string } | undefined {
  const [first] = node.functions ?? []
  const call = first !== undefined && 'List' in first ? first.List.items?.[0] : first
  if (call === undefined || !('FuncCall' in call)) return undefined
  return { aliasname: routineName(nameParts(call.FuncCall.funcname)).name }
}

/** JSON_TABLE (PostgreSQL documentation, 9.16.4). */
export function jsonTable(node: JsonTable, place: Place): Item {
  const inner = apart(place)
  const names: string[] = []
  const value = worst([
    jsonValue(node.context_item, inner),
    combined([node.pathspec?.string, ...(node.passing ?? [])], inner),
    jsonBehaviour(node.on_error, inner),
    ...jsonColumns(node.columns, names, inner),
  ])
  return tableFunction(names, value, inner, place, node.alias)
}

function jsonColumns(columns: readonly Node[] | undefined, names: string[], place: Place): readonly Value[] {
  return (columns ?? []).flatMap((node) => {
    if (!('JsonTableColumn' in node)) return [expression(node, place)]
    const column: JsonTableColumn = node.JsonTableColumn
    if (column.coltype === 'JTC_NESTED') return jsonColumns(column.columns, names, place)
    names.push(column.name ?? '')
    if (column.typeName !== undefined) checkType(column.typeName, place)
    return [jsonBehaviour(column.on_empty, place), jsonBehaviour(column.on_error, place)]
  })
}

/** XMLTABLE (PostgreSQL documentation, 9.15.3). */
export function xmlTable(node: RangeTableFunc, place: Place): Item {
  const inner = apart(place)
  const names: string[] = []
  const parts: (Node | undefined)[] = [node.docexpr, node.rowexpr, ...(node.namespaces ?? [])]
  for (const column of node.columns ?? []) {
    if (!('RangeTableFuncCol' in column)) continue
    const { colname, typeName, colexpr, coldefexpr } = column.RangeTableFuncCol
    names.push(colname ?? '')
    if (typeName !== undefined) checkType(typeName, place)
    parts.push(colexpr, coldefexpr)
  }
  return tableFunction(names, combined(parts, inner), inner, place, node.alias)
}

function tableFunction(
  names: readonly string[],
  value: Value,
  inner: Place,
  place: Place,
  alias: RangeTableFunc['alias'],
): Item {
  noteSink(place.sink, inner.sink)
  const sources = [...inner.sink.columns.keys()]
  return item(alias, derivedShape(names.map((name) => ({ name, value, sources }))), { multiplied: value.tainted })
}
