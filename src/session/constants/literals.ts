import type { ConstantPlace, ConstantSite } from '../../inspect/sql/facts.ts'
import { skeletonOf } from '../../inspect/sql/skeleton.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { ValueKind } from '../../phi/value-form.ts'
import { oddLiteralText } from './odd-literal.ts'

/** A literal of a statement string. */
export interface Literal {
  /** UTF-16 indices; without a sign. */
  readonly start: number
  readonly end: number
  readonly kind: 'string' | 'number'
  readonly isNegative: boolean
  /** What it says: without quotes, with its sign. */
  readonly text: string
}

type PlaceInText = Exclude<ConstantPlace, { readonly kind: 'parameter' }>

const PLAIN_NUMBER = /^\d+(?:\.\d+)?$/u
const DECIMAL = /^(?<sign>-?)(?<digits>\d+(?:\.\d+)?)$/u
/** What gives a string another meaning: E'', B'', X'', N'', U&''; or a literal before it that it goes on with. */
const PREFIX = /(?:(?:^|[^\w$\u0080-\uffff])(?:[EBXN]|U&)|')$/iu
/** A string goes on in the next line (PostgreSQL documentation, 4.1.2.1), comments between or not. */
const CONTINUED = /(?:\s|--[^\n\r]*(?:[\n\r]|$))*'/uy

/** Types of numbers that tokens are of, as SQL calls them. */
const NUMBER_TYPES = ['int4', 'int8', 'numeric'] as const
export type NumberType = (typeof NUMBER_TYPES)[number]

/** The name of a type of numbers; undefined for other types. */
export function numberType(kind: ValueKind): NumberType | undefined {
  return NUMBER_TYPES.find((type) => type === kind)
}

/** Finds the literals of one statement string. */
export class Literals {
  readonly #sql: string
  #spans: readonly number[] | undefined

  constructor(sql: string) {
    this.#sql = sql
  }

  /**
   * Throws CHP-INTERNAL when the text is not what the analysis has seen: nothing may be put in there then. What is only looked
   * at can be in any spelling.
   */
  at(place: PlaceInText, use: ConstantSite['use']): Literal {
    const [start, end] = place.kind === 'span' ? [place.start, place.end] : this.#span(place.ordinal)
    const spelling = this.#sql.slice(start, end)
    if (PLAIN_NUMBER.test(spelling)) {
      const text = place.negative ? `-${spelling}` : spelling
      return { start, end, kind: 'number', isNegative: place.negative, text }
    }
    if (use === 'embedded') {
      const text = oddLiteralText(spelling)
      return { start, end, kind: 'string', isNegative: false, text: place.negative ? `-${text}` : text }
    }
    const content = spelling.slice(1, -1)
    const isQuoted = spelling.length > 1 && spelling.startsWith("'") && spelling.endsWith("'")
    const isPlain = isQuoted && !content.replaceAll("''", '').includes("'") && !place.negative
    if (!isPlain || this.#isPartOfMore(start, end)) throw elsewhere()
    return { start, end, kind: 'string', isNegative: false, text: content.replaceAll("''", "'") }
  }

  #isPartOfMore(start: number, end: number): boolean {
    CONTINUED.lastIndex = end
    return CONTINUED.test(this.#sql) || PREFIX.test(this.#sql.slice(Math.max(0, start - 3), start))
  }

  #span(ordinal: number): readonly [number, number] {
    this.#spans ??= skeletonOf(this.#sql)?.spans ?? []
    const start = this.#spans[ordinal * 2]
    const end = this.#spans[ordinal * 2 + 1]
    if (start === undefined || end === undefined) throw elsewhere()
    return [start, end]
  }
}

/**
 * How a value is spelled in the place of a literal. A backslash means nothing in a plain string, because
 * standard_conforming_strings is pinned. The minus sign before a number stays: the parser folds `-(-5)` into one number.
 * Undefined for what cannot be spelled so.
 *
 * @param type of a number, where it has to be written: PostgreSQL takes a literal for the smallest that holds it
 */
export function spelled(
  value: string,
  { kind, isNegative }: Pick<Literal, 'kind' | 'isNegative'>,
  type?: NumberType,
): string | undefined {
  if (value.includes('\0')) return undefined
  if (kind === 'string') return `'${value.replaceAll("'", "''")}'`
  const { sign, digits } = DECIMAL.exec(value)?.groups ?? {}
  if (digits === undefined) return undefined
  if (type !== undefined) {
    const isSigned = isNegative !== (sign === '-')
    return isSigned ? `((-${digits})::pg_catalog.${type})` : `(${digits}::pg_catalog.${type})`
  }
  if (isNegative) return sign === '-' ? digits : `(-${digits})`
  return sign === '-' ? `(-${digits})` : digits
}

const elsewhere = (): ChaperoneError =>
  new ChaperoneError('CHP-INTERNAL', { reason: 'a constant is not where the analysis has seen it' })
