/** The two databases that differ in nothing but the values of PHI. */
export const SIDES = ['a', 'b'] as const
export type Side = (typeof SIDES)[number]

export const PATIENTS = 12
export const VISITS = 18

/** Values of PHI of one side. What a masked client may be told (the year, the prefix of a ZIP code, an age) is the same on both. */
export interface TwinPatient {
  readonly mrn: string
  readonly name: string
  readonly alias: string
  readonly ssn: string
  readonly born: string
  readonly seen: string
  readonly zip: string
  readonly age: number
  readonly weight: string
  readonly member: string
  readonly token: string
  readonly photo: string
  readonly tags: readonly string[]
  readonly phone: string
  readonly initials: string
  readonly digits: string
  readonly record: string
  readonly folio: string
  readonly email: string
  readonly badge: string
  readonly code: string
}

export interface TwinVisit {
  readonly reason: string
  readonly day: string
  readonly at: string
  readonly referrer: string
  readonly cost: string
}

const SYLLABLES: Readonly<Record<Side, readonly string[]>> = {
  a: ['qvor', 'blax', 'zynd', 'rimq', 'thux', 'wexo', 'kraz', 'jiqu'],
  b: ['pfex', 'gwyz', 'vokj', 'dhuq', 'xilm', 'czor', 'yubx', 'nyqf'],
}

/** A regular expression for two syllables of either side: words of PHI have three and more. */
export const VALUE_PIECE = Object.values(SYLLABLES)
  .map((syllables) => `(${syllables.join('|')}){2}`)
  .join('|')

/** What breaks a format when it is not quoted well: between two words of a name. */
const SEPARATORS = [' ', ', ', ' "', "' ", '\\', '\n', '\t', ' (', '} ', ' ', ';', ' '] as const

/** Of the population list: the first two may be released, the third may not, and so is another one on the other side. */
const ZIP_PREFIXES: Readonly<Record<Side, readonly string[]>> = { a: ['021', '100', '036'], b: ['021', '100', '059'] }

const THIS_YEAR = new Date().getUTCFullYear()
const HEX_DIGITS = ['7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'] as const

const two = (value: number): string => String(value).padStart(2, '0')

/** The values of one side. Which of them are equal, and which are NULL, is the same on both; their order and length are not. */
export class TwinValues {
  readonly side: Side

  constructor(side: Side) {
    this.side = side
  }

  patient(index: number): TwinPatient {
    const isA = this.side === 'a'
    const born = index % 5 === 4 ? THIS_YEAR - 95 + (isA ? 0 : 3) : 1950 + index
    // Row 3 has the name of row 1, and some have their name as alias.
    const name = this.#name(index === 3 ? 1 : index)
    const social = this.#digits(9, index)
    const token = this.#hex(index)
    const phone = this.#digits(10, 80 + index)
    return {
      mrn: `${this.#word(0, index)}-${this.#digits(6, 20 + index)}`,
      name,
      alias: index % 4 === 0 ? name : this.#word(1, index),
      ssn: `${social.slice(0, 3)}-${social.slice(3, 5)}-${social.slice(5)}`,
      born: this.#date(born, index),
      seen: `${this.#date(2015 + (index % 3), index)} ${this.#time(index)}+00`,
      zip: `${ZIP_PREFIXES[this.side][index % 3]}${this.#digits(2, Math.floor(index / 3))}`,
      age: index % 6 === 5 ? (isA ? 93 : 107) : 30 + index,
      weight: `${!isA && index % 2 === 0 ? '-' : ''}${this.#digits(4, 40 + index)}.${this.#digits(3, index)}`,
      member: this.#digits(isA ? 12 : 14, 60 + index),
      token: `${token.slice(0, 8)}-${token.slice(8, 12)}-4${token.slice(12, 15)}-8${token.slice(15, 18)}-${token.slice(18, 30)}`,
      photo: Buffer.from(this.#word(2, index)).toString('hex'),
      tags: [this.#word(3, index), index % 2 === 0 ? this.#name(index) : this.#word(4, index)],
      phone,
      initials: this.#syllables(2, index),
      // Digits on one side, none on the other: a cast tells them apart by failing, and a comparison by what is equal.
      record: this.#digits(isA ? 8 : 9, 160 + index),
      folio: this.#digits(isA ? 10 : 12, 320 + index),
      email: `${this.#word(11, index)}@${this.#word(12, index)}.${this.#syllables(1, index)}`,
      badge: this.#syllables(3, 13 * 32 + index),
      code: this.#syllables(3, 14 * 32 + index),
      digits: isA ? (index % 4 === 2 ? phone : this.#digits(7, 100 + index)) : this.#word(5, index),
    }
  }

  visit(index: number): TwinVisit {
    return {
      reason: `${this.#word(6, index)} and ${this.#word(7, index)}`,
      day: this.#date(2018 + (index % 2), index),
      at: `${this.#date(2020 + (index % 2), index + 3)} ${this.#time(index + 7)}`,
      referrer: index % 3 === 0 ? this.#name(index % PATIENTS) : this.#word(8, index),
      cost: `${this.#digits(5, 120 + index)}.${this.#digits(2, index % 9)}`,
    }
  }

  #name(index: number): string {
    return `${capital(this.#word(9, index))}${SEPARATORS[index % SEPARATORS.length]}${capital(this.#word(10, index))}`
  }

  /** Twelve letters, or sixteen on one of the sides; `kind` and `index` make them unique. */
  #word(kind: number, index: number): string {
    const longer = this.side === 'b' && index % 2 === 0
    return this.#syllables(3, kind * 32 + index) + (longer ? 'zwux' : '')
  }

  /** The number in the digits of the side, shuffled so that the order tells nothing about the other side. */
  #syllables(count: number, number: number): string {
    const syllables = SYLLABLES[this.side]
    return spelled(this.#shuffled(number, 8 ** count), 8, count, syllables)
  }

  /** From 7, 8 and 9, with which nothing that is no PHI is written. */
  #digits(length: number, number: number): string {
    return spelled(this.#shuffled(number, 3 ** length), 3, length, ['7', '8', '9'])
  }

  #hex(index: number): string {
    return [0, 1, 2, 3, 4].map((part) => spelled(this.#shuffled(index * 5 + part, 9 ** 6), 9, 6, HEX_DIGITS)).join('')
  }

  #shuffled(number: number, below: number): number {
    const [factor, offset] = this.side === 'a' ? [1_000_003, 17] : [999_983, 5]
    return ((((number + offset) * factor) % below) + below) % below
  }

  /** Never the first of January, and another month and day on the other side. */
  #date(year: number, index: number): string {
    const [month, day] = this.side === 'a' ? [2 + (index % 5), index * 11] : [7 + ((index * 5) % 6), index * 7 + 9]
    return `${year}-${two(month)}-${two(2 + (day % 26))}`
  }

  #time(index: number): string {
    const [hour, minute] = this.side === 'a' ? [index * 7, index * 13 + 1] : [index * 5 + 3, index * 17 + 30]
    return `${two(1 + (hour % 22))}:${two(minute % 60)}:07`
  }
}

function spelled(number: number, base: number, length: number, digits: readonly string[]): string {
  let rest = number
  let text = ''
  for (let place = 0; place < length; place++) {
    text = `${digits[rest % base]}${text}`
    rest = Math.floor(rest / base)
  }
  return text
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
