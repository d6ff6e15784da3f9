import { asciiName } from '../../demo/hospital/names.ts'
import { makePerson } from '../../demo/hospital/person.ts'
import type { Random } from '../../demo/hospital/random.ts'
import { STREETS } from '../../demo/hospital/places.ts'

/** Somebody made up, with everything that identifies a person. */
export interface Subject {
  readonly firstName: string
  readonly lastName: string
  readonly lastNameAscii: string
  /** Of somebody else: a relative, a nurse. */
  readonly otherName: string
  readonly street: string
  readonly streetName: string
  readonly city: string
  readonly state: string
  readonly zip: string
  readonly date: { readonly year: number; readonly month: number; readonly day: number }
  readonly oldAge: number
  readonly phone: string
  readonly email: string
  readonly ssn: string
  readonly mrn: string
  readonly mbi: string
  readonly card: string
  readonly iban: string
  readonly npi: string
  readonly dea: string
  readonly vin: string
  readonly mac: string
  readonly ip: string
  readonly latitude: string
  readonly longitude: string
  /** That many digits, the first not 0. */
  number(length: number): string
  letters(length: number): string
}

const SYLLABLES =
  'a ba che da el fi go hi jo ka lu mi no pra qui ra su ta va wo xa ye zu bren dor fal gan kor lin mar nel per ros sel tov ven wick'.split(
    ' ',
  )
const MBI_LETTERS = 'ACDEFGHJKMNPQRTUVWXY'
const VIN_SIGNS = 'ABCDEFGHJKLMNPRSTUVWXYZ0123456789'

/** Half of the names are of no list at all. */
export function makeSubject(random: Random, index: number): Subject {
  const person = makePerson(random, index)
  const number = (length: number): string =>
    Array.from({ length }, (_, at) => String(random.between(at === 0 ? 1 : 0, 9))).join('')
  const letters = (length: number): string =>
    Array.from({ length }, () => String.fromCharCode(0x41 + random.between(0, 25))).join('')
  const invented = (): string => {
    const name = Array.from({ length: random.between(2, 4) }, () => random.pick(SYLLABLES)).join('')
    return name.charAt(0).toUpperCase() + name.slice(1)
  }
  const named = (given: string): string => (random.chance(0.5) ? given : invented())
  const lastName = named(person.lastName)
  return {
    firstName: named(person.firstName),
    lastName,
    lastNameAscii: asciiName(lastName),
    otherName: named(person.lastName === lastName ? person.firstName : person.lastName),
    street: person.street,
    streetName: random.pick(STREETS),
    city: person.place.city,
    state: person.place.state,
    zip: person.zip,
    date: { year: random.between(1931, 2025), month: random.between(1, 12), day: random.between(1, 28) },
    oldAge: random.between(90, 104),
    phone: person.phone,
    email: person.email ?? `${asciiName(lastName)}${index}@example.org`,
    ssn: person.ssn ?? `9${number(2)}-1${number(1)}-${number(4)}`,
    mrn: person.mrn,
    mbi: `1${pick(random, MBI_LETTERS)}${number(1)}${number(1)}${pick(random, MBI_LETTERS)}${number(1)}${number(1)}${pick(random, MBI_LETTERS)}${pick(random, MBI_LETTERS)}${number(2)}`,
    card: withLuhn(`4${number(14)}`, ''),
    iban: iban(number(18)),
    npi: withLuhn(`1${number(8)}`, '80840'),
    dea: dea(random, number(6)),
    vin: vin(random),
    mac: Array.from({ length: 6 }, () => random.between(0, 255).toString(16).padStart(2, '0')).join(':'),
    ip: Array.from({ length: 4 }, () => random.between(1, 254)).join('.'),
    latitude: (random.between(250_000, 480_000) / 10_000).toFixed(4),
    longitude: (-random.between(700_000, 1_240_000) / 10_000).toFixed(4),
    number,
    letters,
  }
}

const pick = (random: Random, signs: string): string => signs.charAt(random.between(0, signs.length - 1))

/** With the check digit of ISO/IEC 7812-1; the prefix counts and is not shown. */
function withLuhn(digits: string, prefix: string): string {
  const sum = Array.from(prefix + digits, Number)
    .toReversed()
    .reduce((total, digit, at) => total + (at % 2 === 1 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0)
  return digits + String((10 - (sum % 10)) % 10)
}

function iban(account: string): string {
  // DE00 as numbers: D is 13, E is 14.
  const rest = BigInt(`${account}131400`) % 97n
  return `DE${String(98n - rest).padStart(2, '0')}${account}`
}

function dea(random: Random, digits: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from(digits, Number)
  return `${pick(random, 'ABFM')}${pick(random, 'ABCDEFGHJKLMNPRST')}${digits}${(a + c + e + 2 * (b + d + f)) % 10}`
}

const VIN_VALUES: Readonly<Record<string, number>> = Object.fromEntries(
  Array.from('ABCDEFGHJKLMNPRSTUVWXYZ', (letter, at) => [
    letter,
    [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9][at] ?? 0,
  ]),
)
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]

function vin(random: Random): string {
  const signs = Array.from({ length: 17 }, () => pick(random, VIN_SIGNS))
  const sum = signs.reduce((total, sign, at) => total + (VIN_VALUES[sign] ?? Number(sign)) * (VIN_WEIGHTS[at] ?? 0), 0)
  return signs.with(8, sum % 11 === 10 ? 'X' : String(sum % 11)).join('')
}
