import type { Node } from '@pgsql/types'
import { derivedShape } from '../values/column.ts'
import { deleteStatement, insertStatement, updateStatement } from './dml.ts'
import { mergeStatement } from './merge.ts'
import type { Surroundings } from '../place.ts'
import { askResultOrder } from '../questions/row-order.ts'
import { select } from './select.ts'
import { type QueryResult, TAINTED } from '../values/types.ts'

/** Analyses a statement that has rows as its result, or could have. The result of DML is its RETURNING list. */
export function query(node: Node, around: Surroundings): QueryResult {
  if (!around.state.spend()) return unknownResult()
  if ('SelectStmt' in node) return select(node.SelectStmt, around)
  if ('InsertStmt' in node) return insertStatement(node.InsertStmt, around)
  if ('UpdateStmt' in node) return updateStatement(node.UpdateStmt, around)
  if ('DeleteStmt' in node) return deleteStatement(node.DeleteStmt, around)
  if ('MergeStmt' in node) return mergeStatement(node.MergeStmt, around)
  around.state.hazard('construct-not-analysed', Object.keys(node)[0] ?? 'node')
  return unknownResult()
}

/** The same for a query whose rows leave the statement one after the other: their order can be seen. */
export function outermostQuery(node: Node, around: Surroundings): QueryResult {
  const result = query(node, around)
  askResultOrder(result.sortedBy, around)
  return result
}

function unknownResult(): QueryResult {
  return { shape: derivedShape([], TAINTED), control: null, reach: Number.POSITIVE_INFINITY, multiplied: null }
}
