import type { Node } from '@pgsql/types'
import { UNLABELLED } from '../../facts.ts'
import { valueOf } from '../values/column.ts'
import { constantText, stringLiteral } from '../expressions/constants.ts'
import type { AnalysisContext } from '../context.ts'
import { dateOf, isInteger, partOf, releasedOf } from './released-part.ts'
import { isSameColumn } from '../values/shape.ts'
import type { Value } from '../values/types.ts'
import { integerConstant, yearEdge, yearNumber, yearText } from './year-constant.ts'

/** One side of a comparison. */
export interface Operand {
  /** Undefined for a column of a sub-select. */
  readonly node: Node | undefined
  readonly value: Value
}

/** Comparison operators by name, with the one that means the same when the sides are exchanged. */
const EXCHANGED: ReadonlyMap<string, string> = new Map([
  ['=', '='],
  ['<>', '<>'],
  ['<', '>'],
  ['<=', '>='],
  ['>', '<'],
  ['>=', '<='],
])

/**
 * Whether a comparison over PHI tells no more than the released (masked) values do. With a constant it must fall between
 * values that have different replacements; two stored columns of one class may be compared for equality, which links rows
 * and tells no value. `operator` is one of pg_catalog. At least one side is PHI.
 */
export function isReleasedComparison(
  operator: string,
  left: Operand,
  right: Operand,
  context: AnalysisContext,
): boolean {
  if (left.value.tainted && right.value.tainted) {
    return (operator === '=' || operator === '<>') && areLinked(left.value, right.value)
  }
  if (left.value.tainted) return isReleasedAgainst(operator, left, right.node, context)
  const exchanged = EXCHANGED.get(operator)
  return exchanged !== undefined && isReleasedAgainst(exchanged, right, left.node, context)
}

/**
 * Whether two values are copies of stored columns of one class, or the same year or prefix of such.
 */
export function areLinked(a: Value, b: Value): boolean {
  if (a.exact !== null && b.exact !== null) {
    return isSameColumn(a.exact, b.exact) || areOfOneClass(a, b)
  }
  const one = partOf(a)
  const other = partOf(b)
  if (one === null || other === null || one.kind !== other.kind) return false
  if (one.kind === 'date' || one.kind === 'years') return false
  if (one.kind === 'year' && other.kind === 'year' && one.as !== other.as) return false
  return isSameColumn(one.column, other.column) || areOfOneClass(a, b)
}

/**
 * Values of different columns without a label are taken for one class, too: ids by which rows are joined. But not those of
 * temporary tables, into which a session can put its guesses.
 */
function areOfOneClass(a: Value, b: Value): boolean {
  const [only] = a.classes
  if (a.classes.size !== 1 || b.classes.size !== 1 || only === undefined || !b.classes.has(only)) return false
  return only !== UNLABELLED || ![...a.columns, ...b.columns].some((name) => name.startsWith('pg_temp'))
}

/** Whether grouping by a value, or by a row of values, tells no more than which of the stored values are equal. */
export function isReleasedGroup(value: Value): boolean {
  const { exact, row } = value
  if (row !== undefined && row.open === null) {
    const fields = row.columns.map(valueOf)
    return fields.every((field) => !field.tainted || isReleasedGroup(field))
  }
  const part = partOf(value)
  return exact !== null || part?.kind === 'year' || part?.kind === 'years' || part?.kind === 'prefix'
}

/**
 * Whether the order of a value tells no more than its replacement. Prefixes are no such values: one that must not be released
 * would be told by its neighbours.
 */
export function isReleasedOrder(value: Value, { phi }: AnalysisContext): boolean {
  const part = partOf(value)?.kind
  if (part === 'year' || part === 'years') return true
  return value.exact !== null && isInteger(value.exact) && releasedOf(value.exact, 'age', phi) !== null
}

