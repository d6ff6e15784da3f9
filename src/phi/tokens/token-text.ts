import { assertNever } from '../../lib/assert-never.ts'
import { BASE32 } from '../base32.ts'
import { BASE32_CHECK, checkOf, DECIMAL_CHECK, HEX_CHECK, isUnharmed } from './check-code.ts'
import type { TokenForm } from './stand-ins.ts'

/** What `newToken` takes. */
export const TOKEN_RANDOM_BYTES = 16

const RANDOM_CHARACTERS = 16
const SHORT_RANDOM_CHARACTERS = 8

const TEXT_PREFIX = 'tok_'
const SHORT_PREFIX = '~'
const EMAIL_PREFIX = 'tok-'
/** RFC 2606: no host is ever below "invalid". */
const EMAIL_SUFFIX = '@token.invalid'
/** The country code 999 is not assigned, and a number of ITU-T E.164 has no more than 15 digits. */
const PHONE_PREFIX = '+999'
const PHONE_RANDOM_DIGITS = 16
/** "tok" in ASCII. */
const UUID_MARK = '746f6b'
/** Where its check digits stand. */
const UUID_CHECK = UUID_MARK.length

/** Characters that a text type needs to have room for. */
export const TOKEN_LENGTH = {
  text: TEXT_PREFIX.length + RANDOM_CHARACTERS + 2,
  short: SHORT_PREFIX.length + SHORT_RANDOM_CHARACTERS + 2,
  email: EMAIL_PREFIX.length + RANDOM_CHARACTERS + 2 + EMAIL_SUFFIX.length,
  phone: PHONE_PREFIX.length + PHONE_RANDOM_DIGITS + 2,
} as const

/** Tokens that are numbers, both bounds included. No id is that far below zero; the longer ones are exact in a double (RFC 7493, 2.2). */
export const NUMBER_TOKENS = {
  integer: { least: -(2 ** 31 - 1), greatest: -(2 ** 30) },
  bigint: { least: -(2 ** 53 - 1), greatest: -(2 ** 52) },
} as const

/**
 * A token of a form.
 *
 * @param random `TOKEN_RANDOM_BYTES` bytes
 */
export function newToken(form: TokenForm, random: Buffer): string {
  if (random.length !== TOKEN_RANDOM_BYTES) throw new RangeError(`a token is made from ${TOKEN_RANDOM_BYTES} bytes`)
  switch (form) {
    case 'text':
      return TEXT_PREFIX + base32Word(random, RANDOM_CHARACTERS)
    case 'short':
      return SHORT_PREFIX + base32Word(random, SHORT_RANDOM_CHARACTERS)
    case 'email':
      return EMAIL_PREFIX + base32Word(random, RANDOM_CHARACTERS) + EMAIL_SUFFIX
    case 'phone':
      return PHONE_PREFIX + decimalWord(random)
    case 'integer':
      return String(NUMBER_TOKENS.integer.greatest - (random.readUInt32BE() % 2 ** 30))
    case 'bigint':
      return String(
        NUMBER_TOKENS.bigint.greatest - ((random.readUInt32BE() % 2 ** 20) * 2 ** 32 + random.readUInt32BE(4)),
      )
    case 'uuid':
      return uuidToken(random)
    default:
      return assertNever(form)
  }
}

/** A token as its spelling says; 'malformed' for what is spelled like one, but has no valid check digits, length or case. */
export type TokenSpelling = { readonly form: TokenForm; readonly token: string } | 'malformed' | null

/** Nothing longer is spelled like a token. */
const MAX_LENGTH = 64
const TEXT_SHAPE = /^tok_(?<word>[0-9a-z]*)$/iu
const SHORT_SHAPE = /^~(?<word>[0-9a-z]{10})$/iu
const EMAIL_SHAPE = /^tok-(?<word>[0-9a-z]*)@token\.invalid$/iu
/** From 16 digits on it is no telephone number. */
const PHONE_SHAPE = /^\+999(?<word>[0-9]{13,})$/u

