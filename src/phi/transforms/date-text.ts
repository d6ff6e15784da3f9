import { monthIndex } from './calendar.ts'
import { digitsAt, trimmedEnd } from './cell.ts'

const DASH = 0x2d
const SLASH = 0x2f
const SPACE = 0x20
const T = 0x54
/** 'YYYY-MM-DD' and 'YYYY-MM-DD HH:MM:SS'. */
const DATE_LENGTH = 10
const TIMESTAMP_LENGTH = 19
/** Compact dates (HL7 v2) look like any number of 8 digits, so only years that people alive or recorded can have count. */
const COMPACT_FIRST = 1800
const COMPACT_LAST = 2199

/** The year of a date as PostgreSQL prints it with DateStyle ISO; -1 for everything else (infinity, BC, other styles). */
export function dateTextYear(source: Buffer, start: number, end: number): number {
  return end - start === DATE_LENGTH ? isoYear(source, start, end) : -1
}

/**
 * Likewise for timestamps, with or without an offset: the last byte is a digit ("BC" and zone names are not). In JSON they
 * have a T instead of the blank.
 */
export function timestampTextYear(source: Buffer, start: number, end: number): number {
  const separator = source[start + DATE_LENGTH]
  if (end - start < TIMESTAMP_LENGTH || (separator !== SPACE && separator !== T)) return -1
  return digitsAt(source, end - 1, end) < 0 ? -1 : isoYear(source, start, end)
}

/**
 * The year of a date that an application wrote into a text column: YYYY, YYYY-MM, YYYY-MM-DD (also with slashes) with
 * anything after a blank or T, YYYYMMDD, YYYYMMDDHHMM and YYYYMMDDHHMMSS. -1 for everything else.
 */
export function looseTextYear(source: Buffer, start: number, end: number): number {
  const last = trimmedEnd(source, start, end)
  const length = last - start
  const year = digitsAt(source, start, Math.min(start + 4, last))
  if (length < 4 || year < 1000) return -1
  if (length === 4) return year
  const separator = source[start + 4]
  if (separator !== DASH && separator !== SLASH) return compactYear(source, start, last, year)
  if (!between(digitsAt(source, start + 5, Math.min(start + 7, last)), 1, 12) || length < 7) return -1
  if (length === 7) return year
  const day = digitsAt(source, start + 8, Math.min(start + 10, last))
  if (source[start + 7] !== separator || !between(day, 1, 31) || length < DATE_LENGTH) return -1
  const next = source[start + DATE_LENGTH]
  if (length > DATE_LENGTH && next !== SPACE && next !== T) return -1
  return isBeforeChrist(source, last) ? -1 : year
}

/** The month of what these read, see `monthIndex`; below 12 for what they do not. */
export function dateTextMonth(source: Buffer, start: number, end: number): number {
  return withMonth(dateTextYear(source, start, end), source, start + 5)
}

export function timestampTextMonth(source: Buffer, start: number, end: number): number {
  return withMonth(timestampTextYear(source, start, end), source, start + 5)
}

/** Of a text that says a month, too. */
export function looseTextMonth(source: Buffer, start: number, end: number): number {
  if (trimmedEnd(source, start, end) - start <= 4) return -1
  const separated = source[start + 4] === DASH || source[start + 4] === SLASH
  return withMonth(looseTextYear(source, start, end), source, start + (separated ? 5 : 4))
}

function withMonth(year: number, source: Buffer, at: number): number {
  return year < 1 ? -1 : monthIndex(year, digitsAt(source, at, at + 2))
}

function isoYear(source: Buffer, start: number, end: number): number {
  if (source[start + 4] !== DASH || source[start + 7] !== DASH || end - start < DATE_LENGTH) return -1
  if (!between(digitsAt(source, start + 5, start + 7), 1, 12)) return -1
  if (!between(digitsAt(source, start + 8, start + 10), 1, 31)) return -1
  return digitsAt(source, start, start + 4)
}

function compactYear(source: Buffer, start: number, end: number, year: number): number {
  const length = end - start
  if ((length !== 8 && length !== 12 && length !== 14) || !between(year, COMPACT_FIRST, COMPACT_LAST)) return -1
  if (!between(digitsAt(source, start + 4, start + 6), 1, 12)) return -1
  if (!between(digitsAt(source, start + 6, start + 8), 1, 31)) return -1
  return length === 8 || digitsAt(source, start + 8, end) >= 0 ? year : -1
}

function isBeforeChrist(source: Buffer, end: number): boolean {
  return source[end - 2] === 0x42 && source[end - 1] === 0x43
}

function between(value: number, first: number, last: number): boolean {
  return value >= first && value <= last
}
