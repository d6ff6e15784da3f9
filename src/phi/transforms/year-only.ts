import type { ValueForm } from '../value-form.ts'
import { type CellTransform, numberedCells, isText, textCell } from './cell.ts'
import { dateTextYear, looseTextYear, timestampTextYear } from './date-text.ts'
import { redact } from './redact.ts'
import { wholeCell, type WholeReader, wholeReader } from './whole-number.ts'

const MICROS_PER_DAY = 86_400_000_000
/** 0001-01-01 and 9999-12-31 as days from 2000-01-01: the years that ISO 8601 writes in four digits. */
const FIRST_DAY = -730_119
const LAST_DAY = 2_921_939
/** 2^53 microseconds, as the upper half of an int64. */
const EXACT_HIGH = 0x20_0000

/**
 * Dates keep their year and become its first of January. Years before `oldest` become NULL: a year can tell that somebody
 * is over 89 (45 CFR 164.514(b)(2)(i)(C)). So do infinity, years before Christ, years of five digits, and dates in text
 * that is not in DateStyle ISO.
 *
 * A timestamptz becomes 12:00 UTC on the first of January: its year reads the same in every time zone, and the offset of
 * the original, which can tell summer from winter, is not shown. Text that holds an ISO 8601 date becomes the year.
 */
export function yearOnly(form: ValueForm, oldest: number): CellTransform {
  const { kind, binary } = form
  if (kind === 'date') {
    return binary
      ? yearCells(dateBinaryYear, oldest, (y) => int32(firstOfJanuary(y)))
      : yearCells(dateTextYear, oldest, (y) => Buffer.from(`${fourDigits(y)}-01-01`))
  }
  if (kind === 'timestamp' || kind === 'timestamptz') {
    const noon = kind === 'timestamptz'
    const time = noon ? '12:00:00+00' : '00:00:00'
    return binary
      ? yearCells(timestampBinaryYear, oldest, (y) => int64((firstOfJanuary(y) + (noon ? 0.5 : 0)) * MICROS_PER_DAY))
      : yearCells(timestampTextYear, oldest, (y) => Buffer.from(`${fourDigits(y)}-01-01 ${time}`))
  }
  if (isText(form)) return yearCells(looseTextYear, oldest, (y) => textCell(form, String(y)), redact(form))
  const read = wholeReader(form)
  return read === undefined ? redact(form) : yearCells(fourDigitYear(read), oldest, (y) => wholeCell(form, y))
}

/** Years below 1 are what the readers return for a value without a year; `otherwise` takes those. */
function yearCells(
  read: WholeReader,
  oldest: number,
  make: (year: number) => Buffer,
  otherwise: CellTransform = () => null,
): CellTransform {
  const cells = numberedCells(make)
  return (source, start, end) => {
    const found = read(source, start, end)
    if (found < 1) return otherwise(source, start, end)
    return found < oldest ? null : cells(found)
  }
}

function fourDigitYear(read: WholeReader): WholeReader {
  return (source, start, end) => {
    const n = read(source, start, end)
    return n >= 1000 && n <= 9999 ? n : -1
  }
}

/** int32 days since 2000-01-01; the extremes are infinity (date_send). */
function dateBinaryYear(source: Buffer, start: number, end: number): number {
  return end - start === 4 ? yearOfDay(source.readInt32BE(start)) : -1
}

/** int64 microseconds since 2000-01-01 00:00 (UTC for timestamptz); the extremes are infinity (timestamp_send). */
function timestampBinaryYear(source: Buffer, start: number, end: number): number {
  if (end - start !== 8) return -1
  const high = source.readInt32BE(start)
  // A double holds 53 bits; beyond them (before 1714, after 2285) the last microsecond of a year must not round up.
  const exact = high >= -EXACT_HIGH && high < EXACT_HIGH
  return yearOfDay(
    exact
      ? Math.floor((high * 0x1_0000_0000 + source.readUInt32BE(start + 4)) / MICROS_PER_DAY)
      : wholeDays(source.readBigInt64BE(start)),
  )
}

function wholeDays(micros: bigint): number {
  const day = BigInt(MICROS_PER_DAY)
  return Number(micros / day) - (micros % day < 0n ? 1 : 0)
}

/**
 * The proleptic Gregorian year of a day counted from 2000-01-01, or -1 outside the years 1 to 9999. The mean length of a
 * year gives it to within one; the first day of the next year settles it.
 */
function yearOfDay(day: number): number {
  if (day < FIRST_DAY || day > LAST_DAY) return -1
  let found = 2000 + Math.floor(day / 365.2425)
  if (day < firstOfJanuary(found)) found -= 1
  else if (day >= firstOfJanuary(found + 1)) found += 1
  return found
}

/** Days from 2000-01-01 to the first of January of a year. */
function firstOfJanuary(year: number): number {
  const before = year - 1
  return 365 * before + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) + FIRST_DAY
}

function fourDigits(n: number): string {
  return String(n).padStart(4, '0')
}

function int32(n: number): Buffer {
  const cell = Buffer.alloc(4)
  cell.writeInt32BE(n)
  return cell
}

/** Whole numbers beyond 2^53 are exact here: all are multiples of half a day. */
function int64(n: number): Buffer {
  const cell = Buffer.alloc(8)
  cell.writeBigInt64BE(BigInt(n))
  return cell
}
