import type { FuncCall, Node, TypeCast } from '@pgsql/types'
import type { PhiLabel, PhiView, Released } from '../../catalog.ts'
import type { StoredColumn } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction, builtInType } from '../known/built-in.ts'
import { integerLiteral, stringLiteral } from '../expressions/constants.ts'
import type { AnalysisContext } from '../context.ts'
import type { Value } from '../values/types.ts'

/**
 * The part of a stored column that its replacement tells, too, as an expression has taken it out: the year of a date, the
 * first digits of a ZIP code.
 */
export type Part =
  /** The whole date, cast to another type of date. */
  | { readonly kind: 'date'; readonly type: string; readonly column: StoredColumn }
  /** `date`: the first of January, as date_trunc gives it; `text`: four digits. */
  | { readonly kind: 'year'; readonly as: 'number' | 'date' | 'text'; readonly column: StoredColumn }
  | { readonly kind: 'prefix'; readonly column: StoredColumn }
  /** `2026 - EXTRACT(year FROM born)`: the years from that one until the given year. */
  | { readonly kind: 'years'; readonly until: number; readonly column: StoredColumn }

const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23])
const NUMERIC = 1700
const DATES: ReadonlyMap<number, string> = new Map([
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
])
const DATE_TYPES: ReadonlySet<string> = new Set(DATES.values())
const TEXTS: ReadonlySet<number> = new Set([25, 1042, 1043])

export function isInteger({ typeOid }: StoredColumn): boolean {
  return INTEGERS.has(typeOid)
}

/** Whether sums, means and roundings of the stored values cannot overflow. */
export function isNumeric(column: StoredColumn | null): boolean {
  return column !== null && column.path.length === 0 && (isInteger(column) || column.typeOid === NUMERIC)
}

function isText({ typeOid }: StoredColumn): boolean {
  return TEXTS.has(typeOid)
}

/** The label of a stored column; null for parts of documents, whose labels name a class only. */
export function labelOf(column: StoredColumn, phi: PhiView): PhiLabel | null {
  const label = phi.labels.get(`${column.oid}.${column.attnum}`)
  return label === undefined || label.document !== undefined || column.path.length > 0 ? null : label
}

/** What the replacement of a column tells, if it is of that kind. */
export function releasedOf<K extends Released['kind']>(
  column: StoredColumn,
  kind: K,
  phi: PhiView,
): Extract<Released, { kind: K }> | null {
  const releases = labelOf(column, phi)?.releases
  return releases !== undefined && isKind(releases, kind) ? releases : null
}

function isKind<K extends Released['kind']>(released: Released, kind: K): released is Extract<Released, { kind: K }> {
  return released.kind === kind
}

/** The released part that a value is; null for none. */
export function partOf({ part, shape }: Value): Part | null {
  return part ?? (shape.kind === 'year' ? { kind: 'year', as: 'number', column: shape.column } : null)
}

interface Argument {
  readonly node: Node | undefined
  readonly value: Value
}

/** The released part that a call of a built-in function takes out of its argument. */
export function partOfCall(name: string, args: readonly Argument[], phi: PhiView): Part | null {
  const [first, second, third] = args
  if (first === undefined || second === undefined) return null
  switch (name) {
    case 'extract':
    case 'date_part':
    case 'date_trunc':
      return args.length === 2 && stringLiteral(first.node)?.toLowerCase() === 'year'
        ? yearOf(second.value, name === 'date_trunc' ? 'date' : 'number', phi)
        : null
    case 'to_char':
      return stringLiteral(second.node) === 'YYYY' ? yearOf(first.value, 'text', phi) : null
    case 'left':
      return args.length === 2 ? prefixOf(first.value, integerLiteral(second.node), phi) : null
    case 'substr':
    case 'substring':
      return args.length === 3 && third !== undefined && integerLiteral(second.node) === 1
        ? prefixOf(first.value, integerLiteral(third.node), phi)
        : null
    default:
      return null
  }
}

/** A date that is told by its year, and the type that it has now. */
export interface StoredDate {
  readonly column: StoredColumn
  readonly type: string
}

/** The stored date that a value is: a plain copy, or one cast to another type of date. */
export function dateOf({ exact, part }: Value, phi: PhiView): StoredDate | null {
  if (part?.kind === 'date') return { column: part.column, type: part.type }
  if (exact === null || releasedOf(exact, 'year', phi) === null) return null
  const type = DATES.get(exact.typeOid)
  return type === undefined ? null : { column: exact, type }
}

function yearOf(value: Value, as: 'number' | 'date' | 'text', phi: PhiView): Part | null {
  const date = dateOf(value, phi)
  return date === null ? null : { kind: 'year', as, column: date.column }
}

function prefixOf({ exact }: Value, length: number | null, phi: PhiView): Part | null {
  if (exact === null || !isText(exact)) return null
  return releasedOf(exact, 'prefix', phi)?.length === length ? { kind: 'prefix', column: exact } : null
}

/** Types that hold every year as a number. */
const NUMBERS: ReadonlySet<string> = new Set(['int4', 'int8', 'numeric', 'float4', 'float8', 'int2'])
const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'varchar'])

/** The part that is left of a value after a cast to a built-in type; null for none. */
export function partOfCast(value: Value, type: string, phi: PhiView): Part | null {
  const date = dateOf(value, phi)
  if (date !== null) return DATE_TYPES.has(type) ? { kind: 'date', type, column: date.column } : null
  const part = partOf(value)
  if (part === null || part.kind === 'date') return null
  // A date in text has the form that DateStyle says.
  if (TEXT_TYPES.has(type)) {
    if (part.kind === 'years') return null
    return part.kind === 'year' ? (part.as === 'date' ? null : { ...part, as: 'text' }) : part
  }
  if (part.kind === 'prefix') return null
  if (part.kind === 'years') return NUMBERS.has(type) ? part : null
  if (part.as === 'number' && NUMBERS.has(type)) return part
  return part.as === 'date' && DATE_TYPES.has(type) ? part : null
}

const LAST_YEAR = 9999

/** What is left of a year that is taken from another, given in the statement: it is told as the year is. */
export function partOfDifference(minuend: Argument, subtrahend: Argument): Part | null {
  const until = integerLiteral(minuend.node)
  const part = partOf(subtrahend.value)
  if (until === null || until < 0 || until > LAST_YEAR || part?.kind !== 'year' || part.as !== 'number') return null
  return { kind: 'years', until, column: part.column }
}

/** The result of a cast, with the part that it still is. */
export function withCastPart(result: Value, value: Value, { typeName }: TypeCast, context: AnalysisContext): Value {
  const type = result.tainted ? builtInType(typeName, context) : null
  const part = type === null ? null : partOfCast(value, type, context.phi)
  return part === null ? result : { ...result, part }
}

/** The result of a call, with the part of a column that it takes out of its arguments. */
export function withCallPart(
  result: Value,
  call: FuncCall,
  args: readonly Argument[],
  context: AnalysisContext,
): Value {
  const plain = result.tainted && call.func_variadic !== true && call.over === undefined
  const name = plain ? builtInFunction(nameParts(call.funcname), context) : null
  const part = name === null ? null : partOfCall(name, args, context.phi)
  return part === null ? result : { ...result, part }
}
