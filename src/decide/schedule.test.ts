import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ScheduleConfig, WEEKDAYS } from '../config/config.ts'
import { isWithin, scheduleStands } from './schedule.ts'

const MINUTE = 60_000
const office: ScheduleConfig = { days: ['mon', 'fri'], from: 8 * 60, to: 17 * 60, timezone: 'Europe/Berlin' }
const night: ScheduleConfig = { days: ['fri'], from: 22 * 60, to: 6 * 60, timezone: 'America/New_York' }
const allDay: ScheduleConfig = { days: ['sun'], from: 0, to: 0, timezone: 'UTC' }

describe('isWithin', () => {
  it.each<readonly [ScheduleConfig, string, boolean]>([
    [office, '2026-06-15T05:59:59Z', false],
    [office, '2026-06-15T06:00:00Z', true],
    [office, '2026-06-15T14:59:59Z', true],
    [office, '2026-06-15T15:00:00Z', false],
    [office, '2026-06-16T10:00:00Z', false],
    // In winter Berlin is an hour behind.
    [office, '2026-12-14T06:30:00Z', false],
    [office, '2026-12-14T15:30:00Z', true],
    [night, '2026-06-20T01:59:00Z', false],
    [night, '2026-06-20T02:00:00Z', true],
    [night, '2026-06-20T09:59:00Z', true],
    [night, '2026-06-20T10:00:00Z', false],
    // Saturday evening belongs to no Friday.
    [night, '2026-06-21T02:30:00Z', false],
    [allDay, '2026-06-14T00:00:00Z', true],
    [allDay, '2026-06-14T23:59:59Z', true],
    [allDay, '2026-06-15T00:00:00Z', false],
    [{ ...office, to: 1440 }, '2026-06-15T21:59:00Z', true],
    [{ ...office, timezone: 'Nowhere/Land' }, '2026-06-15T10:00:00Z', false],
    [{ ...office, days: [] }, '2026-06-15T10:00:00Z', false],
  ])('%j at %s: %s', (schedule, at, expected) => {
    expect(isWithin(schedule, Date.parse(at))).toBe(expected)
  })

  it('covers no moment that is none', () => {
    expect(isWithin(allDay, Number.NaN)).toBe(false)
    expect(isWithin(allDay, Infinity)).toBe(false)
  })
})

describe('scheduleStands', () => {
  it('is a moment in front of which nothing changes, over changes of clocks as well', () => {
    const schedule = fc.record({
      days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS)),
      from: fc.nat({ max: 1439 }),
      to: fc.nat({ max: 1440 }),
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns'),
    })
    // The nights in which clocks are changed in Berlin, Newfoundland and on Lord Howe Island, and any others.
    const about = fc.constantFrom(
      '2026-03-29T01:00Z',
      '2026-10-25T01:00Z',
      '2026-03-08T05:30Z',
      '2026-10-03T15:30Z',
      '2026-06-01T00:00Z',
    )
    fc.assert(
      fc.property(schedule, about, fc.integer({ min: -180 * 60_000, max: 180 * 60_000 }), (one, at, offset) => {
        const now = Date.parse(at) + offset
        const end = scheduleStands(one, now)
        expect(end).toBeGreaterThan(now)
        expect(end - now).toBeLessThanOrEqual(15 * MINUTE)
        const state = isWithin(one, now)
        for (let time = now; time < end; time += MINUTE) expect(isWithin(one, time)).toBe(state)
        expect(isWithin(one, end - 1)).toBe(state)
      }),
      { numRuns: 300 },
    )
  })
})
