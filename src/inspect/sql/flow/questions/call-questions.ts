import type { FuncCall, Node, WindowDef } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction } from '../known/built-in.ts'
import { integerLiteral, stringLiteral } from '../expressions/constants.ts'
import { combined, expression } from '../expressions/expression.ts'
import { apart, type Place } from '../place.ts'
import { ask, askGroup, askJoined, askOrder } from './questions.ts'
import { isQuietCall } from './quiet-functions.ts'
import { isReleasedComparison, type Operand } from './released-form.ts'
import { noteSorted } from './row-order.ts'
import { noteSink, type Value } from '../values/types.ts'
import { worst } from '../values/value.ts'
import { words } from '../words.ts'

/** What decides about the rows that an aggregate or window function sees, and about their order. */
export interface CallAround {
  readonly filter: Node | undefined
  readonly order: readonly Node[]
  readonly partition: readonly Node[]
  readonly frame: readonly (Node | undefined)[]
}

/** FILTER, ORDER BY and OVER of a call. The keys of WITHIN GROUP are arguments instead: the result is made from them. */
export function aroundOf(call: FuncCall, place: Place): CallAround {
  const windows = windowsOf(call.over, place)
  return {
    filter: call.agg_filter,
    order: [
      ...(call.agg_within_group === true ? [] : (call.agg_order ?? [])),
      ...windows.flatMap(({ orderClause }) => orderClause ?? []),
    ],
    partition: windows.flatMap(({ partitionClause }) => partitionClause ?? []),
    frame: windows.flatMap(({ startOffset, endOffset }) => [startOffset, endOffset]),
  }
}

/** The window definition of a call, and those that it is based on. */
function windowsOf(over: WindowDef | undefined, place: Place): readonly WindowDef[] {
  const found: WindowDef[] = []
  const seen = new Set<string>()
  for (let window = over; window !== undefined; ) {
    found.push(window)
    const base = window.refname ?? window.name ?? ''
    window = seen.has(base) ? undefined : place.windows.get(base)
    seen.add(base)
  }
  return found
}

/** Evaluates what stands around a call: the result carries its PHI, but for keys in released form. */
export function aroundValue({ filter, order, partition, frame }: CallAround, place: Place): Value {
  const condition = expression(filter, place)
  ask('condition', condition, false, place)
  const offsets = combined(frame, place)
  ask('order', offsets, false, place)
  const keys = [...keyValues(order, askOrder, place), ...keyValues(partition, askPartition, place)]
  return worst([condition, offsets, ...keys])
}

function askPartition(key: Value, place: Place): boolean {
  noteSorted(key, place)
  return askGroup(key, place)
}

function keyValues(
  keys: readonly Node[],
  isReleased: (key: Value, place: Place) => boolean,
  place: Place,
): readonly Value[] {
  return keys.flatMap((key) => {
    const inner = apart(place)
    const value = expression(key, inner)
    noteSink(place.sink, inner.sink)
    if (isReleased(value, place)) return []
    for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
    return [value]
  })
}

/** Functions whose result is longer than each of their arguments. */
const JOINING: ReadonlySet<string> = new Set(
  words('concat concat_ws format overlay replace string_agg array_to_string json_build_object jsonb_build_object'),
)

/** `repeat('x', 1073741800)`: the server can hold no text of more than 1 GB. */
function makesLongText(name: string, args: readonly Operand[]): boolean {
  const [text, count] = args.map(({ node }) => node)
  if (name === 'repeat') return (stringLiteral(text)?.length ?? MANY) * (integerLiteral(count) ?? MANY) >= MANY
  if (name === 'lpad' || name === 'rpad') return (integerLiteral(count) ?? MANY) >= MANY
  return name === 'array_fill'
}

const MANY = 100_000

/** Notes what a call over PHI tells besides its result: by failing, by NULL, by time, by what DISTINCT makes of it. */
export function askCall(call: FuncCall, args: readonly Operand[], place: Place): void {
  const about = worst(args.map(({ value }) => value))
  const name = nameParts(call.funcname).at(-1) ?? ''
  if (makesLongText(name, args)) place.state.makesLongText = true
  if (!about.tainted) return
  if (JOINING.has(name)) askJoined(about, place)
  if (call.agg_distinct === true) for (const { value } of args) askGroup(value, place)
  if (!isQuiet(call, args, place)) ask('computation', about, false, place)
}

function isQuiet(call: FuncCall, args: readonly Operand[], { state }: Place): boolean {
  const name = builtInFunction(nameParts(call.funcname), state.context)
  // Arguments that are not in their places are not looked for.
  const inOrder =
    call.func_variadic !== true && args.every(({ node }) => node === undefined || !('NamedArgExpr' in node))
  return name !== null && inOrder && isQuietCall(name, args, state.context)
}

/** Whether a call is a comparison in released form: `starts_with(zip, '021')`. */
export function isReleasedCall(call: FuncCall, args: readonly Operand[], { state }: Place): boolean {
  const [value, prefix] = args
  if (value === undefined || prefix === undefined || args.length !== 2) return false
  if (builtInFunction(nameParts(call.funcname), state.context) !== 'starts_with') return false
  return value.value.tainted && isReleasedComparison('^@', value, prefix, state.context)
}
