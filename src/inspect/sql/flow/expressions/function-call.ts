import type { FuncCall, Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction } from '../known/built-in.ts'
import { aroundOf, aroundValue, askCall, isReleasedCall } from '../questions/call-questions.ts'
import { isSafeFunction, printed, type RoutineName, routineName } from '../known/check-routine.ts'
import { constantText } from './constants.ts'
import { derivedShape, rowValue, settled } from '../values/column.ts'
import { expression, isPlain, isStored } from './expression.ts'
import { apart, type Place } from '../place.ts'
import { ask } from '../questions/questions.ts'
import type { Operand } from '../questions/released-form.ts'
import { noteCall } from '../questions/row-order.ts'
import { withCallPart } from '../questions/released-part.ts'
import {
  AGGREGATES,
  CLEAN_ARGUMENTS,
  COUNTING,
  FUNCTION_COLUMNS,
  JSON_ELEMENTS,
  SET_RETURNING,
} from '../known/safe-functions.ts'
import { HARMLESS_SETTINGS, SETTABLE_SETTINGS } from '../known/safe-settings.ts'
import { type Call, extreme, keysAndValues, shapedCall } from './shape-functions.ts'
import { showsCount } from '../questions/shown-members.ts'
import { callAsksShownParts } from '../questions/shown-parts.ts'
import { type SqlCall, sqlFunctionCall } from '../definitions/sql-function.ts'
import { elementSource } from '../sites/constant-source.ts'
import { standInValue } from '../sites/stand-in-value.ts'
import { either } from '../values/taint.ts'
import { CLEAN, noteSink, TAINTED, type Value } from '../values/types.ts'
import { taintedBy, taintIn, worst } from '../values/value.ts'

/** A function, aggregate or window function call: the result carries what the arguments carry, but for counts. */
export function functionCall(call: FuncCall, place: Place): Value {
  const name = routineName(nameParts(call.funcname))
  place.state.calls(name)
  const safe = isSafeCall(name, call, place)
  const known = safe ? null : sqlFunctionCall(call, place)
  if (known !== null) {
    place.sink.multiplied = either(place.sink.multiplied, known.multiplied)
    return known.value
  }
  if (!safe) place.state.hazard('function-not-known-safe', printed(name))

  const inner = apart(place)
  const counts = COUNTING.has(name.name)
  const operands = (call.args ?? []).map((node) =>
    counts ? countedOperand(node, inner) : { node, value: expression(node, inner), isThere: false },
  )
  if (isReleasedCall(call, operands, place)) {
    ask('condition', worst(operands.map(({ value }) => value)), true, place)
    noteSink(place.sink, inner.sink)
    return CLEAN
  }
  if (callAsksShownParts(call, operands, place.state.context)) {
    noteSink(place.sink, inner.sink)
    return CLEAN
  }
  const keys = call.agg_within_group === true ? (call.agg_order ?? []) : []
  const sorted = keys.map((node) => ({ node, value: expression(node, inner) }))
  askCall(call, [...operands, ...sorted], place)
  noteCall(
    name.name,
    call,
    operands.map(({ value }) => value),
    place,
  )
  const args = operands.map(({ value, isThere }) => (isThere ? CLEAN : value))
  const around = [...sorted.map(({ value }) => value), aroundValue(aroundOf(call, place), inner)]
  const value = withCallPart(callValue(call, args, around, place), call, operands, place.state.context)
  for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
  noteSink(place.sink, inner.sink)
  if (!safe) return TAINTED
  const source = value.tainted ? null : elementSource(call, place.state.context)
  if (source !== null) return standInValue(source, place.state)
  if (CLEAN_ARGUMENTS.has(name.name)) {
    // A condition elsewhere may yet tie an argument to PHI.
    place.state.later(() => {
      if (settled(value, inner.sink).tainted) place.state.hazard('function-not-known-safe', printed(name))
    })
  }
  if (SET_RETURNING.has(name.name)) {
    const isShown = JSON_ELEMENTS.has(name.name) && showsCount(value, place.state.context.phi)
    if (!isShown) place.sink.multiplied = either(place.sink.multiplied, taintIn(value))
  }
  // Where PHI decides how many rows there are, whatever is computed from their number tells PHI.
  const counted = AGGREGATES.has(name.name) ? either(...place.scope.items.map((item) => item.multiplied)) : null
  return counted === null ? value : worst([value, taintedBy(counted)])
}

