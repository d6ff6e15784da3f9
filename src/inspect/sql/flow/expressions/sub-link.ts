import type { SubLink } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInOperator } from '../known/built-in.ts'
import { taintedColumns, valueOf } from '../values/column.ts'
import { type Judgement, judgePairs, type Side, side } from '../questions/comparison.ts'
import { checkOperator, notAnalysed } from './expression.ts'
import { apart, type Place } from '../place.ts'
import { askResultOrder } from '../questions/row-order.ts'
import { arrayOf } from './shape-functions.ts'
import type { Taint } from '../values/taint.ts'
import { CLEAN, type Column, noteSink, type QueryResult, type Value } from '../values/types.ts'
import { detached, taintedBy, worst } from '../values/value.ts'

/**
 * A query inside an expression. Its value carries what its columns carry. A correlated one that asks about PHI answers a
 * question for each row, so its value counts as tainted; an uncorrelated one is as harmless as the same predicate in WHERE.
 */
export function subLink(node: SubLink, place: Place): Value {
  const inner = apart(place)
  const test = node.testexpr === undefined ? null : side(node.testexpr, inner)
  const operator = node.operName === undefined ? ['='] : nameParts(node.operName)
  if (test !== null) checkOperator(operator, place)
  noteSink(place.sink, inner.sink)
  if (node.subselect === undefined) return notAnalysed('SubLink', place)
  const result = place.query(node.subselect, place)
  noteSink(place.sink, { control: result.control, reach: result.reach, multiplied: null })
  if (node.subLinkType === 'ARRAY_SUBLINK') askResultOrder(result.sortedBy, place)
  const answer = valueOfTaint(answersByRow(result, place))
  if (node.subLinkType === 'EXISTS_SUBLINK') return answer
  const value = test === null ? rowsOf(node, result) : comparison(operator, test, result, place)
  // What is compared in released form ties nothing, nor does it flow on.
  if (value === null) return answer
  for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
  for (const column of result.shape.columns) place.sink.columns.set(column, place.scope.depth + 1)
  if (!answer.tainted) return value
  return value.row === undefined ? worst([value, answer]) : { ...worst([value, answer]), row: value.row }
}

/** The single row of the query as a value, or its rows as an array. */
function rowsOf({ subLinkType }: SubLink, { shape, multiplied }: QueryResult): Value {
  const [first] = shape.columns
  const only =
    first !== undefined && shape.columns.length === 1 && shape.open === null ? detached(valueOf(first)) : null
  if (only === null) return worst(taintedColumns(shape))
  if (subLinkType !== 'ARRAY_SUBLINK') return only
  // The length of an array is a number of rows.
  return multiplied === null ? arrayOf(only) : worst([only, taintedBy(multiplied)])
}

/**
 * `x IN (SELECT …)`, `x = ANY (SELECT …)`, `(x, y) = (SELECT …)`. The rows are looked at until one decides, so PHI is a
 * question even where only the value is wanted. Null for one in released form.
 */
function comparison(operator: readonly string[], test: Side, { shape }: QueryResult, place: Place): Value | null {
  const about = worst([test.value, ...taintedColumns(shape)])
  const judgement = about.tainted && shape.open === null ? judgeRows(operator, test, shape.columns, place) : 'beyond'
  if (about.tainted) place.state.compared(about, judgement)
  return judgement === 'beyond' ? about : null
}

function judgeRows(parts: readonly string[], test: Side, columns: readonly Column[], place: Place): Judgement {
  const operator = builtInOperator(parts, place.state.context)
  const sides = test.items ?? [test]
  if (sides.length !== columns.length || (sides.length > 1 && operator !== '=' && operator !== '<>')) return 'beyond'
  const pairs = columns.flatMap((column, i) => {
    const left = sides[i]
    return left === undefined ? [] : [{ operator, left, right: { node: undefined, value: valueOf(column) } }]
  })
  return judgePairs(pairs, true, place)
}

function answersByRow(result: QueryResult, place: Place): Taint | null {
  return result.reach <= place.scope.depth ? result.control : null
}

function valueOfTaint(taint: Taint | null): Value {
  return taint === null ? CLEAN : taintedBy(taint)
}
