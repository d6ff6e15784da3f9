import type { Node, SelectStmt } from '@pgsql/types'
import { hasLimit } from '../bounded.ts'
import { builtinName } from '../operands.ts'
import { bodyOf, nameParts } from '../syntax-tree.ts'

/** The number of rows that a query is limited to; undefined without a limit. */
export function limitOf(select: SelectStmt): number | 'unknown' | undefined {
  const limit = select.limitCount
  const constant = bodyOf(limit, 'A_Const')
  if (limit === undefined || constant?.isnull === true) return undefined
  return constant?.ival === undefined ? 'unknown' : (constant.ival.ival ?? 0)
}

/** Whether a query takes a part of a larger result: by OFFSET, or from where another one has ended (keyset pagination). */
export function isPage(select: SelectStmt): boolean {
  if (select.limitOffset !== undefined) return true
  const order = bodyOf(select.sortClause?.[0], 'SortBy')?.node
  const column = columnName(order)
  return column !== undefined && hasLimit(select) && beginsBehind(select.whereClause, column)
}

function beginsBehind(node: Node | undefined, column: string): boolean {
  const bool = bodyOf(node, 'BoolExpr')
  if (bool?.boolop === 'AND_EXPR' || bool?.boolop === 'OR_EXPR') {
    return (bool.args ?? []).some((arg) => beginsBehind(arg, column))
  }
  const comparison = bodyOf(node, 'A_Expr')
  const operator = builtinName(nameParts(comparison?.name)) ?? ''
  if (comparison?.kind !== 'AEXPR_OP' || !/^[<>]=?$/.test(operator)) return false
  return [comparison.lexpr, comparison.rexpr].some((side) => columnName(side) === column)
}

/** The name of a column, or of the first of a row of columns. */
function columnName(node: Node | undefined): string | undefined {
  const first = bodyOf(node, 'RowExpr')?.args?.[0] ?? node
  return nameParts(bodyOf(first, 'ColumnRef')?.fields).at(-1)
}