/** What the function makes of its arguments; what decides about their number and order may show in anything but a count. */
function callValue(call: FuncCall, args: readonly Value[], around: readonly Value[], { state }: Place): Value {
  const { context } = state
  const name = builtInFunction(nameParts(call.funcname), context)
  const nodes = call.args ?? []
  const inOrder = call.func_variadic !== true && !nodes.some((node) => 'NamedArgExpr' in node)
  if (name === null || !inOrder) return worst([...args, ...around])
  if (call.agg_within_group === true) {
    const [sorted, ...others] = around
    const isOne =
      SORTED_CHOICE.has(name) && sorted !== undefined && ![...args, ...others].some(({ tainted }) => tainted)
    return isOne ? extreme(sorted, context.phi) : worst([...args, ...around])
  }
  if (around.some(({ tainted }) => tainted)) return worst([...args, ...around])
  const made: Call = { nodes, values: args, distinct: call.agg_distinct === true, phi: context.phi }
  const pair = keysAndValues(name, made)
  if (pair !== null) return rowOf(['key', 'value'], pair)
  const value = shapedCall(name, made)
  const fields = FUNCTION_COLUMNS.get(name)
  if (fields === undefined || fields.length === 1) return value
  return rowOf(
    fields,
    fields.map(() => value),
  )
}

/** Aggregates that choose one of the values that they sort. */
const SORTED_CHOICE: ReadonlySet<string> = new Set(['mode', 'percentile_disc'])

function rowOf(names: readonly string[], values: readonly Value[]): Value {
  return rowValue(derivedShape(names.map((name, i) => ({ name, value: values[i] ?? TAINTED }))))
}

/** A call of functions that are not built in but known; null for any other. */
export function userFunctionCall(call: FuncCall, place: Place): SqlCall | null {
  return isSafeCall(routineName(nameParts(call.funcname)), call, place) ? null : sqlFunctionCall(call, place)
}

/** An argument of which it counts whether it is there at all. */
function countedOperand(node: Node, place: Place): Operand & { readonly isThere: boolean } {
  const inner = apart(place)
  const value = expression(node, inner)
  noteSink(place.sink, inner.sink)
  const isThere = isPlain(node) && isStored(inner.sink)
  if (!isThere) for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
  return { node, value, isThere }
}

function isSafeCall(name: RoutineName, call: FuncCall, place: Place): boolean {
  const { context } = place.state
  const setting = SETTING_FUNCTIONS.get(name.name)
  if (name.schema !== null && name.schema !== 'pg_catalog') return isSafeFunction(name, context)
  // As NOTIFY, which takes nothing but constants.
  if (name.name === 'pg_notify') return (call.args ?? []).every(isText) && !isShadowed(name, place)
  if (setting === undefined) return isSafeFunction(name, context)
  return setting.has(literal(call.args?.[0])?.toLowerCase() ?? '') && !isShadowed(name, place)
}

const isText = (node: Node): boolean => constantText(node) !== null

/** Functions that are safe for settings of a list, named by a literal. */
const SETTING_FUNCTIONS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['current_setting', HARMLESS_SETTINGS],
  ['set_config', SETTABLE_SETTINGS],
])

function isShadowed({ schema, name }: RoutineName, place: Place): boolean {
  const { index, searchPath } = place.state.context
  const others = index.functionsByName.get(name) ?? []
  return others.some((other) => other.schema === 'pg_catalog' || (schema === null && searchPath.includes(other.schema)))
}

function literal(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  if ('TypeCast' in node) return literal(node.TypeCast.arg)
  return 'A_Const' in node ? node.A_Const.sval?.sval : undefined
}
