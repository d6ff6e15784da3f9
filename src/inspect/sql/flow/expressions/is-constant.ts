import type { Node } from '@pgsql/types'

/** Whether an expression is the same for every row: literals, parameters, and casts and arrays of them. */
export function isConstant(node: Node | undefined): boolean {
  if (node === undefined) return true
  if ('A_Const' in node || 'ParamRef' in node || 'SQLValueFunction' in node) return true
  if ('TypeCast' in node) return isConstant(node.TypeCast.arg)
  if ('CollateClause' in node) return isConstant(node.CollateClause.arg)
  if ('A_ArrayExpr' in node) return (node.A_ArrayExpr.elements ?? []).every(isConstant)
  return 'List' in node && (node.List.items ?? []).every(isConstant)
}
