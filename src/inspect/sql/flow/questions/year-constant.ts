import type { Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction, builtInType } from '../known/built-in.ts'
import { integerLiteral, stringLiteral } from '../expressions/constants.ts'
import type { AnalysisContext } from '../context.ts'

/** A constant that is the first day, midnight, or the last day of a year. */
export interface YearEdge {
  readonly year: number
  readonly edge: 'first' | 'last'
}

const FIRST = /^(\d{4})-01-01(?:[ T]00:00(?::00(?:\.0{1,6})?)?)?$/
const LAST = /^(\d{4})-12-31$/

/**
 * The edge of a year that a constant stands for; null for anything else, however close. Only the ISO forms are read: other
 * spellings of a date depend on DateStyle. Not with a time zone: moved from hour to hour, it would tell the hour of a date.
 */
export function yearEdge(node: Node | undefined, context: AnalysisContext): YearEdge | null {
  if (node === undefined) return null
  if ('TypeCast' in node) {
    const text = stringLiteral(node.TypeCast.arg)
    const type = builtInType(node.TypeCast.typeName, context)
    if (text === null) return null
    if (type === 'date') return text.includes(':') ? null : edge(text)
    return type === 'timestamp' && !LAST.test(text) ? edge(text) : null
  }
  if ('FuncCall' in node) {
    const { funcname, args = [], agg_filter: filter, over } = node.FuncCall
    if (builtInFunction(nameParts(funcname), context) !== 'make_date' || filter !== undefined || over !== undefined) {
      return null
    }
    const [year, month, day] = args.map(integerLiteral)
    if (args.length !== 3 || !isYear(year)) return null
    if (month === 1 && day === 1) return { year, edge: 'first' }
    return month === 12 && day === 31 ? { year, edge: 'last' } : null
  }
  const text = stringLiteral(node)
  return text === null ? null : edge(text)
}

function edge(text: string): YearEdge | null {
  const first = FIRST.exec(text)
  const year = Number((first ?? LAST.exec(text))?.[1])
  return isYear(year) ? { year, edge: first === null ? 'last' : 'first' } : null
}

const NUMBERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'numeric', 'float8'])

/** An integer in the statement, as it is or cast to a type of numbers. */
export function integerConstant(node: Node | undefined, context: AnalysisContext): number | null {
  if (node === undefined || !('TypeCast' in node)) return integerLiteral(node)
  const { arg, typeName } = node.TypeCast
  return NUMBERS.has(builtInType(typeName, context) ?? '') ? integerLiteral(arg) : null
}

export function yearNumber(node: Node | undefined, context: AnalysisContext): number | null {
  const year = integerConstant(node, context)
  return isYear(year) ? year : null
}

/** A year in text. */
export function yearText(node: Node | undefined): number | null {
  const text = stringLiteral(node)
  const year = text !== null && /^\d{4}$/.test(text) ? Number(text) : null
  return isYear(year) ? year : null
}

function isYear(year: number | null | undefined): year is number {
  return year !== null && year !== undefined && Number.isInteger(year) && year >= 1 && year <= 9999
}
