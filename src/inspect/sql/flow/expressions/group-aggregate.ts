import type { Node, RangeVar, SelectStmt } from '@pgsql/types'
import type { GroupAggregate, OutputTaint, StoredColumn } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction } from '../known/built-in.ts'
import { valueOf } from '../values/column.ts'
import { integerLiteral } from './constants.ts'
import type { AnalysisContext } from '../context.ts'
import type { Outputs } from '../statements/outputs.ts'
import { isNumeric, partOfCall } from '../questions/released-part.ts'
import { isSameColumn } from '../values/shape.ts'
import type { FlowState } from '../state.ts'
import { storedColumns } from '../values/stored-value.ts'
import { CLEAN, type Column, type Shape } from '../values/types.ts'
import { words } from '../words.ts'

/** Aggregates that sum up all values of a group; not min, max and the like, which are one of them. */
const SUMMARIES: ReadonlySet<string> = new Set(words('avg sum stddev stddev_pop stddev_samp var_pop var_samp variance'))

/** Tables: their rows are there once. A view, materialised or not, can repeat one as often as its maker likes. */
const TABLE_KINDS: ReadonlySet<string> = new Set(['r', 'p'])

/** The one table that a query reads. */
interface OnlyTable {
  /** By which its columns are qualified. */
  readonly name: string
  readonly columns: readonly Column[]
  readonly context: AnalysisContext
}

/**
 * Says of the outputs of a statement which of them sum up a column over a group whose size stands beside them. The size is
 * `count(DISTINCT …)` of the same: the number of rows would not do, since all but one may be NULL, or all hold one value.
 * Only where each row of the table counts once: one table, no join, no common table expression. With grouping sets the
 * rows of a result could be subtracted from each other.
 */
export function withGroupAggregates(select: SelectStmt, shape: Shape, outputs: Outputs, state: FlowState): Outputs {
  if (outputs === 'unknown' || outputs.every(({ kind }) => kind !== 'phi')) return outputs
  const expressions = (select.targetList ?? []).map((node) => ('ResTarget' in node ? node.ResTarget.val : node))
  // With a star the numbers of the columns would be others.
  if (expressions.length !== outputs.length || expressions.some(isStar)) return outputs
  const table = onlyTable(select, state)
  if (table === null) return outputs
  const counted = expressions.map((node, i) => (outputs[i]?.kind === 'clean' ? countedQuantity(node, table) : null))
  return outputs.map((output, i) => {
    const summed = output.kind === 'phi' ? summedQuantity(expressions[i], table) : null
    if (output.kind !== 'phi' || summed === null || !isAllOf(shape.columns[i], summed)) return output
    const distinct = counted.findIndex((other) => other !== null && isSame(other, summed))
    return distinct === -1 ? output : aggregated(output, { column: summed.stored, distinct })
  })
}

function aggregated(output: Extract<OutputTaint, { kind: 'phi' }>, aggregate: GroupAggregate): OutputTaint {
  return { ...output, aggregate }
}

/** Whether no other PHI than that of a column flows into an output, by conditions neither. */
function isAllOf(output: Column | undefined, { column }: Quantity): boolean {
  if (output === undefined) return false
  const found = valueOf(output).columns
  return found.size === 1 && [...found].every((name) => column.value.columns.has(name))
}

function onlyTable(select: SelectStmt, state: FlowState): OnlyTable | null {
  const { fromClause = [], groupClause = [], op, withClause } = select
  const [from, ...others] = fromClause
  if (from === undefined || others.length > 0 || !('RangeVar' in from)) return null
  if (withClause !== undefined || (op ?? 'SETOP_NONE') !== 'SETOP_NONE') return null
  if (groupClause.some((key) => 'GroupingSet' in key)) return null
  return tableOf(from.RangeVar, state)
}

