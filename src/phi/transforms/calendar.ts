/** 0001-01-01 and 9999-12-31 as days from 2000-01-01: the years that ISO 8601 writes in four digits. */
const FIRST_DAY = -730_119
const LAST_DAY = 2_921_939
/** Days before the first of each month in a common year. */
const BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const

/**
 * The proleptic Gregorian year of a day counted from 2000-01-01, or -1 outside the years 1 to 9999. The mean length of a
 * year gives it to within one; the first day of the next year settles it.
 */
export function yearOfDay(day: number): number {
  if (day < FIRST_DAY || day > LAST_DAY) return -1
  let found = 2000 + Math.floor(day / 365.2425)
  if (day < firstOfMonth(found, 1)) found -= 1
  else if (day >= firstOfMonth(found + 1, 1)) found += 1
  return found
}

/** Months from January of the year 0, or -1: 12 for January of the year 1. */
export function monthOfDay(day: number): number {
  const year = yearOfDay(day)
  if (year < 1) return -1
  let month = 12
  while (month > 1 && firstOfMonth(year, month) > day) month -= 1
  return monthIndex(year, month)
}

export function monthIndex(year: number, month: number): number {
  return year * 12 + month - 1
}

/** Days from 2000-01-01 to the first of a month, 1 to 12. */
export function firstOfMonth(year: number, month: number): number {
  const before = year - 1
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = 365 * before + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400)
  return days + FIRST_DAY + (BEFORE_MONTH[month - 1] ?? 0) + (leap && month > 2 ? 1 : 0)
}
