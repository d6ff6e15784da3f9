import { assertNever } from '../../lib/assert-never.ts'
import { hasPlaceholder } from '../detect/placeholders.ts'
import type { Label } from '../labels.ts'
import type { CustomTransform, Transform, Truncation } from '../transform-names.ts'
import { isText } from '../transforms/cell.ts'
import { REDACTED } from '../transforms/redact.ts'
import type { ValueForm, ValueKind } from '../value-form.ts'
import { ZIP3_ALLOWED } from '../zip3-allow-list.ts'
import { canonicalNumber } from './canonical-number.ts'
import { type DateConstant, readDateConstant } from './date-constant.ts'

/**
 * Whether a constant is what masking leaves in a column of this form and label: exactly that, since a real value that looks
 * like it cannot be written then. NULL, the empty text, the empty array and whole ages and years, which masking leaves too,
 * are values like others; so are multiples of a rounded number.
 *
 * @param label undefined for a column that has none
 */
export function isPlaceholder(text: string, form: ValueForm, label: Label | undefined): boolean {
  if (isRedacted(text, form)) return true
  return label !== undefined && isLeftBy(label.transform, withoutPadding(text, form), form)
}

/** What `redact` leaves; every transform does where it cannot read the value. */
function isRedacted(text: string, form: ValueForm): boolean {
  if (isText(form)) {
    const bare = withoutPadding(text, form)
    const { limit } = form
    // In a type that is shorter than the constant there are as many asterisks as fit.
    const stars = limit === undefined ? /^\*{1,9}$/u.test(bare) : limit < REDACTED.length && bare === '*'.repeat(limit)
    return bare === REDACTED || stars
  }
  if (form.kind === 'char') return text === '*'
  if (form.kind === 'xml') return text.trim() === '<redacted/>'
  // Strings, objects, arrays and the names of members: "[redacted]", "[redacted 2]".
  return (form.kind === 'json' || form.kind === 'jsonb') && /"\[redacted(?: \d+)?\]"/u.test(text)
}

function isLeftBy(transform: Transform, text: string, form: ValueForm): boolean {
  switch (transform) {
    case 'redact':
    case 'null':
      return false
    case 'year':
    case 'token':
      return isYear(text, form, transform === 'year')
    case 'zip3':
      return isZip3(text, form)
    case 'age90':
      return isOldAge(text, form)
    case 'partial':
      return isText(form) && /^\*{4}[\x20-\x7e]{4}$/u.test(text)
    default:
      break
  }
  if (transform.kind === 'pseudonym') return isYear(text, form, false)
  return transform.kind === 'detect' ? hasPlaceholder(text) : isLeftByCustom(transform, text, form)
}

function isLeftByCustom(transform: CustomTransform, text: string, form: ValueForm): boolean {
  switch (transform.kind) {
    case 'constant':
      return isText(form) && text === transform.text.trimEnd()
    case 'keep-ends': {
      const characters = Array.from(text)
      const { first, last, fill } = transform
      const between = characters.slice(first, characters.length - last).join('')
      return isText(form) && characters.length === first + Array.from(fill).length + last && between === fill
    }
    case 'truncate':
      return isTruncated(text, form, transform.to)
    case 'round':
      return false
    default:
      return assertNever(transform)
  }
}

/** @param inText whether texts that hold dates become years as well */
function isYear(text: string, form: ValueForm, inText: boolean): boolean {
  if (isText(form)) return inText && /^[0-9]{4}$/u.test(text)
  const date = firstMoment(text, form.kind)
  return date !== undefined && date.month === 1
}

function isTruncated(text: string, form: ValueForm, to: Truncation): boolean {
  const begins = (year: number, month: number) =>
    to === 'month' || (to === 'quarter' ? month % 3 === 1 : month === 1 && (year % 10 === 0 || year === 1))
  if (!isText(form)) {
    const date = firstMoment(text, form.kind)
    return date !== undefined && begins(date.year, date.month)
  }
  const [, year, month] = /^([0-9]{4})(?:-([0-9]{2}))?$/u.exec(text) ?? []
  return year !== undefined && (to === 'decade') === (month === undefined) && begins(Number(year), Number(month ?? 1))
}

const SECOND = 1_000_000
const NOON = 12 * 60 * 60 * SECOND

/** A date that is the first day of a month, at the time at which transforms put the dates of this type. */
function firstMoment(text: string, kind: ValueKind): DateConstant | undefined {
  if (!FIRST_MOMENTS.has(kind)) return undefined
  const date = readDateConstant(text)
  if (kind === 'timestamptz') return date === undefined ? undefined : firstNoon(date)
  const isFirst = date?.day === 1 && (kind === 'date' || (date.micros ?? 0) === 0)
  return isFirst ? date : undefined
}

const FIRST_MOMENTS: ReadonlySet<ValueKind> = new Set(['date', 'timestamp', 'timestamptz'])

/** In UTC, since a driver may have written it in another zone; a text without a zone is taken as it is. */
function firstNoon({ year, month, day, micros, offset = 0 }: DateConstant): DateConstant | undefined {
  if (micros === undefined) return undefined
  const utc = new Date(Date.UTC(2000, month - 1, day))
  utc.setUTCFullYear(year, month - 1, day)
  utc.setTime(utc.getTime() + micros / 1000 - offset * 1000)
  const first = utc.getUTCDate() === 1 && (utc.getTime() - NOON / 1000) % 86_400_000 === 0
  const found = { year: utc.getUTCFullYear(), month: utc.getUTCMonth() + 1, day: 1 }
  return first ? { ...found, micros: NOON, offset: 0 } : undefined
}

const ZIP3 = /^(?<prefix>[0-9]{3})(?:\*\*|\*{6}|\*\*[- ]\*{4})?$/u
const MAX_ZIP = 99_999

function isZip3(text: string, form: ValueForm): boolean {
  if (isText(form)) {
    const prefix = ZIP3.exec(text)?.groups?.['prefix']
    return prefix !== undefined && (prefix === '000' || ZIP3_ALLOWED.has(Number(prefix)))
  }
  const zip = /^int[248]$/u.test(form.kind) ? Number(canonicalNumber(text, false) ?? Number.NaN) : Number.NaN
  return zip > 0 && zip <= MAX_ZIP && zip % 100 === 0 && ZIP3_ALLOWED.has(zip / 100)
}

function isOldAge(text: string, form: ValueForm): boolean {
  if (isText(form)) return text === ((form.limit ?? 3) >= 3 ? '90+' : '90')
  return /^(?:int|float|numeric)/u.test(form.kind) && canonicalNumber(text, true) === '90'
}

/** Blanks at the end of char(n) mean nothing. */
function withoutPadding(text: string, form: ValueForm): string {
  return form.kind === 'bpchar' ? text.replace(/ +$/u, '') : text
}
