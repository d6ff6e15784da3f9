import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstOfMonth, monthIndex, monthOfDay, yearOfDay } from './calendar.ts'

const DAY_MS = 86_400_000
const EPOCH = Date.UTC(2000, 0, 1)

describe('the calendar', () => {
  it('agrees with that of the language', () => {
    fc.assert(
      fc.property(fc.integer({ min: -730_119, max: 2_921_939 }), (day) => {
        const date = new Date(EPOCH + day * DAY_MS)
        const year = date.getUTCFullYear()
        expect(yearOfDay(day)).toBe(year)
        expect(monthOfDay(day)).toBe(monthIndex(year, date.getUTCMonth() + 1))
        expect(firstOfMonth(year, date.getUTCMonth() + 1)).toBe(day - date.getUTCDate() + 1)
      }),
      { numRuns: 2000 },
    )
  })

  it('ends with the years that have four digits', () => {
    for (const day of [-730_120, 2_921_940, 2 ** 31 - 1, -(2 ** 31)]) {
      expect([yearOfDay(day), monthOfDay(day)]).toEqual([-1, -1])
    }
  })

  it('knows leap years', () => {
    expect([1900, 2000, 2023, 2024].map((year) => firstOfMonth(year, 3) - firstOfMonth(year, 2))).toEqual([
      28, 29, 28, 29,
    ])
  })
})
