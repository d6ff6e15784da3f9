import type { A_Expr, Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInOperator } from '../known/built-in.ts'
import { expression } from '../expressions/expression.ts'
import type { Place } from '../place.ts'
import { isReleasedComparison, type Operand } from './released-form.ts'
import { worst } from '../values/value.ts'

/** An operand with its members, when it is written as a row, a list or an array. */
export interface Side extends Operand {
  readonly items?: readonly Side[]
}

interface Pair {
  readonly operator: string | null
  readonly left: Side
  readonly right: Side
}

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

/** Whether a comparison with PHI on a side, or on both, tells no more than the released values do. */
export function isReleased(expr: A_Expr, left: Side, right: Side, place: Place): boolean {
  const pairs = pairsOf(expr, left, right, place)
  return pairs !== null && pairs.every((pair) => isReleasedPair(pair, place))
}

/** The same for `left = right`, which is not written as an operator. */
export function isReleasedEquality(left: Side, right: Side, place: Place): boolean {
  const operator = builtInOperator(['='], place.state.context)
  const pairs = scalarsOf(operator, left, right)
  return pairs !== null && pairs.every((pair) => isReleasedPair(pair, place))
}

/** Whether a comparison of single values, with or without PHI, is in released form. */
export function isReleasedPair({ operator, left, right }: Pair, { state }: Place): boolean {
  if (!left.value.tainted && !right.value.tainted) return true
  return operator !== null && isReleasedComparison(operator, left, right, state.context)
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
      return right.items === undefined
        ? scalarsOf(own, left, right)
        : all(right.items, (item) => scalarsOf(own, left, item))
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
