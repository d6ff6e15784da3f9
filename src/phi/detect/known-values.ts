import { randomBytes } from 'node:crypto'
import type { PhiClass } from '../classes.ts'
import { ORDINARY_NAMES, STOP_WORDS } from './ordinary-names.ts'
import type { Span } from './span.ts'

/** What is looked for in text when it is masked elsewhere. Not dates, ages and places that many share: patterns find those. */
export const KNOWN_CLASSES: ReadonlySet<string> = new Set<PhiClass>([
  'name',
  'address',
  'phone',
  'fax',
  'email',
  'ssn',
  'mrn',
  'health-plan',
  'account',
  'license',
  'vehicle',
  'device',
  'url',
  'ip',
  'other-id',
])

export type Reach = 'row' | 'session'

interface Known {
  readonly class: PhiClass
  /** Only where the text begins the word with a capital letter. */
  readonly capitalOnly: boolean
}

/** Values longer than this are texts. In words and in letters and digits. */
const MAX_WORDS = 8
const MAX_SIGNS = 64
const MIN_LETTERS = 3
const MIN_DIGITS = 4
/** Without the row that they come from, short numbers mean too many things. */
const MIN_DIGITS_OF_SESSION = 6
/** Between two words of one value, like ", " or ") ". */
const MAX_GAP = 3
const DETECTOR = 'known-value'
/** The key of the hashes, another one in each process. */
const SEED_LOW = randomBytes(4).readInt32LE()
const SEED_HIGH = randomBytes(4).readInt32LE()

const NONE = 0
const LETTER = 1
const DIGIT = 2

/**
 * Values that are masked in columns, to be found again in text: whole words, whatever stands between them and in whatever
 * case and accents; of names also each of their words. Only keyed hashes of 53 bits are kept. That is no protection
 * against who reads the memory of the process, but no value lies about in it either. An equal hash of something else would
 * mask a word too many.
 *
 * What is found depends on the values, so it tells something of them. That is why names that are ordinary words do not count by
 * themselves; who can write into the text that is searched can find out all the same: see docs/detectors.md.
 */
export class KnownValues {
  readonly #known = new Map<number, Known>()
  readonly #limit: number
  readonly #reach: Reach
  #longest = 0

  /** @param limit more are forgotten, the oldest first. */
  constructor(limit: number, reach: Reach) {
    this.#limit = limit
    this.#reach = reach
  }

  get size(): number {
    return this.#known.size
  }

  clear(): void {
    if (this.#known.size > 0) this.#known.clear()
    this.#longest = 0
  }

  add(phiClass: PhiClass, value: string): void {
    if (!KNOWN_CLASSES.has(phiClass) || value.length > 4 * MAX_SIGNS) return
    const words = wordsOf(value)
    if (words.length === 0 || words.length > MAX_WORDS) return
    const isName = phiClass === 'name'
    if (!isName || words.length > 1) this.#addWhole(phiClass, words)
    if (isName) for (const word of words) this.#addNameWord(word)
    if (isName && words.length === 2) this.#addWhole(phiClass, words.toReversed())
  }

  /** Where the values stand in a text. */
  find(text: string): readonly Span[] {
    if (this.#known.size === 0) return []
    const signs = signsOf(text)
    const found: Span[] = []
    let previous = NONE
    for (let at = 0; at < signs.length; at += 1) {
      const kind = kindOf(signs[at]!)
      if (kind !== NONE && kind !== previous) this.#findFrom(at, signs, text, found)
      if (signs[at] !== MARK) previous = kind
    }
    return found
  }

  #addWhole(phiClass: PhiClass, words: readonly string[]): void {
    const joined = words.join('')
    const digits = joined.replaceAll(/[^0-9]/g, '').length
    const letters = joined.length - digits
    if (joined.length > MAX_SIGNS) return
    // One word without digits is a word like others, and would be found in texts that have nothing to do with it.
    const isWord = words.length === 1 && digits === 0
    const enough =
      this.#reach === 'row'
        ? letters >= MIN_LETTERS || joined.length >= MIN_DIGITS
        : digits >= MIN_DIGITS_OF_SESSION || letters >= MIN_LETTERS
    if (enough && !isWord) this.#remember(joined, { class: phiClass, capitalOnly: false })
  }

  #addNameWord(word: string): void {
    if (word.length < MIN_LETTERS || /[0-9]/.test(word) || STOP_WORDS.has(word) || ORDINARY_NAMES.has(word)) return
    this.#remember(word, { class: 'name', capitalOnly: this.#reach === 'session' })
  }