/** What a text says of itself: tokens of text, e-mail and phone shape, and UUIDs in the spelling of the server. */
export function recogniseToken(text: string): TokenSpelling {
  if (text.length > MAX_LENGTH) return null
  const uuid = recogniseUuid(text)
  if (uuid !== null) return uuid
  const check = (form: TokenForm, word: string | undefined, prefix: string, unharmed: (word: string) => boolean) => {
    if (word === undefined) return null
    const genuine = text.startsWith(prefix) && unharmed(word)
    return genuine ? ({ form, token: text } as const) : 'malformed'
  }
  const wordOf = (shape: RegExp) => shape.exec(text)?.groups?.['word']
  return (
    check('text', wordOf(TEXT_SHAPE), TEXT_PREFIX, (word) => isBase32Word(word, RANDOM_CHARACTERS)) ??
    check('short', wordOf(SHORT_SHAPE), SHORT_PREFIX, (word) => isBase32Word(word, SHORT_RANDOM_CHARACTERS)) ??
    check(
      'email',
      wordOf(EMAIL_SHAPE),
      EMAIL_PREFIX,
      (word) => isBase32Word(word, RANDOM_CHARACTERS) && text.endsWith(EMAIL_SUFFIX),
    ) ??
    check('phone', wordOf(PHONE_SHAPE), PHONE_PREFIX, isDecimalWord)
  )
}

/** Version 8 and variant 10 stand where RFC 9562 has them. */
const UUID_SHAPE = /^746f6b[0-9a-f]{2}-?[0-9a-f]{4}-?8[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/u

/** In another spelling than the server's it is a slip; for a column of UUIDs the server's is made of it before. */
function recogniseUuid(text: string): TokenSpelling {
  const bare = text.replaceAll(/[{}]/gu, '').toLowerCase()
  if (!UUID_SHAPE.test(bare)) return null
  const hex = bare.replaceAll('-', '')
  const isSpelledOut = uuidText(Buffer.from(hex, 'hex')) === text
  const digits = hexDigits(hex.slice(0, UUID_CHECK) + hex.slice(UUID_CHECK + 2) + hex.slice(UUID_CHECK, UUID_CHECK + 2))
  if (isUnharmed(digits, HEX_CHECK)) return isSpelledOut ? { form: 'uuid', token: text } : 'malformed'
  return isSpelledOut ? 'malformed' : null
}

/** A whole number in canonical spelling that lies where tokens do. Numbers have no check digits. */
export function recogniseNumberToken(number: string): TokenSpelling {
  if (!/^-[0-9]{10,16}$/u.test(number)) return null
  const value = Number(number)
  for (const form of ['integer', 'bigint'] as const) {
    const { least, greatest } = NUMBER_TOKENS[form]
    if (value >= least && value <= greatest) return { form, token: number }
  }
  return null
}

/** Candidates only, which may overlap; `recogniseToken` decides. */
const EMBEDDED =
  /(?=(?<candidate>tok[_-][0-9a-z]{18}(?:@token\.invalid)?|~[0-9a-z]{10}|\+999[0-9]{18}|746f6b[0-9a-f]{2}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}))/gu

/** Whether a token stands somewhere in a longer text. Tokens that are numbers are not looked for: a number has no spelling of its own there. */
export function holdsToken(text: string): boolean {
  for (const { groups } of text.matchAll(EMBEDDED)) {
    const found = recogniseToken(groups?.['candidate'] ?? '')
    if (found !== null && found !== 'malformed') return true
  }
  return false
}

function base32Word(random: Buffer, length: number): string {
  const digits = Array.from(random.subarray(0, length), (byte) => byte % BASE32.length)
  const check = checkOf(digits, BASE32_CHECK)
  return [...digits, Math.trunc(check / BASE32.length), check % BASE32.length].map((digit) => BASE32[digit]).join('')
}

/** @param length of the random part */
function isBase32Word(word: string, length: number): boolean {
  const digits = Array.from(word, (character) => BASE32.indexOf(character))
  return digits.length === length + 2 && !digits.includes(-1) && isUnharmed(digits, BASE32_CHECK)
}

function decimalWord(random: Buffer): string {
  const number = BigInt(`0x${random.toString('hex')}`) % 10n ** BigInt(PHONE_RANDOM_DIGITS)
  const digits = String(number).padStart(PHONE_RANDOM_DIGITS, '0')
  const check = checkOf(Array.from(digits, Number), DECIMAL_CHECK)
  return digits + String(check).padStart(2, '0')
}

function isDecimalWord(word: string): boolean {
  return word.length === PHONE_RANDOM_DIGITS + 2 && isUnharmed(Array.from(word, Number), DECIMAL_CHECK)
}

function uuidToken(random: Buffer): string {
  const bytes = Buffer.from(random)
  bytes.write(UUID_MARK, 'hex')
  bytes[6] = (random.readUInt8(6) & 0x0f) | 0x80
  bytes[8] = (random.readUInt8(8) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  bytes[3] = checkOf(hexDigits(hex.slice(0, UUID_CHECK) + hex.slice(UUID_CHECK + 2)), HEX_CHECK)
  return uuidText(bytes)
}

/** A UUID as the server writes it: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function hexDigits(hex: string): readonly number[] {
  return Array.from(hex, (digit) => Number.parseInt(digit, 16))
}
