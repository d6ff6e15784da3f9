import type { FuncCall, JsonTable, JsonTableColumn, Node, RangeFunction, RangeTableFunc } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction, builtInType } from '../known/built-in.ts'
import { isSafeFunction, routineName } from '../known/check-routine.ts'
import { derivedShape, valueOf } from '../values/column.ts'
import type { AnalysisContext } from '../context.ts'
import { checkType, combined, expression } from '../expressions/expression.ts'
import { item, ofNamedType } from './from-item.ts'
import { userFunctionCall } from '../expressions/function-call.ts'
import { jsonBehaviour, jsonValue } from '../expressions/json-xml.ts'
import { apart, type Place } from '../place.ts'
import { ask } from '../questions/questions.ts'
import { FUNCTION_COLUMNS, JSON_ELEMENTS, OPEN_COLUMNS } from '../known/safe-functions.ts'
import { elementSource } from '../sites/constant-source.ts'
import { showsCount } from '../questions/shown-members.ts'
import { CLEAN, type Column, type Item, noteSink, type Value } from '../values/types.ts'
import { SCALAR_TYPES } from '../values/value-types.ts'
import { detached, taintedBy, taintIn, worst } from '../values/value.ts'
import { words } from '../words.ts'

interface Field {
  readonly name: string
  readonly value: Value
  readonly sources: readonly Column[]
  readonly inputs?: ReadonlySet<Column>
}

/** A function, or several (ROWS FROM), in a FROM list: its columns carry what its arguments carry. */
export function rangeFunction(node: RangeFunction, place: Place): Item {
  const fields: Field[] = []
  let open: Value | null = null
  let scalar = false
  let all: Value = CLEAN
  const functions = expanded(node.functions ?? [], place.state.context)
  for (const entry of functions) {
    const [call, definition] = 'List' in entry ? (entry.List.items ?? []) : [entry]
    const inner = apart(place)
    const known = call !== undefined && 'FuncCall' in call ? userFunctionCall(call.FuncCall, inner) : null
    const value = known?.value ?? expression(call, inner)
    noteSink(place.sink, inner.sink)
    for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
    const sources = [...inner.sink.columns.keys()]
    if (known?.columns != null) {
      const only = scalarName(call, node)
      fields.push(...known.columns.map(({ name, ...column }) => ({ sources, ...column, name: name ?? only })))
      scalar = known.isScalar
      all = worst([all, known.multiplied === null ? CLEAN : taintedBy(known.multiplied)])
      continue
    }
    const defined = definitions(definition) ?? definitions(node.coldeflist)
    const names = columnNames(call, defined, node, value, place)
    scalar = defined === null && names?.length === 1
    if (names === null) open = worst([value, open ?? CLEAN])
    else fields.push(...names.map((name, i) => ({ name, value: fieldValue(value, i, names.length), sources })))
    all = worst([all, isCounted(call, value, place) || isOfConstants(call, place) ? CLEAN : value])
  }
  if (node.ordinality === true) fields.push({ name: 'ordinality', value: all, sources: [] })
  const rows = item(node.alias ?? defaultAlias(node), derivedShape(fields, open), { multiplied: taintIn(all) })
  const isOne = functions.length === 1 && node.ordinality !== true
  return { ...ofNamedType(rows, node.alias), scalar: scalar && isOne }
}

/** `unnest(a, b)` stands for `ROWS FROM (unnest(a), unnest(b))` (transformRangeFunction in parse_clause.c). */
function expanded(functions: readonly Node[], context: AnalysisContext): readonly Node[] {
  return functions.flatMap((entry) => {
    const [call, ...definition] = 'List' in entry ? (entry.List.items ?? []) : [entry]
    if (call === undefined || !('FuncCall' in call)) return [entry]
    const { args = [], funcname } = call.FuncCall
    if (args.length < 2 || builtInFunction(nameParts(funcname), context) !== 'unnest') return [entry]
    return args.map(
      (arg): Node => ({ List: { items: [{ FuncCall: { ...call.FuncCall, args: [arg] } }, ...definition] } }),
    )
  })
}

/** Whether the rows are constants of the statement. */
function isOfConstants(call: Node | undefined, { state }: Place): boolean {
  return call !== undefined && 'FuncCall' in call && elementSource(call.FuncCall, state.context) !== null
}

/** Whether the number of rows can be seen in the masked value that they are taken from. */
function isCounted(call: Node | undefined, value: Value, place: Place): boolean {
  if (call === undefined || !('FuncCall' in call) || !isBuiltIn(call.FuncCall, place)) return false
  const { name } = routineName(nameParts(call.FuncCall.funcname))
  return JSON_ELEMENTS.has(name) && showsCount(value, place.state.context.phi)
}

/** What a column of a function's rows holds, as far as the fields of these rows are known. */
function fieldValue(value: Value, index: number, count: number): Value {
  if (value.row !== undefined && value.row.open === null && value.row.columns.length === count) {
    const column = value.row.columns[index]
    return column === undefined ? worst([value]) : detached(valueOf(column))
  }
  return count === 1 && value.row === undefined ? detached(value) : worst([value])
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
  value: Value,
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
  const isOpen =
    OPEN_COLUMNS.has(name) && !(name === 'unnest' && (isScalar(value) || isPlainArray(call.FuncCall, place)))
  if (isOpen || !isBuiltIn(call.FuncCall, place)) return null
  return [scalarName(call, node)]
}

/** The column of a function that returns plain values has the name of the alias, else of the function. */
function scalarName(call: Node | undefined, node: RangeFunction): string {
  const name = call !== undefined && 'FuncCall' in call ? routineName(nameParts(call.FuncCall.funcname)).name : ''
  return (node.functions ?? []).length === 1 ? (node.alias?.aliasname ?? name) : name
}

/** Whether a value is of a type of pg_catalog that has no fields. */
function isScalar({ shape }: Value): boolean {
  return shape.kind === 'column' && SCALAR_TYPES.has(shape.typeOid)
}

/** Whether what is unnested is written as an array of constants, or cast to one of plain values: no rows, which have fields. */
function isPlainArray({ args = [] }: FuncCall, { state }: Place): boolean {
  return args.length === 1 && args.every((node) => isPlainList(node, state.context))
}

function isPlainList(node: Node, context: AnalysisContext): boolean {
  if ('A_ArrayExpr' in node) return (node.A_ArrayExpr.elements ?? []).every((element) => 'A_Const' in element)
  if (!('TypeCast' in node)) return false
  const { typeName } = node.TypeCast
  const element = builtInType(typeName === undefined ? undefined : { ...typeName, arrayBounds: [] }, context)
  return (typeName?.arrayBounds ?? []).length > 0 && PLAIN_TYPES.has(element ?? '')
}

const PLAIN_TYPES: ReadonlySet<string> = new Set(
  words('bool bpchar date float4 float8 int2 int4 int8 json jsonb numeric text timestamp timestamptz uuid varchar'),
)

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
  // How many rows there are, and whether it fails, follows from what is in the document.
  ask('computation', value, false, place)
  const sources = [...inner.sink.columns.keys()]
  return item(alias, derivedShape(names.map((name) => ({ name, value, sources }))), { multiplied: taintIn(value) })
}
