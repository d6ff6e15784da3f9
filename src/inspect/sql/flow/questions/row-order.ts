import type { FuncCall, JsonAggConstructor, Node, SelectStmt, WindowDef } from '@pgsql/types'
import { nameParts, walkSyntax } from '../../syntax-tree.ts'
import type { AnalysisContext } from '../context.ts'
import { isConstant } from '../expressions/is-constant.ts'
import { routineName } from '../known/check-routine.ts'
import { AGGREGATES } from '../known/safe-functions.ts'
import type { Place } from '../place.ts'
import { either, type Taint } from '../values/taint.ts'
import type { Scope, Value } from '../values/types.ts'
import { words } from '../words.ts'
import { isReleasedOrder } from './released-form.ts'

/**
 * The order of the rows of one SELECT, as far as it follows from the statement and not from the plan, and what shows it. The
 * server sorts for every PARTITION BY and DISTINCT ON, and for GROUP BY beside an aggregate with DISTINCT or ORDER BY. Since
 * PostgreSQL 16 it also sorts the rows of a group once for what is DISTINCT (`enable_presorted_aggregate`), and gives them to
 * every other aggregate in that order: `array_agg(id), count(DISTINCT ssn)` is `array_agg(id ORDER BY ssn)`.
 */
export class RowOrder {
  /** PHI by whose order the rows come out of FROM. */
  readByOrderOf: Taint | null = null
  /** PHI by which rows are partitioned, or made distinct by DISTINCT ON. */
  sortedBy: Taint | null = null
  groupedBy: Taint | null = null
  /** PHI that an aggregate takes DISTINCT. */
  aggregatedBy: Taint | null = null
  /** Whether an aggregate keeps the server from grouping without sorting. */
  sortsGroups = false
  /** Whether the result of an aggregate shows in which order it got its rows. */
  aggregateShows = false
  /** The windows that are used, and those in which a function shows the order of rows that are alike to it. */
  readonly windows = new Set<string>()
  readonly showingWindows = new Set<string>()
}

/** Aggregates whose result is the same in any order. One that is not here, or not known, may show it. */
const UNORDERED: ReadonlySet<string> = new Set(
  words(`avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every max min mode percentile_cont
  percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
  regr_sxy regr_syy stddev stddev_pop stddev_samp sum var_pop var_samp variance`),
)
/** Window functions that are the same for rows that the ORDER BY of the window does not tell apart. */
const UNORDERED_RANKS: ReadonlySet<string> = new Set(words('cume_dist dense_rank percent_rank rank'))
/** FRAMEOPTION_NONDEFAULT (src/include/nodes/parsenodes.h): without it a frame ends with the peers of a row. */
const EXPLICIT_FRAME = 1

/** Takes down what a call says of the order of rows. */
export function noteCall(name: string, call: FuncCall, args: readonly Value[], place: Place): void {
  const { context } = place.state
  if (call.over !== undefined) {
    noteWindow(name, call.over, place)
    return
  }
  if (!AGGREGATES.has(name)) return
  const { agg_distinct: distinct = false, agg_order: order, agg_within_group: isSet = false } = call
  const aggregatedBy = distinct ? either(...args.filter((arg) => isSortedBy(arg, context))) : null
  const shows = !isSet && !UNORDERED.has(name) && !distinct && !isOrdered(call.args, order)
  noteAggregate(place.scope, { aggregatedBy, shows, sorts: distinct || isSet || (order ?? []).length > 0 })
}

/** The same for JSON_ARRAYAGG and JSON_OBJECTAGG. */
export function noteConstructor(
  args: readonly (Node | undefined)[],
  { agg_order: order, over }: JsonAggConstructor,
  place: Place,
): void {
  if (over !== undefined) noteWindow('json_agg', over, place)
  else
    noteAggregate(place.scope, { aggregatedBy: null, shows: !isOrdered(args, order), sorts: (order ?? []).length > 0 })
}

interface Aggregate {
  readonly aggregatedBy: Taint | null
  readonly shows: boolean
  readonly sorts: boolean
}

/** An aggregate belongs to the query whose columns it is made of, which may be an enclosing one: all of them count. */
function noteAggregate(scope: Scope, { aggregatedBy, shows, sorts }: Aggregate): void {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const { order } = level
    if (order === undefined) continue
    order.aggregatedBy = either(order.aggregatedBy, aggregatedBy)
    order.aggregateShows ||= shows
    order.sortsGroups ||= sorts
  }
}