function isReleasedAgainst(
  operator: string,
  operand: Operand,
  node: Node | undefined,
  context: AnalysisContext,
): boolean {
  const { phi } = context
  const { value } = operand
  const { exact } = value
  if ((operator === '=' || operator === '<>') && constantText(node) === '' && isCopy(operand)) return true
  const date = dateOf(value, phi)
  if (date !== null) {
    const since = releasedOf(date.column, 'year', phi)?.since
    return since !== undefined && isYearRange(operator, date.type, node, since, context)
  }
  const part = partOf(value)
  if (part?.kind === 'year') {
    const since = releasedOf(part.column, 'year', phi)?.since
    const year = yearAgainst(part.as, node, context)
    return since !== undefined && year !== null && isBetween(operator, year, since, 9999)
  }
  if (part?.kind === 'years') {
    const since = releasedOf(part.column, 'year', phi)?.since
    const years = integerConstant(node, context)
    const exchanged = EXCHANGED.get(operator)
    if (since === undefined || years === null || exchanged === undefined) return false
    return isBetween(exchanged, part.until - years, since, 9999)
  }
  if (part?.kind === 'prefix') {
    const among = releasedOf(part.column, 'prefix', phi)?.among
    return (operator === '=' || operator === '<>') && among?.has(stringLiteral(node) ?? '') === true
  }
  if (exact === null) return false
  if (isInteger(exact)) {
    const age = releasedOf(exact, 'age', phi)
    const years = integerConstant(node, context)
    return age !== null && years !== null && isBetween(operator, years, 0, age.below - 1)
  }
  return isPrefixPattern(operator, value, node, context)
}

/**
 * Whether a value is that of a stored column, or of another that is free of PHI where that is NULL: whether it is empty says
 * no more than whether it is NULL.
 */
function isCopy({ node, value }: Operand): boolean {
  if (value.exact !== null) return true
  return node !== undefined && 'CoalesceExpr' in node && value.shape.kind === 'column'
}

/**
 * Whether an integer comparison falls between integers that are told apart: those from `lowest` to `highest` each, those
 * outside on either side not.
 */
function isBetween(operator: string, bound: number, lowest: number, highest: number): boolean {
  switch (operator) {
    case '=':
    case '<>':
      return bound >= lowest && bound <= highest
    case '<':
    case '>=':
      return bound >= lowest && bound <= highest + 1
    case '<=':
    case '>':
      return bound >= lowest - 1 && bound <= highest
    default:
      return false
  }
}

/** Whether a date is compared with the edge of a year, from the side on which the whole year is. */
function isYearRange(
  operator: string,
  type: string,
  node: Node | undefined,
  since: number,
  context: AnalysisContext,
): boolean {
  const edge = yearEdge(node, context)
  if (edge === null) return false
  if (edge.edge === 'first') return (operator === '>=' || operator === '<') && edge.year >= since
  // A day has no hours, so that the year ends with it.
  return type === 'date' && (operator === '<=' || operator === '>') && edge.year + 1 >= since
}

function yearAgainst(as: 'number' | 'date' | 'text', node: Node | undefined, context: AnalysisContext): number | null {
  if (as === 'number') return yearNumber(node, context)
  if (as === 'text') return yearText(node)
  const edge = yearEdge(node, context)
  return edge !== null && edge.edge === 'first' ? edge.year : null
}

const PATTERNS: ReadonlySet<string> = new Set(['~~', '!~~'])

/** `zip LIKE '021%'`, `zip ^@ '021'` */
function isPrefixPattern(
  operator: string,
  { exact }: Value,
  node: Node | undefined,
  { phi }: AnalysisContext,
): boolean {
  const text = stringLiteral(node)
  const released = exact === null ? null : releasedOf(exact, 'prefix', phi)
  if (text === null || released === null) return false
  if (operator === '^@') return released.among.has(text)
  const prefix = text.slice(0, -1)
  return PATTERNS.has(operator) && text.endsWith('%') && !/[%_\\]/.test(prefix) && released.among.has(prefix)
}
