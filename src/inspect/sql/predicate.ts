import type { A_Expr, Node, SelectStmt, SubLink } from '@pgsql/types'
import type { FromItem, Level } from './from-items.ts'
import { builtinName, columnOperand, type IsSelective, isValue } from './operands.ts'
import { bodyOf, nameParts, unwrap } from './syntax-tree.ts'

/** What a set of ANDed predicates says about the items of a level and of the levels around it. */
export interface Restriction {
  /** Items of which a real predicate selects some rows. */
  readonly items: ReadonlySet<FromItem>
  /** Pairs of items that an equality ties together row by row. */
  readonly ties: readonly (readonly [FromItem, FromItem])[]
}

export interface Judge {
  readonly isSelective: IsSelective
  /** Items of the surrounding levels that an EXISTS restricts. */
  restrictedByExists(select: SelectStmt, level: Level): ReadonlySet<FromItem>
}

const NONE: ReadonlySet<FromItem> = new Set()
const EQUALITY = '='
const INVERSE: ReadonlyMap<string, string> = new Map([
  ['=', '<>'],
  ['<>', '='],
  ['!=', '='],
  ['<', '>='],
  ['>=', '<'],
  ['>', '<='],
  ['<=', '>'],
])
/** Containment and match operators whose right side says something only if it has content. */
const CONTENT_OPERATORS: ReadonlySet<string> = new Set(['@>', '&&', '?', '@@'])

/** Combines predicates that all have to hold. */
export function restrictionOf(quals: readonly Node[], level: Level, judge: Judge): Restriction {
  const items = new Set<FromItem>(level.items.filter((item) => item.restricted))
  const ties: (readonly [FromItem, FromItem])[] = []
  for (const qual of quals) {
    for (const item of restricted(qual, false, level, judge)) items.add(item)
    collectTies(qual, level, ties)
  }
  for (let grown = true; grown; ) {
    grown = false
    for (const [a, b] of ties) {
      if (items.has(a) === items.has(b)) continue
      items.add(a).add(b)
      grown = true
    }
  }
  return { items, ties }
}

function collectTies(node: Node, level: Level, ties: (readonly [FromItem, FromItem])[]): void {
  const bool = bodyOf(node, 'BoolExpr')
  if (bool?.boolop === 'AND_EXPR') {
    for (const arg of bool.args ?? []) collectTies(arg, level, ties)
    return
  }
  const expression = bodyOf(node, 'A_Expr')
  if (expression === undefined || (expression.kind !== 'AEXPR_OP' && expression.kind !== 'AEXPR_NOT_DISTINCT')) return
  if (builtinName(nameParts(expression.name)) !== EQUALITY) return
  const left = columnOperand(expression.lexpr, level)
  const right = columnOperand(expression.rexpr, level)
  if (left !== null && right !== null && left.item !== right.item) ties.push([left.item, right.item])
}

/** The items of which the predicate (or, when `negated`, its opposite) really selects some rows. Never guesses. */
function restricted(node: Node, negated: boolean, level: Level, judge: Judge): ReadonlySet<FromItem> {
  const { name } = unwrap(node)
  switch (name) {
    case 'BoolExpr': {
      const bool = bodyOf(node, 'BoolExpr')
      const args = bool?.args ?? []
      if (bool?.boolop === 'NOT_EXPR') return args[0] === undefined ? NONE : restricted(args[0], !negated, level, judge)
      const sets = args.map((arg) => restricted(arg, negated, level, judge))
      const all = (bool?.boolop === 'AND_EXPR') !== negated
      if (all) return union(sets)
      return complementEachOther(args, negated, level) ? NONE : intersection(sets)
    }
    case 'A_Expr':
      return comparison(bodyOf(node, 'A_Expr') ?? {}, negated, level, judge)
    case 'NullTest': {
      const test = bodyOf(node, 'NullTest')
      const isNull = (test?.nulltesttype === 'IS_NULL') !== negated
      return isNull ? itemOf(test?.arg, level) : NONE
    }
    case 'BooleanTest':
      return booleanTest(node, negated, level, judge)
    case 'ColumnRef':
      return itemOf(node, level)
    case 'TypeCast': {
      const cast = bodyOf(node, 'TypeCast')
      const isBool = nameParts(cast?.typeName?.names).at(-1) === 'bool'
      return isBool && cast?.arg !== undefined ? restricted(cast.arg, negated, level, judge) : NONE
    }
    case 'SubLink':
      return negated ? NONE : subLink(bodyOf(node, 'SubLink') ?? {}, level, judge)
    default:
      return NONE
  }
}

