/** A date, with or without a time, as a client writes it; the time zone is that of the text, if it names one. */
export interface DateConstant {
  readonly year: number
  readonly month: number
  readonly day: number
  /** Microseconds of the day; undefined for a date alone. */
  readonly micros: number | undefined
  /** Seconds east of UTC; undefined when the text does not say. */
  readonly offset: number | undefined
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const MICROS_PER_SECOND = 1_000_000

/** Year first; day or month first; month by name. Where day and month could be either, the month is taken to come first. */
const DATES = [
  /^(?<year>\d{4})(?<separator>[-/. ])(?<month>\d{1,2})\k<separator>(?<day>\d{1,2})(?<rest>(?:[T ].*)?)$/iu,
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?<rest>(?:[T ].*)?)$/iu,
  /^(?<month>\d{1,2})(?<separator>[-/. ])(?<day>\d{1,2})\k<separator>(?<year>\d{4})(?<rest>(?: .*)?)$/iu,
  /^(?<name>[a-z]{3,9})[- .]+(?<day>\d{1,2})[, -]+(?<year>\d{4})(?<rest>(?: .*)?)$/iu,
  /^(?<day>\d{1,2})[- ](?<name>[a-z]{3,9})[- ,]+(?<year>\d{4})(?<rest>(?: .*)?)$/iu,
  /^(?<year>\d{4})[- ](?<name>[a-z]{3,9})[- ](?<day>\d{1,2})(?<rest>(?: .*)?)$/iu,
] as const
const TIME =
  /^[T ] ?(?<hours>\d{2}):?(?<minutes>\d{2})(?::?(?<seconds>\d{2})(?<fraction>\.\d{0,6})?)? ?(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/iu
/** Longer texts are no dates. */
const MAX_LENGTH = 64

/** The spellings of PostgreSQL's date styles, of ISO 8601 and of common drivers; undefined for all else. */
export function readDateConstant(text: string): DateConstant | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_LENGTH) return undefined
  for (const pattern of DATES) {
    const { year = '', month, name, day = '', rest = '' } = pattern.exec(trimmed)?.groups ?? {}
    if (year === '') continue
    const number = name === undefined ? Number(month) : MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1
    const time = rest === '' ? { micros: undefined, offset: undefined } : readTime(rest)
    if (number >= 1 && time !== undefined) return { year: Number(year), month: number, day: Number(day), ...time }
  }
  return undefined
}

function readTime(rest: string): Pick<DateConstant, 'micros' | 'offset'> | undefined {
  const found = TIME.exec(rest)?.groups
  if (found === undefined) return undefined
  const { hours, minutes, seconds = '0', fraction = '', zone } = found
  const micros = Math.round(Number(`0${fraction}`) * MICROS_PER_SECOND)
  return {
    micros: ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * MICROS_PER_SECOND + micros,
    offset: zone === undefined ? undefined : offsetOf(zone),
  }
}

function offsetOf(zone: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/u.exec(zone) ?? []
  if (sign === undefined) return 0
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60
}
