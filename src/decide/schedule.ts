import type { ScheduleConfig, Weekday } from '../config/config.ts'

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
/** Clocks of every time zone are changed at a multiple of this, seen from UTC. */
const CLOCK_CHANGES_MS = 15 * MINUTE_MS

const DAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface LocalTime {
  /** Index of `DAYS`. */
  readonly day: number
  /** Since midnight, as the clock on the wall shows it. */
  readonly minute: number
}

/** Whether a schedule covers a moment. A time zone that is not known covers none. */
export function isWithin(schedule: ScheduleConfig, now: number): boolean {
  const local = localTime(schedule.timezone, now)
  if (local === undefined) return false
  const { from, to } = schedule
  const { day, minute } = local
  if (from < to) return runsOn(schedule, day) && minute >= from && minute < to
  // Over midnight: the days are those on which it begins.
  return (runsOn(schedule, day) && minute >= from) || (runsOn(schedule, day + 6) && minute < to)
}

/**
 * A moment after this one until which a schedule answers the same. Not later than the next time at which clocks could be changed, so
 * that nothing has to be known of such changes.
 */
export function scheduleStands({ from, to, timezone }: ScheduleConfig, now: number): number {
  const clockChange = (Math.floor(now / CLOCK_CHANGES_MS) + 1) * CLOCK_CHANGES_MS
  const local = localTime(timezone, now)
  if (local === undefined) return clockChange
  const distances = [0, from, to].map((boundary) => {
    const distance = (boundary - local.minute + DAY_MINUTES) % DAY_MINUTES
    return distance === 0 ? DAY_MINUTES : distance
  })
  const thisMinute = Math.floor(now / MINUTE_MS) * MINUTE_MS
  return Math.min(clockChange, thisMinute + Math.min(...distances) * MINUTE_MS)
}

const runsOn = ({ days }: ScheduleConfig, day: number): boolean => {
  const name = DAYS[day % DAYS.length]
  return name !== undefined && days.includes(name)
}

/** A formatter takes long to make, and one serves all moments. */
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Undefined: there is no such time zone, or no such moment. */
export function localTime(timezone: string, now: number): LocalTime | undefined {
  try {
    let formatter = formatters.get(timezone)
    if (formatter === undefined) {
      formatter = new Intl.DateTimeFormat('en-US', {
        timeZone: timezone,
        hourCycle: 'h23',
        weekday: 'short',
        hour: 'numeric',
        minute: 'numeric',
      })
      formatters.set(timezone, formatter)
    }
    const parts = new Map(formatter.formatToParts(now).map(({ type, value }) => [type, value]))
    const day = DAYS.findIndex((name) => name === parts.get('weekday')?.toLowerCase())
    const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
    return day === -1 || !Number.isInteger(minute) ? undefined : { day, minute }
  } catch {
    return undefined
  }
}
