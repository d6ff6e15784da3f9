import type { FuncCall, Node, WindowDef } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import { isSafeFunction, printed, type RoutineName, routineName } from './check-routine.ts'
import { derivedShape, rowValue, settled, worst } from './column.ts'
import { combined, presence } from './expression.ts'
import { apart, type Place } from './place.ts'
import { AGGREGATES, CLEAN_ARGUMENTS, COUNTING, FUNCTION_COLUMNS, SET_RETURNING } from './safe-functions.ts'
import { HARMLESS_SETTINGS, SETTABLE_SETTINGS } from './safe-settings.ts'
import { noteSink, TAINTED, type Value } from './types.ts'

/** A function, aggregate or window function call: the result carries what the arguments carry, but for counts. */
export function functionCall(call: FuncCall, place: Place): Value {
  const name = routineName(nameParts(call.funcname))
  place.state.calls(printed(name))
  const safe = isSafeCall(name, call, place)
  if (!safe) place.state.hazard('function-not-known-safe', printed(name))

  const around = [...(call.agg_order ?? []), call.agg_filter, ...windowParts(call.over, place)]
  const inner = apart(place)
  const value = COUNTING.has(name.name)
    ? worst([...(call.args ?? []).map((arg) => presence(arg, inner)), combined(around, inner)])
    : combined([...(call.args ?? []), ...around], inner)
  for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
  noteSink(place.sink, inner.sink)
  if (!safe) return TAINTED
  if (CLEAN_ARGUMENTS.has(name.name)) {
    // A condition elsewhere may yet tie an argument to PHI.
    place.state.later(() => {
      if (settled(value, inner.sink).tainted) place.state.hazard('function-not-known-safe', printed(name))
    })
  }
  if (value.tainted && SET_RETURNING.has(name.name)) place.sink.multiplied = true
  // Where PHI decides how many rows there are, whatever is computed from their number tells PHI.
  if (AGGREGATES.has(name.name) && place.scope.items.some((item) => item.multiplied)) return TAINTED
  return withFields(name, value)
}

function isSafeCall(name: RoutineName, call: FuncCall, place: Place): boolean {
  const { context } = place.state
  const setting = SETTING_FUNCTIONS.get(name.name)
  if (setting === undefined || (name.schema !== null && name.schema !== 'pg_catalog'))
    return isSafeFunction(name, context)
  return setting.has(literal(call.args?.[0])?.toLowerCase() ?? '') && !isShadowed(name, place)
}

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

/** Partitioning, ordering and framing decide about the result of a window function. */
function windowParts(over: WindowDef | undefined, place: Place): readonly (Node | undefined)[] {
  const parts: (Node | undefined)[] = []
  const seen = new Set<string>()
  for (let window = over; window !== undefined; ) {
    parts.push(...(window.partitionClause ?? []), ...(window.orderClause ?? []), window.startOffset, window.endOffset)
    const base = window.refname ?? window.name ?? ''
    window = seen.has(base) ? undefined : place.windows.get(base)
    seen.add(base)
  }
  return parts
}

function withFields({ name }: RoutineName, value: Value): Value {
  const fields = FUNCTION_COLUMNS.get(name)
  if (fields === undefined || fields.length === 1) return value
  return rowValue(derivedShape(fields.map((field) => ({ name: field, value }))))
}