function tableOf(from: RangeVar, state: FlowState): OnlyTable | null {
  const { alias, relname = '' } = from
  // The names of its columns would be others.
  if ((alias?.colnames ?? []).length > 0) return null
  const resolved = state.resolve(from)
  if (resolved.kind !== 'known' || !TABLE_KINDS.has(resolved.relation.kind)) return null
  const { context } = state
  return { name: alias?.aliasname ?? relname, columns: storedColumns(resolved.relation, context.phi), context }
}

/** What is summed up or counted: a column, or the year in it. */
interface Quantity {
  readonly column: Column
  readonly stored: StoredColumn
  readonly isYear: boolean
}

function isSame(a: Quantity, b: Quantity): boolean {
  return a.isYear === b.isYear && isSameColumn(a.stored, b.stored)
}

/** What `count(DISTINCT …)` counts. */
function countedQuantity(node: Node | undefined, table: OnlyTable): Quantity | null {
  const call = plainCall(node, table)
  return call?.name === 'count' && call.distinct && call.args.length === 1 ? quantity(call.args[0], table) : null
}

/** What an expression sums up: `avg(age)`, `round(avg(extract(year from born)), 1)`. */
function summedQuantity(node: Node | undefined, table: OnlyTable): Quantity | null {
  const call = plainCall(node, table)
  if (call === null || call.distinct) return null
  const [argument, digits] = call.args
  if (call.name === 'round' && (digits === undefined || integerLiteral(digits) !== null)) {
    return call.args.length <= 2 ? summedQuantity(argument, table) : null
  }
  return SUMMARIES.has(call.name) && call.args.length === 1 ? quantity(argument, table) : null
}

/** A column of numbers, or the year of a date whose replacement shows it. */
function quantity(node: Node | undefined, table: OnlyTable): Quantity | null {
  const column = columnOf(node, table)
  if (column === null) return yearOf(node, table)
  const stored = column.value.exact
  return stored !== null && isNumeric(stored) ? { column, stored, isYear: false } : null
}

function yearOf(node: Node | undefined, table: OnlyTable): Quantity | null {
  const call = plainCall(node, table)
  if (call === null || call.distinct || call.args.length !== 2) return null
  const [field, argument] = call.args
  const column = columnOf(argument, table)
  if (column === null) return null
  const operands = [
    { node: field, value: CLEAN },
    { node: argument, value: column.value },
  ]
  const part = partOfCall(call.name, operands, table.context.phi)
  return part?.kind === 'year' && part.as === 'number' ? { column, stored: part.column, isYear: true } : null
}

interface PlainCall {
  readonly name: string
  readonly args: readonly Node[]
  readonly distinct: boolean
}

/** A call of a built-in function over all rows of the group, in no order. */
function plainCall(node: Node | undefined, { context }: OnlyTable): PlainCall | null {
  if (node === undefined || !('FuncCall' in node)) return null
  const { args = [], funcname, over, ...call } = node.FuncCall
  if (over !== undefined || call.agg_filter !== undefined || (call.agg_order ?? []).length > 0) return null
  if (call.agg_within_group === true || call.agg_star === true || call.func_variadic === true) return null
  const name = builtInFunction(nameParts(funcname), context)
  return name === null ? null : { name, args, distinct: call.agg_distinct === true }
}

/** The column of the table that a name stands for. */
function columnOf(node: Node | undefined, { columns, name }: OnlyTable): Column | null {
  if (node === undefined || !('ColumnRef' in node)) return null
  const { fields = [] } = node.ColumnRef
  const path = nameParts(fields)
  const [qualifier] = path
  if (path.length !== fields.length || path.length > 2 || (path.length === 2 && qualifier !== name)) return null
  return columns.find((column) => column.name === path.at(-1)) ?? null
}

function isStar(node: Node | undefined): boolean {
  if (node === undefined) return false
  if ('A_Indirection' in node) return (node.A_Indirection.indirection ?? []).some((step) => 'A_Star' in step)
  return 'ColumnRef' in node && (node.ColumnRef.fields ?? []).some((field) => 'A_Star' in field)
}
