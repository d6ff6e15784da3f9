import type { A_Expr, CaseExpr, Node, NullTest, RowExpr, TypeCast, TypeName } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import { isSafeOperator, printed, routineName } from './check-routine.ts'
import { unknownType } from './check-type.ts'
import { derivedShape, rowValue, worst } from './column.ts'
import { columnReference } from './column-reference.ts'
import { functionCall } from './function-call.ts'
import { indirection } from './indirection.ts'
import { jsonOrXml } from './json-xml.ts'
import { apart, type Place } from './place.ts'
import { NULL_PRESERVING } from './safe-functions.ts'
import { subLink } from './sub-link.ts'
import { CLEAN, noteSink, TAINTED, type Value } from './types.ts'

/**
 * What flows into the value of an expression. Functions, operators and types that are not known to be safe become hazards
 * of the statement wherever they stand.
 */
export function expression(node: Node | undefined, place: Place): Value {
  if (node === undefined) return CLEAN
  if ('ColumnRef' in node) return columnReference(node.ColumnRef, place)
  if ('A_Const' in node || 'ParamRef' in node || 'SQLValueFunction' in node || 'SetToDefault' in node) return CLEAN
  if ('FuncCall' in node) return functionCall(node.FuncCall, place)
  if ('A_Expr' in node) return operatorExpression(node.A_Expr, place)
  if ('BoolExpr' in node) return combined(node.BoolExpr.args, place)
  if ('TypeCast' in node) return cast(node.TypeCast, place)
  if ('SubLink' in node) return subLink(node.SubLink, place)
  if ('CaseExpr' in node) return caseExpression(node.CaseExpr, place)
  if ('NullTest' in node) return nullTest(node.NullTest, place)
  if ('BooleanTest' in node) return combined([node.BooleanTest.arg], place)
  if ('CoalesceExpr' in node) return combined(node.CoalesceExpr.args, place)
  if ('MinMaxExpr' in node) return combined(node.MinMaxExpr.args, place)
  if ('CollateClause' in node) return combined([node.CollateClause.arg], place)
  if ('NamedArgExpr' in node) return expression(node.NamedArgExpr.arg, place)
  if ('A_ArrayExpr' in node) return combined(node.A_ArrayExpr.elements, place)
  if ('List' in node) return combined(node.List.items, place)
  if ('RowExpr' in node) return rowExpression(node.RowExpr, place)
  if ('A_Indirection' in node) return indirection(node.A_Indirection, place)
  if ('ResTarget' in node) return expression(node.ResTarget.val, place)
  if ('SortBy' in node) return sortKey(node.SortBy.node, node.SortBy.useOp, place)
  if ('GroupingSet' in node) return combined(node.GroupingSet.content, place)
  if ('GroupingFunc' in node) return dropped(node.GroupingFunc.args, place)
  if ('MergeSupportFunc' in node || 'CurrentOfExpr' in node) return CLEAN
  const [type] = Object.keys(node)
  // An absent member of a list, as in plain DISTINCT.
  if (type === undefined) return CLEAN
  return jsonOrXml(node, place) ?? notAnalysed(type, place)
}

/** A value computed from all of the expressions. */
export function combined(nodes: readonly (Node | undefined)[] | undefined, place: Place): Value {
  return worst((nodes ?? []).map((node) => expression(node, place)))
}

/** Looks at expressions whose values do not flow on. */
export function dropped(nodes: readonly (Node | undefined)[] | undefined, place: Place): Value {
  const inner = apart(place)
  combined(nodes, inner)
  noteSink(place.sink, inner.sink)
  return CLEAN
}

/**
 * Whether a value is there at all (IS NULL, count). Clean for stored values and for what is NULL exactly when they are; not
 * for expressions that turn a comparison into NULL, which would answer questions about PHI one by one.
 */
export function presence(node: Node | undefined, place: Place): Value {
  return isPlain(node) ? dropped([node], place) : combined([node], place)
}

function isPlain(node: Node | undefined): boolean {
  if (node === undefined || 'ColumnRef' in node || 'A_Const' in node) return true
  if ('TypeCast' in node) return isPlain(node.TypeCast.arg)
  if ('RowExpr' in node) return (node.RowExpr.args ?? []).every(isPlain)
  if (!('FuncCall' in node)) return false
  const { args, over, agg_filter: filter } = node.FuncCall
  const { name } = routineName(nameParts(node.FuncCall.funcname))
  return NULL_PRESERVING.has(name) && over === undefined && filter === undefined && (args ?? []).every(isPlain)
}

export function notAnalysed(subject: string, place: Place): Value {
  place.state.hazard('construct-not-analysed', subject)
  return TAINTED
}

export function checkOperator(parts: readonly string[], place: Place): void {
  const name = routineName(parts)
  if (!isSafeOperator(name, place.state.context)) place.state.hazard('operator-not-known-safe', printed(name))
}

export function checkType(type: TypeName | undefined, place: Place): void {
  const unknown = unknownType(type, place.state.context)
  if (unknown !== null) place.state.hazard('construct-not-analysed', `type ${unknown}`)
}

function operatorExpression(expr: A_Expr, place: Place): Value {
  for (const name of operatorsOf(expr)) checkOperator(name, place)
  return combined([expr.lexpr, expr.rexpr], place)
}

/** BETWEEN has a name of its own in the tree and uses these operators (gram.y, parse_expr.c). */
const BETWEEN_OPERATORS = [['>='], ['<='], ['<'], ['>']]

function operatorsOf(expr: A_Expr): readonly (readonly string[])[] {
  return expr.kind?.includes('BETWEEN') === true ? BETWEEN_OPERATORS : [nameParts(expr.name)]
}

function cast(node: TypeCast, place: Place): Value {
  checkType(node.typeName, place)
  return combined([node.arg], place)
}

function nullTest(node: NullTest, place: Place): Value {
  return presence(node.arg, place)
}

function caseExpression(node: CaseExpr, place: Place): Value {
  if (node.arg !== undefined) checkOperator(['='], place)
  const branches = (node.args ?? []).flatMap((branch) =>
    'CaseWhen' in branch ? [branch.CaseWhen.expr, branch.CaseWhen.result] : [branch],
  )
  return combined([node.arg, ...branches, node.defresult], place)
}

function rowExpression(node: RowExpr, place: Place): Value {
  const fields = (node.args ?? []).map((field, i) => ({ name: `f${i + 1}`, value: expression(field, place) }))
  return rowValue(derivedShape(fields))
}

function sortKey(node: Node | undefined, operator: readonly Node[] | undefined, place: Place): Value {
  if (operator !== undefined && operator.length > 0) checkOperator(nameParts(operator), place)
  return expression(node, place)
}
