import type { ValueForm } from '../value-form.ts'
import { firstOfMonth, monthOfDay, yearOfDay } from './calendar.ts'
import { dateTextMonth, dateTextYear, timestampTextMonth, timestampTextYear } from './date-text.ts'
import { zonedTextMonth, zonedTextYear } from './zoned-text.ts'
import { type CellTransform, numberedCells } from './cell.ts'
import type { WholeReader } from './whole-number.ts'

const MONTHS = 12
const MICROS_PER_DAY = 86_400_000_000
/** Half a day. */
const NOON = 0.5
/** 2^53 microseconds, as the upper half of an int64. */
const EXACT_HIGH = 0x20_0000
/** Where a timestamp has its blank or T. */
const SEPARATOR = 10
const T = 0x54

export interface DateCodec {
  /** The year of a cell; below 1 for what is no date of the years 1 to 9999. */
  readonly year: WholeReader
  /** Its month, see `monthIndex`; below 12 for the same. */
  readonly month: WholeReader
  /** The first moment of a month as a cell of the type. */
  readonly make: (month: number) => Buffer
  /** The same as JSON has it; binary cells are in no JSON. */
  readonly makeIso?: (month: number) => Buffer
}

/**
 * How dates of this form are read and written; undefined for other types. A timestamptz is written as noon UTC on the first,
 * which lies in the same month in every time zone: its offset, which can tell summer from winter, is not kept.
 */
export function dateCodec(form: ValueForm): DateCodec | undefined {
  const { kind, binary } = form
  if (kind === 'timestamptz') return zonedCodec(form)
  if (kind === 'date') {
    return binary ? binaryCodec(ofDay, (month) => int32(dayOf(month))) : textCodec(dateTextYear, dateTextMonth, '', '')
  }
  if (kind !== 'timestamp') return undefined
  return binary
    ? binaryCodec(ofMicros, (month) => int64(dayOf(month) * MICROS_PER_DAY))
    : textCodec(timestampTextYear, timestampTextMonth, ' 00:00:00', 'T00:00:00')
}

function zonedCodec({ binary, local = false }: ValueForm): DateCodec {
  if (binary) {
    // The zone that would tell the year is not in the value.
    const of = local ? () => () => -1 : ofMicros
    return binaryCodec(of, (month) => int64((dayOf(month) + NOON) * MICROS_PER_DAY))
  }
  return textCodec(
    local ? timestampTextYear : zonedTextYear,
    local ? timestampTextMonth : zonedTextMonth,
    ' 12:00:00+00',
    'T12:00:00+00:00',
  )
}

function textCodec(year: WholeReader, month: WholeReader, rest: string, isoRest: string): DateCodec {
  return {
    year,
    month,
    make: (found) => Buffer.from(isoDate(found) + rest),
    makeIso: (found) => Buffer.from(isoDate(found) + isoRest),
  }
}

/**
 * Dates that go to the beginning of something: `part` of a cell is read, `beginning` makes a month of it. Parts below `least`
 * become NULL, and so does what is no date. The spelling stays: JSON has a T between date and time.
 */
export function dateCells(
  codec: DateCodec,
  part: 'year' | 'month',
  least: number,
  beginning: (found: number) => number,
): CellTransform {
  const read = codec[part]
  const plain = numberedCells((found) => codec.make(beginning(found)))
  const makeIso = codec.makeIso ?? codec.make
  const text = codec.makeIso !== undefined
  const iso = numberedCells((found) => makeIso(beginning(found)))
  return (source, start, end) => {
    const found = read(source, start, end)
    // Below 1 stands for no date.
    if (found < least || found < 1) return null
    return (text && source[start + SEPARATOR] === T ? iso : plain)(found)
  }
}

function binaryCodec(of: (part: (day: number) => number) => WholeReader, make: DateCodec['make']): DateCodec {
  return { year: of(yearOfDay), month: of(monthOfDay), make }
}

function dayOf(month: number): number {
  return firstOfMonth(Math.trunc(month / MONTHS), (month % MONTHS) + 1)
}

/** int32 days since 2000-01-01; the extremes are infinity (date_send). */
function ofDay(part: (day: number) => number): WholeReader {
  return (source, start, end) => (end - start === 4 ? part(source.readInt32BE(start)) : -1)
}

/** int64 microseconds since 2000-01-01 00:00 (UTC for timestamptz); the extremes are infinity (timestamp_send). */
function ofMicros(part: (day: number) => number): WholeReader {
  return (source, start, end) => {
    if (end - start !== 8) return -1
    const high = source.readInt32BE(start)
    // A double holds 53 bits; beyond them (before 1714, after 2285) the last microsecond of a year must not round up.
    const exact = high >= -EXACT_HIGH && high < EXACT_HIGH
    return part(
      exact
        ? Math.floor((high * 0x1_0000_0000 + source.readUInt32BE(start + 4)) / MICROS_PER_DAY)
        : wholeDays(source.readBigInt64BE(start)),
    )
  }
}

function wholeDays(micros: bigint): number {
  const day = BigInt(MICROS_PER_DAY)
  return Number(micros / day) - (micros % day < 0n ? 1 : 0)
}

function isoDate(month: number): string {
  const year = String(Math.trunc(month / MONTHS)).padStart(4, '0')
  return `${year}-${String((month % MONTHS) + 1).padStart(2, '0')}-01`
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