  #remember(joined: string, known: Known): void {
    let low = SEED_LOW
    let high = SEED_HIGH
    for (let i = 0; i < joined.length; i += 1) {
      low = mixLow(low, joined.charCodeAt(i))
      high = mixHigh(high, joined.charCodeAt(i))
    }
    const key = keyOf(low, high)
    const earlier = this.#known.get(key)
    this.#known.delete(key)
    this.#known.set(key, { ...known, capitalOnly: known.capitalOnly && (earlier?.capitalOnly ?? true) })
    this.#longest = Math.max(this.#longest, joined.length)
    if (this.#known.size <= this.#limit) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }

  /** The longest value that begins at `start`. */
  #findFrom(start: number, signs: Uint16Array, text: string, found: Span[]): void {
    let low = SEED_LOW
    let high = SEED_HIGH
    let length = 0
    let words = 0
    let best: { end: number; known: Known } | undefined
    let at = start
    while (at < signs.length && words < MAX_WORDS && length < this.#longest) {
      const kind = kindOf(signs[at]!)
      while (at < signs.length && (kindOf(signs[at]!) === kind || signs[at] === MARK)) {
        const sign = signs[at]!
        if (sign !== MARK) {
          low = mixLow(low, sign)
          high = mixHigh(high, sign)
          length += 1
        }
        at += 1
        if (length > this.#longest) break
      }
      words += 1
      const known = length > this.#longest ? undefined : this.#known.get(keyOf(low, high))
      if (known !== undefined && (!known.capitalOnly || isCapital(text.charAt(start)))) best = { end: at, known }
      const next = nextWord(signs, at)
      if (next - at > MAX_GAP || next === signs.length) break
      at = next
    }
    if (best !== undefined) found.push({ start, end: best.end, class: best.known.class, detector: DETECTOR })
  }
}

function mixLow(hash: number, sign: number): number {
  return Math.imul(hash ^ sign, 0x0100_0193) ^ (hash >>> 15)
}

function mixHigh(hash: number, sign: number): number {
  return Math.imul(hash + sign, 0x9e37_79b1) ^ (hash >>> 13)
}

function keyOf(low: number, high: number): number {
  return (low >>> 0) * 0x20_0000 + (high >>> 11)
}

/** Accents that are characters of their own: they belong to the word and say nothing. */
const MARK = 1
const COMBINING = /\p{M}/u
const LETTERS = /\p{L}/u
const DECIMAL = /\p{Nd}/u
/** Of every UTF-16 code unit seen so far: the sign that it counts as, plus one; 0 when it has not been seen. */
const SIGNS = new Uint16Array(0x1_0000)

/** The letters and digits of a text in lower case and without accents, at their places; 0 for everything else. */
function signsOf(text: string): Uint16Array {
  const signs = new Uint16Array(text.length)
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    const seen = SIGNS[code]!
    signs[i] = seen > 0 ? seen - 1 : learnSign(code)
  }
  return signs
}

function learnSign(code: number): number {
  const sign = signOf(String.fromCharCode(code))
  SIGNS[code] = sign + 1
  return sign
}

function signOf(character: string): number {
  if (COMBINING.test(character)) return MARK
  const plain = character.normalize('NFKD').charAt(0)
  if (DECIMAL.test(plain)) return plain.charCodeAt(0)
  if (!LETTERS.test(plain)) return isSurrogate(character) ? SURROGATE : 0
  const lower = plain.toLowerCase().charCodeAt(0)
  return UNACCENTED.get(lower) ?? lower
}

/** Letters of which a stroke is a part, that NFKD does not take off. */
const UNACCENTED: ReadonlyMap<number, number> = new Map(
  (['łl', 'øo', 'đd', 'ħh', 'ıi', 'ßs'] as const).map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
)

/** Half of a character beyond the first 65,536: taken for a letter, compared as it is not. */
const SURROGATE = 2
const isSurrogate = (character: string): boolean => /[\ud800-\udfff]/.test(character)

function kindOf(sign: number): number {
  if (sign === 0 || sign === MARK) return NONE
  return sign >= 0x30 && sign <= 0x39 ? DIGIT : LETTER
}

function nextWord(signs: Uint16Array, from: number): number {
  let at = from
  while (at < signs.length && kindOf(signs[at]!) === NONE) at += 1
  return at
}

/** The words of a value: runs of letters and runs of digits. */
function wordsOf(value: string): readonly string[] {
  const signs = signsOf(value)
  const words: string[] = []
  let word = ''
  let kind = NONE
  for (const sign of signs) {
    if (sign === MARK) continue
    const next = kindOf(sign)
    if (next !== kind && word !== '') {
      words.push(word)
      word = ''
    }
    if (next !== NONE) word += String.fromCharCode(sign)
    kind = next
  }
  if (word !== '') words.push(word)
  return words
}

function isCapital(character: string): boolean {
  return character !== character.toLowerCase()
}
