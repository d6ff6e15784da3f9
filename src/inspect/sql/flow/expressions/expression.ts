import type { A_Const, A_Expr, Node, NullTest, ParamRef, TypeCast, TypeName } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { isSafeOperator, printed, routineName } from '../known/check-routine.ts'
import { unknownType } from '../known/check-type.ts'
import { castValue } from './cast.ts'
import { caseExpression } from './case-expression.ts'
import { collated } from './collate.ts'
import { valueOf } from '../values/column.ts'
import { constantText } from './constants.ts'
import { columnReference } from '../from/column-reference.ts'
import { functionCall } from './function-call.ts'
import { indirection } from './indirection.ts'
import { jsonOrXml } from './json-xml.ts'
import { operatorExpression } from './operator-expression.ts'
import { apart, type Place } from '../place.ts'
import { ask, askCast, booleanExpression } from '../questions/questions.ts'
import { withCastPart } from '../questions/released-part.ts'
import { NULL_PRESERVING } from '../known/safe-functions.ts'
import { rowExpression } from './row-expression.ts'
import { arrayOf, mostExtreme } from './shape-functions.ts'
import { subLink } from './sub-link.ts'
import { CLEAN, noteSink, NULL_VALUE, type Sink, TAINTED, type Value } from '../values/types.ts'
import { detached, merged, worst } from '../values/value.ts'

/**
 * What flows into the value of an expression. Functions, operators and types that are not known to be safe become hazards
 * of the statement wherever they stand.
 */
export function expression(node: Node | undefined, place: Place): Value {
  if (node === undefined) return CLEAN
  if ('ColumnRef' in node) return columnReference(node.ColumnRef, place)
  if ('A_Const' in node) return literal(node.A_Const, place)
  if ('ParamRef' in node) return parameter(node.ParamRef, place)
  if ('SQLValueFunction' in node || 'SetToDefault' in node) return CLEAN
  if ('FuncCall' in node) return functionCall(node.FuncCall, place)
  if ('A_Expr' in node) return operatorExpression(node.A_Expr, place)
  if ('BoolExpr' in node) return booleanExpression(node.BoolExpr, place)
  if ('TypeCast' in node) return cast(node.TypeCast, place)
  if ('SubLink' in node) return subLink(node.SubLink, place)
  if ('CaseExpr' in node) return caseExpression(node.CaseExpr, place)
  if ('NullTest' in node) return nullTest(node.NullTest, place)
  if ('BooleanTest' in node) return combined([node.BooleanTest.arg], place)
  if ('CoalesceExpr' in node) return detached(merged(values(node.CoalesceExpr.args, place)))
  if ('MinMaxExpr' in node) return mostExtreme(values(node.MinMaxExpr.args, place), place.state.context.phi)
  if ('CollateClause' in node) return collated(expression(node.CollateClause.arg, place), node.CollateClause)
  if ('NamedArgExpr' in node) return expression(node.NamedArgExpr.arg, place)
  if ('A_ArrayExpr' in node) return arrayOf(merged(values(node.A_ArrayExpr.elements, place)))
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

function literal(constant: A_Const, { state }: Place): Value {
  state.sites?.visit(constant)
  return constant.isnull === true ? NULL_VALUE : CLEAN
}

function parameter(reference: ParamRef, { state }: Place): Value {
  state.sites?.visit(reference)
  return CLEAN
}

/** A value computed from all of the expressions. */
export function combined(nodes: readonly (Node | undefined)[] | undefined, place: Place): Value {
  return worst(values(nodes, place))
}

function values(nodes: readonly (Node | undefined)[] | undefined, place: Place): readonly Value[] {
  return (nodes ?? []).map((node) => expression(node, place))
}

/** Looks at expressions whose values do not flow on. */
export function dropped(nodes: readonly (Node | undefined)[] | undefined, place: Place): Value {
  const inner = apart(place)
  combined(nodes, inner)
  noteSink(place.sink, inner.sink)
  return CLEAN
}

/**
 * Whether an expression is NULL exactly when a stored value is: then it tells nothing of PHI whether it is there (IS NULL,
 * count). Expressions that turn a comparison into NULL would answer questions about PHI one by one.
 */
export function isPlain(node: Node | undefined): boolean {
  if (node === undefined || 'ColumnRef' in node || 'A_Const' in node) return true
  if ('TypeCast' in node) return isPlain(node.TypeCast.arg)
  if ('RowExpr' in node) return (node.RowExpr.args ?? []).every(isPlain)
  // Whether a stored text is empty says no more than whether it is NULL.
  if ('A_Expr' in node) return isNullForEmpty(node.A_Expr)
  if ('CoalesceExpr' in node) return (node.CoalesceExpr.args ?? []).every(isPlain)
  if (!('FuncCall' in node)) return false
  const { args, over, agg_filter: filter } = node.FuncCall
  const { schema, name } = routineName(nameParts(node.FuncCall.funcname))
  if (schema !== null && schema !== 'pg_catalog') return false
  return NULL_PRESERVING.has(name) && over === undefined && filter === undefined && (args ?? []).every(isPlain)
}

/** `nullif(column, '')` */
function isNullForEmpty({ kind, lexpr, rexpr }: A_Expr): boolean {
  return kind === 'AEXPR_NULLIF' && lexpr !== undefined && 'ColumnRef' in lexpr && constantText(rexpr) === ''
}

/**
 * Whether all PHI among the columns is as it is stored. What is computed in a subquery, a view or a function may be NULL for
 * reasons that tell something of it.
 */
export function isStored(sink: Sink): boolean {
  return [...sink.columns.keys()].every((column) => {
    const { tainted, exact } = valueOf(column)
    return !tainted || exact !== null
  })
}

export function notAnalysed(subject: string, place: Place): Value {
  place.state.hazard('construct-not-analysed', subject)
  return TAINTED
}

export function checkOperator(parts: readonly string[], place: Place): void {
  const name = routineName(parts)
  place.state.lookups.operator(name.name)
  if (!isSafeOperator(name, place.state.context)) place.state.hazard('operator-not-known-safe', printed(name))
}

export function checkType(type: TypeName | undefined, place: Place): void {
  const unknown = unknownType(type, place.state.context)
  if (unknown !== null) place.state.hazard('construct-not-analysed', `type ${unknown}`)
}

function cast(node: TypeCast, place: Place): Value {
  checkType(node.typeName, place)
  const value = expression(node.arg, place)
  askCast(node, value, place)
  return withCastPart(castValue(value, node.typeName, place.state.context), value, node, place.state.context)
}

/** IS NULL tells no more than a masked value does, which is NULL for NULL. */
function nullTest(node: NullTest, place: Place): Value {
  const inner = apart(place)
  const value = expression(node.arg, inner)
  noteSink(place.sink, inner.sink)
  place.state.sites?.tests(node.arg)
  if (isPlain(node.arg) && isStored(inner.sink)) {
    ask('condition', value, true, place)
    return CLEAN
  }
  for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
  return worst([value])
}

function sortKey(node: Node | undefined, operator: readonly Node[] | undefined, place: Place): Value {
  if (operator !== undefined && operator.length > 0) checkOperator(nameParts(operator), place)
  return expression(node, place)
}