function union(sets: readonly ReadonlySet<FromItem>[]): ReadonlySet<FromItem> {
  return new Set(sets.flatMap((set) => [...set]))
}

function intersection(sets: readonly ReadonlySet<FromItem>[]): ReadonlySet<FromItem> {
  const [first, ...others] = sets
  return new Set([...(first ?? [])].filter((item) => others.every((set) => set.has(item))))
}

function itemOf(node: Node | undefined, level: Level): ReadonlySet<FromItem> {
  const operand = columnOperand(node, level)
  return operand === null ? NONE : new Set([operand.item])
}

function booleanTest(node: Node, negated: boolean, level: Level, judge: Judge): ReadonlySet<FromItem> {
  const test = bodyOf(node, 'BooleanTest')
  if (test?.arg === undefined) return NONE
  const flag = itemOf(test.arg, level)
  switch (test.booltesttype) {
    case 'IS_TRUE':
      return flag.size > 0 ? flag : negated ? NONE : restricted(test.arg, false, level, judge)
    case 'IS_FALSE':
      return flag.size > 0 ? flag : negated ? NONE : restricted(test.arg, true, level, judge)
    case 'IS_NOT_TRUE':
    case 'IS_NOT_FALSE':
      return flag
    case 'IS_UNKNOWN':
      return negated ? NONE : flag
    case 'IS_NOT_UNKNOWN':
      return negated ? flag : NONE
    case undefined:
    default:
      return NONE
  }
}

function comparison(expression: A_Expr, negated: boolean, level: Level, judge: Judge): ReadonlySet<FromItem> {
  const operator = builtinName(nameParts(expression.name))
  const { lexpr, rexpr } = expression
  if (operator === undefined) return NONE
  // Every other kind of expression restricts nothing that could be told.
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (expression.kind) {
    case 'AEXPR_OP': {
      const effective = negated ? INVERSE.get(operator) : operator
      if (effective === EQUALITY) return about(lexpr, rexpr, level, judge.isSelective)
      if (effective !== undefined && ['<', '<=', '>', '>='].includes(effective)) return about(lexpr, rexpr, level)
      return !negated && matchesContent(operator, rexpr) ? itemOf(lexpr, level) : NONE
    }
    case 'AEXPR_NOT_DISTINCT':
      return negated ? NONE : about(lexpr, rexpr, level, judge.isSelective)
    case 'AEXPR_DISTINCT':
      return negated ? about(lexpr, rexpr, level, judge.isSelective) : NONE
    case 'AEXPR_IN': {
      const isIn = (operator === EQUALITY) !== negated
      const values = bodyOf(rexpr, 'List')?.items ?? []
      const flags = values.filter((value) => bodyOf(value, 'A_Const')?.boolval !== undefined)
      return isIn && flags.length < 2 ? oneSided(lexpr, rexpr, level, judge.isSelective) : NONE
    }
    case 'AEXPR_OP_ANY':
      return operator === EQUALITY && !negated && isListOfValues(rexpr, level)
        ? oneSided(lexpr, rexpr, level, judge.isSelective)
        : NONE
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM': {
      if (negated) return NONE
      const [low, high] = bodyOf(rexpr, 'List')?.items ?? []
      return union([oneSided(lexpr, rexpr, level), oneSided(low, lexpr, level), oneSided(high, lexpr, level)])
    }
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE': {
      const isLike = operator === '~~' || operator === '~~*'
      const pattern = textOf(rexpr)
      return isLike && !negated && pattern !== null && /[^%_\\]/.test(pattern) ? itemOf(lexpr, level) : NONE
    }
    default:
      return NONE
  }
}