function noteWindow(name: string, over: WindowDef, { scope: { order }, windows }: Place): void {
  if (order === undefined) return
  const base = windows.get(over.name ?? over.refname ?? '')
  const window = printed([over, base])
  order.windows.add(window)
  const hasFrame = [over, base].some((one) => ((one?.frameOptions ?? 0) & EXPLICIT_FRAME) !== 0)
  if (hasFrame || !(UNORDERED.has(name) || UNORDERED_RANKS.has(name))) order.showingWindows.add(window)
}

/** Takes down a key of PARTITION BY or DISTINCT ON. */
export function noteSorted(key: Value, { scope: { order }, state }: Pick<Place, 'scope' | 'state'>): void {
  if (order !== undefined && isSortedBy(key, state.context)) order.sortedBy = either(order.sortedBy, key)
}

/** Takes down a key of GROUP BY. */
export function noteGrouped(key: Value, { scope: { order }, state }: Pick<Place, 'scope' | 'state'>): void {
  if (order !== undefined && isSortedBy(key, state.context)) order.groupedBy = either(order.groupedBy, key)
}

/**
 * Asks about what the query itself shows of the order of its rows, and gives the PHI by whose order its result comes. ORDER BY
 * does not count: of rows that are alike to it, those that came first stay first.
 */
export function resultOrder(node: SelectStmt, order: RowOrder, { state }: Pick<Place, 'state'>): Taint | null {
  const groups = isGrouped(node)
  const read = groups ? null : order.readByOrderOf
  const grouped = groups && order.sortsGroups ? order.groupedBy : null
  const shown: (Taint | null)[] = []
  if (order.aggregateShows) shown.push(order.aggregatedBy, groups ? order.readByOrderOf : null)
  // A window that sorts by PHI itself shows no order but that inside of its partitions.
  if (order.showingWindows.size > 0) shown.push(read, grouped, order.windows.size > 1 ? order.sortedBy : null)
  // The first row of those that are alike.
  if ((node.distinctClause ?? []).length > 0) shown.push(read, grouped)
  const result = either(read, grouped, order.sortedBy)
  if (node.limitCount !== undefined || node.limitOffset !== undefined) shown.push(result)
  askResultOrder(either(...shown), { state })
  return result
}

/** The order of rows can be seen. */
export function askResultOrder(sortedBy: Taint | null | undefined, { state }: Pick<Place, 'state'>): void {
  if (sortedBy !== null && sortedBy !== undefined) state.question('order', sortedBy, false)
}

/** Whether the rows of a query are put together. What is not known to be an aggregate is taken for none. */
function isGrouped({ groupClause = [], havingClause, sortClause, targetList }: SelectStmt): boolean {
  let found = groupClause.length > 0 || havingClause !== undefined
  walkSyntax([targetList, sortClause], (name, body) => {
    if (name === 'JsonArrayAgg' || name === 'JsonObjectAgg') {
      found ||= !hasWindow(body)
    } else if (name === 'FuncCall') {
      found ||= body['over'] === undefined && AGGREGATES.has(routineName(nameParts(body['funcname'])).name)
    }
    return name !== 'SelectStmt'
  })
  return found
}

/** The field is called `constructor`, which every object has from its prototype. */
function hasWindow(aggregate: object): boolean {
  const own: unknown = Object.getOwnPropertyDescriptor(aggregate, 'constructor')?.value
  return typeof own === 'object' && own !== null && 'over' in own
}

function isSortedBy(value: Value, context: AnalysisContext): boolean {
  return value.tainted && !isReleasedOrder(value, context)
}

/** Whether rows that an ORDER BY leaves in any order are alike to the aggregate: all that it is given is a key. */
function isOrdered(args: readonly (Node | undefined)[] | undefined, order: readonly Node[] | undefined): boolean {
  const keys = new Set((order ?? []).map((key) => printed('SortBy' in key ? key.SortBy.node : key)))
  return (args ?? []).every((arg) => isConstant(arg) || keys.has(printed(arg)))
}

/** Syntax without its places. */
function printed(node: unknown): string {
  return JSON.stringify(node, (field, value: unknown) => (field === 'location' ? undefined : value)) ?? ''
}
