import { ageAt, dateText, LAST_DAY } from './calendar.ts'
import { asciiName, FEMALE_NAMES, LAST_NAMES, MALE_NAMES } from './names.ts'
import { PLACES, type Place, STREET_KINDS, STREETS } from './places.ts'
import { type Random, randomUuid, weighted } from './random.ts'

/** A made-up patient. */
export interface Person {
  readonly id: string
  readonly mrn: string
  readonly firstName: string
  readonly lastName: string
  readonly birthDay: number
  /** Whole years on the last day of the data. */
  readonly age: number
  readonly sex: 'F' | 'M' | 'X'
  /** Undefined for the few who have given none. */
  readonly ssn: string | undefined
  readonly phone: string
  readonly email: string | undefined
  readonly street: string
  readonly place: Place
  readonly zip: string
}

const AGE_BANDS = weighted([
  { low: 0, high: 4, weight: 6 },
  { low: 5, high: 17, weight: 10 },
  { low: 18, high: 34, weight: 18 },
  { low: 35, high: 49, weight: 18 },
  { low: 50, high: 64, weight: 21 },
  { low: 65, high: 79, weight: 18 },
  { low: 80, high: 89, weight: 7 },
  { low: 90, high: 104, weight: 2 },
])
const WEIGHTED_PLACES = weighted(PLACES)
const ASCII = new Map([...FEMALE_NAMES, ...MALE_NAMES, ...LAST_NAMES].map((name) => [name, asciiName(name)]))

const digits = (value: number, length: number): string => value.toString().padStart(length, '0')

/** Numbers 555-0100 to 555-0199 of every area code are kept for fiction. */
export function fictionalPhone(random: Random, areaCode: string): string {
  return `(${areaCode}) 555-01${digits(random.between(0, 99), 2)}`
}

const SSN_AREAS = 100
const SSN_GROUPS = 40
const SSN_SERIALS = 9999
const SSN_COUNT = SSN_AREAS * SSN_GROUPS * SSN_SERIALS

/**
 * Areas 900 to 999 are never issued as social security numbers, and these groups (10 to 49) not as other taxpayer numbers
 * either. All are distinct until they have all been used: the step shares no factor with their count.
 */
function neverIssuedSsn(index: number): string {
  const number = (index * 15_485_863 + 7_654_321) % SSN_COUNT
  const serial = digits((number % SSN_SERIALS) + 1, 4)
  const group = (Math.floor(number / SSN_SERIALS) % SSN_GROUPS) + 10
  const area = Math.floor(number / (SSN_SERIALS * SSN_GROUPS)) + 900
  return `${area}-${group}-${serial}`
}

/** Distinct for the first 90 million patients, and without visible order. */
const recordNumber = (index: number): string =>
  `MRN${digits(((index * 32_452_843 + 1_299_709) % 90_000_000) + 10_000_000, 8)}`

/** The patient with this running number, counted from 0. */
export function makePerson(random: Random, index: number): Person {
  const band = random.pick(AGE_BANDS)
  const years = random.between(band.low, band.high)
  const birthDay = LAST_DAY - Math.floor(years * 365.2425) - random.between(0, 364)
  const sex = random.chance(0.006) ? 'X' : random.chance(0.515) ? 'F' : 'M'
  const firstName = random.pick(sex === 'F' || (sex === 'X' && random.chance(0.5)) ? FEMALE_NAMES : MALE_NAMES)
  const lastName = random.pick(LAST_NAMES)
  const place = random.pick(WEIGHTED_PLACES)
  const unit = random.chance(0.3) ? ` Apt ${random.between(1, 48)}` : ''
  const hasEmail = random.chance(years < 14 ? 0.1 : years > 79 ? 0.5 : 0.9)
  return {
    id: randomUuid(random),
    mrn: recordNumber(index),
    firstName,
    lastName,
    birthDay,
    age: ageAt(birthDay, LAST_DAY),
    sex,
    ssn: random.chance(0.03) ? undefined : neverIssuedSsn(index),
    phone: fictionalPhone(random, place.areaCode),
    email: hasEmail
      ? `${ASCII.get(firstName)}.${ASCII.get(lastName)}${dateText(birthDay).slice(2, 4)}.${index}@example.org`
      : undefined,
    street: `${random.between(1, 999)} ${random.pick(STREETS)} ${random.pick(STREET_KINDS)}${unit}`,
    place,
    zip: `${place.zip3}${digits(random.between(1, 99), 2)}`,
  }
}
