import type { A_Expr } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInOperator } from '../known/built-in.ts'
import { judgeComparison, side } from '../questions/comparison.ts'
import { checkOperator } from './expression.ts'
import { operatorValue } from './operator-value.ts'
import { apart, type Place } from '../place.ts'
import { askJoined } from '../questions/questions.ts'
import { disturbance } from '../questions/quiet-operators.ts'
import { asksShownParts } from '../questions/shown-parts.ts'
import { CLEAN, noteSink, type Value } from '../values/types.ts'
import { detached, worst } from '../values/value.ts'

/**
 * An operator and its operands. What compares PHI in released form (see `released-form.ts`) tells nothing that the released values
 * do not tell, so its value is clean, and it ties nothing. Anything else over PHI carries it, and is a question when it could
 * be answered by something else than its value.
 */
export function operatorExpression(expr: A_Expr, place: Place): Value {
  for (const name of operatorsOf(expr)) checkOperator(name, place)
  const inner = apart(place)
  const left = side(expr.lexpr, inner)
  const right = side(expr.rexpr, inner)
  const about = worst([left.value, right.value])
  noteSink(place.sink, inner.sink)
  const judgement = about.tainted ? judgeComparison(expr, left, right, place) : 'beyond'
  if (judgement !== 'beyond') {
    place.state.compared(about, judgement)
    if (expr.kind !== 'AEXPR_NULLIF') return CLEAN
    // Its first operand, or NULL.
    for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
    return detached(left.value)
  }
  const name = expr.kind === 'AEXPR_OP' ? builtInOperator(nameParts(expr.name), place.state.context) : null
  if (about.tainted && name !== null && asksShownParts(name, left, right, place.state.context)) return CLEAN
  for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
  const use = about.tainted ? disturbance(expr, left, right, place.state.context) : null
  if (use !== null) place.state.question(use, about, false)
  if (nameParts(expr.name).at(-1) === '||') askJoined(about, place)
  return operatorValue(expr, left, right, place.state.context)
}

/** BETWEEN has a name of its own in the tree and uses these operators (gram.y, parse_expr.c). */
const BETWEEN_OPERATORS = [['>='], ['<='], ['<'], ['>']]

function operatorsOf(expr: A_Expr): readonly (readonly string[])[] {
  return expr.kind?.includes('BETWEEN') === true ? BETWEEN_OPERATORS : [nameParts(expr.name)]
}
