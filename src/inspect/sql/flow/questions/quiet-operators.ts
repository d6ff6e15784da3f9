import type { A_Expr } from '@pgsql/types'
import type { PhiView } from '../../catalog.ts'
import type { PhiQuestion } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInOperator } from '../known/built-in.ts'
import type { Side } from './comparison.ts'
import { constantText, integerLiteral, stringLiteral } from '../expressions/constants.ts'
import type { AnalysisContext } from '../context.ts'
import { isConstant } from '../expressions/is-constant.ts'
import { arrayOfWords, showsTexts } from '../expressions/json-path.ts'
import { dateOf, partOfDifference } from './released-part.ts'
import { showsElements, showsMember } from './shown-members.ts'
import type { Value } from '../values/types.ts'

/**
 * Operators of pg_catalog that tell nothing of PHI but by their result, which is masked. The criterion is that of
 * `quiet-functions.ts`: comparisons, containment, concatenation.
 */
const QUIET: ReadonlySet<string> = new Set([
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  '||',
  '@>',
  '<@',
  '&&',
  '?',
  '?|',
  '?&',
  '^@',
])
/** Members of JSON, chosen by something free of PHI. */
const NAVIGATION: ReadonlySet<string> = new Set(['->', '->>', '#>', '#>>'])
/** LIKE and ILIKE, negated or not, as operators. */
const PATTERNS: ReadonlySet<string> = new Set(['~~', '!~~', '~~*', '!~~*'])

/** By what else than its result an operator over PHI can answer; null for nothing. */
export function disturbance(
  expr: A_Expr,
  left: Side,
  right: Side,
  context: AnalysisContext,
): PhiQuestion['use'] | null {
  const operator = builtInOperator(nameParts(expr.name), context)
  switch (expr.kind) {
    case 'AEXPR_OP':
      // Rows are compared until a field decides, so that whether a later one fails tells of those before.
      if (left.items !== undefined || right.items !== undefined) return operator === '||' ? null : 'condition'
      return operator !== null && isQuiet(operator, left, right, context) ? null : 'computation'
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      if (left.items !== undefined) return 'condition'
      return operator !== null && (isPattern(operator, right) || QUIET.has(operator)) ? null : 'computation'
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
      return operator !== null && isPattern(operator, right) ? null : 'computation'
    case 'AEXPR_IN':
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      // The members are looked at one after the other, like the operands of AND and OR.
      return left.items === undefined && isConstant(right.node) ? null : 'condition'
    case 'AEXPR_NULLIF':
      return 'condition'
    case undefined:
    case 'AEXPR_SIMILAR':
    default:
      return 'computation'
  }
}

function isQuiet(operator: string, left: Side, right: Side, context: AnalysisContext): boolean {
  if (QUIET.has(operator)) return left.node !== undefined
  if (NAVIGATION.has(operator)) return !right.value.tainted && isShown(operator, left.value, right, context.phi)
  if (PATTERNS.has(operator)) return isPattern(operator, right)
  if (operator !== '-') return false
  return partOfDifference(left, right) !== null || (isDate(left, context) && isDate(right, context))
}

/** Whether it can be seen in the masked value if there is anything at the place that is asked for. */
function isShown(operator: string, value: Value, { node }: Side, phi: PhiView): boolean {
  if (operator.startsWith('#')) {
    const names = arrayOfWords(stringLiteral(node) ?? '')
    return names !== null ? showsElements(value) && showsTexts(value, names, phi) : showsMember(value, null, phi)
  }
  return integerLiteral(node) !== null ? showsElements(value) : showsMember(value, constantText(node), phi)
}

/** A pattern whose end could be a backslash fails, or not, by how far the text matches. */
function isPattern(operator: string, { node }: Side): boolean {
  const pattern = constantText(node)
  return PATTERNS.has(operator) && pattern !== null && !pattern.includes('\\')
}

/** A stored date or today: their distance fits its type, whereas a constant could be chosen so that it does not. */
function isDate({ node, value }: Side, context: AnalysisContext): boolean {
  if (value.tainted) return dateOf(value, context.phi) !== null
  return node !== undefined && 'SQLValueFunction' in node
}
