import type { CaseExpr, Node } from '@pgsql/types'
import { judgeEquality, type Side, side } from '../questions/comparison.ts'
import { checkOperator, expression } from './expression.ts'
import { apart, type Place } from '../place.ts'
import { ask } from '../questions/questions.ts'
import { CLEAN, noteSink, NULL_VALUE, type Value } from '../values/types.ts'
import { detached, merged, worst } from '../values/value.ts'

/**
 * CASE: one of the results. A condition over PHI decides which one is computed, so it is a question even where only the
 * value is wanted; one in released form is as if it were free of PHI.
 */
export function caseExpression(node: CaseExpr, place: Place): Value {
  const around = apart(place)
  const subject = node.arg === undefined ? null : side(node.arg, around)
  if (subject !== null) checkOperator(['='], place)
  // It is compared as often as there are branches.
  if ((node.args ?? []).length > 1) place.state.sites?.spoils([node.arg])
  noteSink(place.sink, around.sink)
  const conditions: Value[] = []
  const results: Value[] = []
  for (const branch of node.args ?? []) {
    if (!('CaseWhen' in branch)) continue
    const { expr, result } = branch.CaseWhen
    const inner = apart(place)
    const condition = subject === null ? conditionOf(expr, inner) : equality(subject, expr, inner)
    noteSink(place.sink, inner.sink)
    conditions.push(condition)
    if (subject === null || condition.tainted || !subject.value.tainted) {
      for (const [column, depth] of [...around.sink.columns, ...inner.sink.columns]) {
        place.sink.columns.set(column, depth)
      }
    }
    results.push(expression(result, place))
  }
  results.push(node.defresult === undefined ? NULL_VALUE : expression(node.defresult, place))
  const chosen = detached(merged(results))
  return conditions.some(({ tainted }) => tainted) ? worst([chosen, ...conditions]) : chosen
}

function conditionOf(node: Node | undefined, place: Place): Value {
  const value = expression(node, place)
  ask('condition', value, false, place)
  return value
}

function equality(left: Side, node: Node | undefined, place: Place): Value {
  const right = side(node, place)
  const about = worst([left.value, right.value])
  const judgement = judgeEquality(left, right, place)
  if (about.tainted) place.state.compared(about, judgement)
  return judgement === 'beyond' ? about : CLEAN
}
