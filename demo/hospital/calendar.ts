/** Dates of the demo hospital as day numbers since 1970-01-01, with their text looked up instead of formatted each time. */

const MILLISECONDS_A_DAY = 86_400_000
const dayOf = (text: string): number => Date.parse(text) / MILLISECONDS_A_DAY

/** The day on which the hospital's data ends; ages are counted to it, so that they do not change with the wall clock. */
export const LAST_DAY = dayOf('2026-06-30')
/** Encounters are not older than this. */
export const FIRST_ENCOUNTER_DAY = dayOf('2021-01-01')

const FIRST_DAY = dayOf('1915-01-01')
const TEXT = Array.from({ length: LAST_DAY - FIRST_DAY + 400 }, (_, index) =>
  new Date((FIRST_DAY + index) * MILLISECONDS_A_DAY).toISOString().slice(0, 10),
)

/** `2025-03-01`. */
export function dateText(day: number): string {
  const text = TEXT[day - FIRST_DAY]
  if (text === undefined) throw new RangeError(`day ${day} is outside the demo's calendar`)
  return text
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => value.toString().padStart(2, '0'))

/** `2025-03-01 07:45:00+00`; minutes may run over into the following days. */
export function timestampText(day: number, minutes: number): string {
  const minuteOfDay = minutes % 1440
  const hour = TWO_DIGITS[Math.floor(minuteOfDay / 60)]
  return `${dateText(day + Math.floor(minutes / 1440))} ${hour}:${TWO_DIGITS[minuteOfDay % 60]}:00+00`
}

/** Whole years from a birth day to another day. */
export function ageAt(birthDay: number, day: number): number {
  const birth = dateText(birthDay)
  const at = dateText(day)
  const years = Number(at.slice(0, 4)) - Number(birth.slice(0, 4))
  return at.slice(5) < birth.slice(5) ? years - 1 : years
}
