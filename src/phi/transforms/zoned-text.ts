import { firstOfMonth, monthOfDay, yearOfDay } from './calendar.ts'
import { digitsAt } from './cell.ts'
import { timestampTextMonth } from './date-text.ts'

const COLON = 0x3a
const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const MONTHS = 12
/** 'YYYY-MM-DD HH:MM:SS' */
const TIMESTAMP_LENGTH = 19
const SECONDS_PER_DAY = 86_400
/** An offset is a sign and hours, which have three digits at most (a week), with or without minutes and seconds. */
const LONGEST_OFFSET = 10

/**
 * The year in UTC of a timestamptz as PostgreSQL prints it with DateStyle ISO, and in JSON; -1 for everything else. The year
 * as printed would depend on the time zone that the client has chosen.
 */
export function zonedTextYear(source: Buffer, start: number, end: number): number {
  const day = utcDay(source, start, end)
  return day === undefined ? -1 : yearOfDay(day)
}

/** Likewise the month, see `monthIndex`. */
export function zonedTextMonth(source: Buffer, start: number, end: number): number {
  const day = utcDay(source, start, end)
  return day === undefined ? -1 : monthOfDay(day)
}

/** The day in UTC, counted from 2000-01-01. */
function utcDay(source: Buffer, start: number, end: number): number | undefined {
  const month = timestampTextMonth(source, start, end)
  const sign = signAt(source, start + TIMESTAMP_LENGTH, end)
  if (month < MONTHS || sign === -1) return undefined
  if (!isFraction(source, start + TIMESTAMP_LENGTH, sign)) return undefined
  const seconds = secondsAt(source, start + 11, start + TIMESTAMP_LENGTH)
  const offset = secondsAt(source, sign + 1, end)
  if (seconds < 0 || offset < 0) return undefined
  const utc = source[sign] === PLUS ? seconds - offset : seconds + offset
  const first = firstOfMonth(Math.trunc(month / MONTHS), (month % MONTHS) + 1)
  return first + digitsAt(source, start + 8, start + 10) - 1 + Math.floor(utc / SECONDS_PER_DAY)
}

function signAt(source: Buffer, from: number, end: number): number {
  for (let at = end - 1; at >= from && at >= end - LONGEST_OFFSET; at -= 1) {
    if (source[at] === PLUS || source[at] === MINUS) return at
  }
  return -1
}

/** Nothing, or a point and digits. */
function isFraction(source: Buffer, start: number, end: number): boolean {
  return start === end || (source[start] === POINT && digitsAt(source, start + 1, end) >= 0)
}

/** HH, HH:MM or HH:MM:SS (hours of two or three digits) in seconds; -1 for anything else. */
function secondsAt(source: Buffer, start: number, end: number): number {
  let colon = start
  while (colon < end && source[colon] !== COLON) colon += 1
  const hours = digitsAt(source, start, colon)
  if (hours < 0 || colon - start < 2 || colon - start > 3) return -1
  if (colon === end) return hours * 3600
  const minutes = digitsAt(source, colon + 1, Math.min(colon + 3, end))
  const after = colon + 3
  if (minutes < 0 || after > end) return -1
  if (after === end) return hours * 3600 + minutes * 60
  const seconds = source[after] === COLON && end - after === 3 ? digitsAt(source, after + 1, end) : -1
  return seconds < 0 ? -1 : hours * 3600 + minutes * 60 + seconds
}
