import type { A_Expr, Node, TypeName } from '@pgsql/types'
import type { StoredColumn } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInOperator } from '../known/built-in.ts'
import type { AnalysisContext } from '../context.ts'
import { elementType } from '../values/value-types.ts'
import type { Value } from '../values/types.ts'
import { comparableClass, elementTypeName, isKeptByCast } from './protected-column.ts'
import type { Meeting } from './site-list.ts'

interface Operand {
  readonly node: Node | undefined
  readonly value: Value
}

/**
 * The constants that a comparison for equality compares a protected column with; null when there is anything else on
 * that side, or something else is asked about. `isList`: the right side is an array, of which any or all elements are meant.
 */
export function meetingsOf(
  left: Operand,
  right: Operand,
  isList: boolean,
  context: AnalysisContext,
): readonly Meeting[] | null {
  if (left.value.tainted === right.value.tainted) return null
  const [asked, other] = left.value.tainted ? [left.value, right.node] : [right.value, left.node]
  const { exact } = asked
  if (exact === null || other === undefined) return null
  if (!isList) return constantMeeting(exact, other, context)
  if (left.value.tainted) return listMeetings(exact, other, context)
  const element = elementType(exact.typeOid)
  return element === null ? null : constantMeeting({ ...exact, typeOid: element }, other, context)
}

function constantMeeting(column: StoredColumn, node: Node, context: AnalysisContext): readonly Meeting[] | null {
  const phiClass = comparableClass(column, context)
  const constant = constantIn(node, (type) => isKeptByCast(column, type, context), context)
  return phiClass === null || constant === null ? null : [{ constant, column, class: phiClass, elements: false }]
}

/** `= ANY ('{a,b}')`, `= ANY ($1::text[])`, `= ANY (ARRAY['a', 'b']::text[])` */
function listMeetings(column: StoredColumn, node: Node, context: AnalysisContext): readonly Meeting[] | null {
  const phiClass = comparableClass(column, context)
  if (phiClass === null) return null
  const isKept = (type: TypeName | undefined): boolean => isKeptByCast(column, elementTypeName(type), context)
  const constant = constantIn(node, isKept, context)
  if (constant !== null) return isNumber(constant.node) ? null : [{ constant, column, class: phiClass, elements: true }]
  if (!('TypeCast' in node) || !isKept(node.TypeCast.typeName)) return null
  const { arg } = node.TypeCast
  if (arg === undefined || !('A_ArrayExpr' in arg)) return null
  const meetings = (arg.A_ArrayExpr.elements ?? []).map((element) => constantMeeting(column, element, context))
  return meetings.every((found) => found !== null) ? meetings.flat() : null
}

/** A literal or a parameter, and whether a minus before its cast is meant with it: `-5::int8`. */
export interface Constant {
  readonly node: Node
  readonly isNegated: boolean
}

/** A constant, perhaps cast to types that `isKept` accepts: drivers cast once more what an ORM has cast. */
export function constantIn(
  node: Node,
  isKept: (type: TypeName | undefined) => boolean,
  context: AnalysisContext,
): Constant | null {
  if ('ParamRef' in node) return { node, isNegated: false }
  if ('A_Const' in node) {
    const { fval, ival, sval } = node.A_Const
    return fval === undefined && ival === undefined && sval === undefined ? null : { node, isNegated: false }
  }
  if ('A_Expr' in node) {
    const number = isMinus(node.A_Expr, context) ? constantIn(node.A_Expr.rexpr ?? node, isKept, context) : null
    return number !== null && !number.isNegated && isNumber(number.node) ? { ...number, isNegated: true } : null
  }
  if (!('TypeCast' in node) || !isKept(node.TypeCast.typeName)) return null
  const { arg } = node.TypeCast
  return arg === undefined ? null : constantIn(arg, isKept, context)
}

function isMinus({ kind, lexpr, name, rexpr }: A_Expr, context: AnalysisContext): boolean {
  if (kind !== 'AEXPR_OP' || lexpr !== undefined || rexpr === undefined || 'A_Expr' in rexpr) return false
  return builtInOperator(nameParts(name), context) === '-'
}

function isNumber(node: Node): boolean {
  return 'A_Const' in node && node.A_Const.sval === undefined
}
