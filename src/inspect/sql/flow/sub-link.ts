import type { SubLink } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import { shapeIsTainted, valueOf, worst } from './column.ts'
import { checkOperator, expression, notAnalysed } from './expression.ts'
import type { Place } from './place.ts'
import { CLEAN, noteSink, type QueryResult, TAINTED, type Value } from './types.ts'

/**
 * A query inside an expression. Its value carries what its columns carry. A correlated one that asks about PHI answers a
 * question for each row, so its value counts as tainted; an uncorrelated one is as harmless as the same predicate in WHERE.
 */
export function subLink(node: SubLink, place: Place): Value {
  const test = expression(node.testexpr, place)
  if (node.testexpr !== undefined) checkOperator(node.operName === undefined ? ['='] : nameParts(node.operName), place)
  if (node.subselect === undefined) return notAnalysed('SubLink', place)
  const result = place.query(node.subselect, place)
  noteSink(place.sink, { control: result.control, reach: result.reach, multiplied: false })
  const answer = answersByRow(result, place) ? TAINTED : CLEAN
  if (node.subLinkType === 'EXISTS_SUBLINK') return answer
  for (const column of result.shape.columns) place.sink.columns.set(column, place.scope.depth + 1)
  // The length of an array is a number of rows.
  const length = node.subLinkType === 'ARRAY_SUBLINK' && result.multiplied ? TAINTED : CLEAN
  const value = worst([test, shapeIsTainted(result.shape) ? TAINTED : CLEAN, answer, length])
  const [first] = result.shape.columns
  const row = node.subLinkType === 'EXPR_SUBLINK' && first !== undefined ? valueOf(first).row : undefined
  return row === undefined ? value : { ...value, row }
}

function answersByRow(result: QueryResult, place: Place): boolean {
  return result.control && result.reach <= place.scope.depth
}
