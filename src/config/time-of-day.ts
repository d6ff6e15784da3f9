/** `07:30` as minutes since midnight, up to `24:00`; undefined for anything else. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^(\d\d):(\d\d)$/.exec(text)
  const [hours, minutes] = [Number(match?.[1]), Number(match?.[2])]
  const total = hours * 60 + minutes
  return match !== null && minutes < 60 && total <= 24 * 60 ? total : undefined
}

/** Whether the runtime knows the zone by this name. Offsets like +01:00 are no names: they do not know summer time. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const INSTANT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/

/** A time of RFC 3339, with its offset, as milliseconds since the epoch; undefined for anything else, and for days that no month has. */
export function parseInstant(text: string): number | undefined {
  if (!INSTANT.test(text)) return undefined
  const [year, month, day] = [text.slice(0, 4), text.slice(5, 7), text.slice(8, 10)].map(Number)
  const days = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate()
  const instant = Date.parse(text.toUpperCase().replace(' ', 'T'))
  return Number.isNaN(instant) || (day ?? 0) > days ? undefined : instant
}
