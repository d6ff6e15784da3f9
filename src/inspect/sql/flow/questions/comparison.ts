import type { A_Expr, Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInOperator } from '../known/built-in.ts'
import { expression } from '../expressions/expression.ts'
import type { Place } from '../place.ts'
import { isReleasedComparison, type Operand } from './released-form.ts'
import { meetingsOf } from '../sites/constant-operand.ts'
import type { Meeting } from '../sites/site-list.ts'
import { isTypedByOthers, wantCompared } from '../sites/stand-in-value.ts'
import { worst } from '../values/value.ts'

/** An operand with its members, when it is written as a row, a list or an array. */
export interface Side extends Operand {
  readonly items?: readonly Side[]
}

interface Pair {
  readonly operator: string | null
  readonly left: Side
  readonly right: Side
  /** Whether any or all elements of the right side are meant. */
  readonly isList?: boolean
}

/**
 * released: tells no more than the released values do; by-stand-in: neither, as long as its constants are stand-ins, which are
 * sites of the statement now; beyond: anything else.
 */
export type Judgement = 'released' | 'by-stand-in' | 'beyond'

/** Evaluates one side of an operator. */
export function side(node: Node | undefined, place: Place): Side {
  const members = membersOf(node)
  if (members === null) return { node, value: expression(node, place) }
  const items = members.map((member) => side(member, place))
  return { node, value: worst(items.map(({ value }) => value)), items }
}

function membersOf(node: Node | undefined): readonly Node[] | null {
  if (node === undefined) return null
  if ('List' in node) return node.List.items ?? []
  if ('RowExpr' in node) return node.RowExpr.args ?? []
  return 'A_ArrayExpr' in node ? (node.A_ArrayExpr.elements ?? []) : null
}

/** What a comparison with PHI on a side, or on both, tells. */
export function judgeComparison(expr: A_Expr, left: Side, right: Side, place: Place): Judgement {
  const pairs = pairsOf(expr, left, right, place)
  // What NULLIF returns is its first operand: more is made of the constants than to compare them.
  return pairs === null ? 'beyond' : judgePairs(pairs, expr.kind !== 'AEXPR_NULLIF', place)
}

/** The same for `left = right`, which is not written as an operator. */
export function judgeEquality(left: Side, right: Side, place: Place): Judgement {
  const operator = builtInOperator(['='], place.state.context)
  const pairs = scalarsOf(operator, left, right)
  return pairs === null ? 'beyond' : judgePairs(pairs, true, place)
}

/** The same for comparisons of single values, with or without PHI. */
export function judgePairs(pairs: readonly Pair[], takesStandIns: boolean, { state }: Place): Judgement {
  const met: Meeting[] = []
  let isBeyond = false
  for (const pair of pairs) {
    const { operator, left, right, isList = false } = pair
    // A constant on one side of several pairs: `'tok_…' IN (ssn, 'guess')`.
    const isOne = pairs.length === 1
    if (!left.value.tainted && !right.value.tainted) {
      if (!isOne) state.sites?.spoils([left.node, right.node])
      continue
    }
    if (operator === null) return 'beyond'
    const isEquality = operator === '=' || operator === '<>'
    // Before anything else, because what may be asked must not depend on the constant.
    const found =
      takesStandIns && isEquality && state.sites !== null ? meetingsOf(left, right, isList, state.context) : null
    if (found !== null) met.push(...found)
    else if (!isReleasedComparison(operator, left, right, state.context)) {
      isBeyond = true
      if (takesStandIns && isEquality) wantCompared(left.value, right.value, isList, state)
    } else if (!isOne) state.sites?.spoils([left.node, right.node])
  }
  if (isBeyond) return 'beyond'
  if (met.length === 0) return 'released'
  return state.sites?.compares(met) === true ? 'by-stand-in' : 'beyond'
}

/** The comparisons of single values that an operator stands for; null when it is something else. */
function pairsOf(expr: A_Expr, left: Side, right: Side, { state }: Place): readonly Pair[] | null {
  const named = (name: string): string | null => builtInOperator([name], state.context)
  const own = builtInOperator(nameParts(expr.name), state.context)
  switch (expr.kind) {
    case 'AEXPR_OP':
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
    case 'AEXPR_NULLIF':
    case 'AEXPR_LIKE':
      return scalarsOf(own, left, right)
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      if (right.items !== undefined) {
        // The array has a type of its own.
        if (isTypedByOthers(right.items.map(({ node }) => node))) return null
        return all(right.items, (item) => scalarsOf(own, left, item))
      }
      return left.items === undefined ? [{ operator: own, left, right, isList: true }] : null
    case 'AEXPR_IN':
      return all(right.items ?? [], (item) => scalarsOf(own, left, item))
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = right.items ?? []
      if (low === undefined || high === undefined || left.items !== undefined) return null
      return [
        { operator: named('>='), left, right: low },
        { operator: named('<='), left, right: high },
      ]
    }
    case undefined:
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
    default:
      return null
  }
}

/** Rows are compared field by field, for equality only: their order is that of the first fields that differ. */
function scalarsOf(operator: string | null, left: Side, right: Side): readonly Pair[] | null {
  if (left.items === undefined && right.items === undefined) return [{ operator, left, right }]
  if (left.items?.length !== right.items?.length || (operator !== '=' && operator !== '<>')) return null
  return all(left.items ?? [], (item, i) => {
    const other = right.items?.[i]
    return other === undefined ? null : scalarsOf(operator, item, other)
  })
}

function all(
  items: readonly Side[],
  pairs: (item: Side, index: number) => readonly Pair[] | null,
): readonly Pair[] | null {
  const found: Pair[] = []
  for (const [i, item] of items.entries()) {
    const some = pairs(item, i)
    if (some === null) return null
    found.push(...some)
  }
  return found
}