/** A column compared with a value, either way round. */
function about(
  left: Node | undefined,
  right: Node | undefined,
  level: Level,
  isSelective?: IsSelective,
): ReadonlySet<FromItem> {
  const items = oneSided(left, right, level, isSelective)
  return items.size > 0 ? items : oneSided(right, left, level, isSelective)
}

function oneSided(
  column: Node | undefined,
  value: Node | undefined,
  level: Level,
  isSelective?: IsSelective,
): ReadonlySet<FromItem> {
  return isValue(value, level, isSelective) ? itemOf(column, level) : NONE
}

/** The array of `= ANY (…)`: written out, a parameter or literal, or split from one; not what an unknown function returns. */
function isListOfValues(node: Node | undefined, level: Level): boolean {
  const call = bodyOf(node, 'FuncCall')
  if (call === undefined) return node !== undefined
  return (
    ['string_to_array', 'regexp_split_to_array'].includes(nameParts(call.funcname).at(-1) ?? '') && isValue(node, level)
  )
}

function textOf(node: Node | undefined): string | null {
  const cast = bodyOf(node, 'TypeCast')
  if (cast !== undefined) return textOf(cast.arg)
  const constant = bodyOf(node, 'A_Const')
  return constant?.sval === undefined ? null : (constant.sval.sval ?? '')
}

function matchesContent(operator: string, right: Node | undefined): boolean {
  const text = textOf(right)
  if (text === null) return false
  if (operator === '~' || operator === '~*') return /^[\w ^$-]*\w[\w ^$-]*$/.test(text)
  return CONTENT_OPERATORS.has(operator) && /[\p{L}\p{N}]/u.test(text)
}

function subLink(link: SubLink, level: Level, judge: Judge): ReadonlySet<FromItem> {
  const select = bodyOf(link.subselect, 'SelectStmt')
  if (select === undefined) return NONE
  if (link.subLinkType === 'EXISTS_SUBLINK') return judge.restrictedByExists(select, level)
  // operName is absent for IN.
  const isIn = link.operName === undefined || builtinName(nameParts(link.operName)) === EQUALITY
  if (link.subLinkType !== 'ANY_SUBLINK' || !isIn) return NONE
  return judge.isSelective(select, level) ? itemOf(link.testexpr, level) : NONE
}

/** Whether two branches of an OR leave nothing out: `x < 5 OR x >= 5`, `active OR NOT active`. */
function complementEachOther(args: readonly Node[], negated: boolean, level: Level): boolean {
  const sides = new Map<string, string>()
  for (const arg of args) {
    const side = sideOf(arg, negated, level)
    if (side === null) continue
    const seen = sides.get(side.column)
    if (seen !== undefined && seen !== side.side) return true
    sides.set(side.column, side.side)
  }
  return false
}

function sideOf(node: Node, negated: boolean, level: Level): { column: string; side: string } | null {
  const bool = bodyOf(node, 'BoolExpr')
  if (bool?.boolop === 'NOT_EXPR' && bool.args?.[0] !== undefined) return sideOf(bool.args[0], !negated, level)
  const flag = columnOperand(node, level)
  if (flag !== null) return { column: flag.column, side: negated ? 'false' : 'true' }
  const test = bodyOf(node, 'BooleanTest')
  if (test !== undefined) {
    const column = columnOperand(test.arg, level)?.column
    const isTrue = test.booltesttype === 'IS_TRUE' || test.booltesttype === 'IS_NOT_FALSE'
    return column === undefined ? null : { column, side: isTrue !== negated ? 'true' : 'false' }
  }
  const expression = bodyOf(node, 'A_Expr')
  if (expression === undefined) return null
  const left = columnOperand(expression.lexpr, level)
  const column = left ?? columnOperand(expression.rexpr, level)
  const operator = builtinName(nameParts(expression.name)) ?? ''
  if (column === null) return null
  const truth = bodyOf(left === null ? expression.lexpr : expression.rexpr, 'A_Const')?.boolval
  if (operator === '=' && truth !== undefined) {
    return { column: column.column, side: (truth.boolval === true) !== negated ? 'true' : 'false' }
  }
  if (!/^[<>]=?$/.test(operator)) return null
  const upwards = operator.startsWith('>') === (left !== null)
  return { column: column.column, side: upwards !== negated ? 'above' : 'below' }
}
