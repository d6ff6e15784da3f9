import type { ByteWriter } from '../byte-writer.ts'

/**
 * Tokens of RFC 8259 in a buffer. Each function takes the position of the first byte of a token and gives the position
 * behind it, `INCOMPLETE` when the buffer ends within it, or `INVALID`.
 */
export const INCOMPLETE = -1
export const INVALID = -2

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LOWER_E = 0x65
const LOWER_U = 0x75
const FIRST_PRINTABLE = 0x20
/** What may follow a backslash, besides u: " \ / b f n r t (RFC 8259, section 7). */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'))

/** `at` is the opening quote. UTF-8 is not looked into: whoever compares a string has to. */
export function stringEnd(source: Buffer, at: number, end: number): number {
  let i = at + 1
  while (i < end) {
    const byte = source[i]!
    if (byte === QUOTE) return i + 1
    if (byte < FIRST_PRINTABLE) return INVALID
    if (byte === BACKSLASH) {
      i = escapeEnd(source, i, end)
      if (i < 0) return i
    } else i += 1
  }
  return INCOMPLETE
}

function escapeEnd(source: Buffer, at: number, end: number): number {
  if (at + 1 >= end) return INCOMPLETE
  const byte = source[at + 1]!
  if (byte !== LOWER_U) return ESCAPES.has(byte) ? at + 2 : INVALID
  for (let i = at + 2; i < at + 6; i += 1) {
    if (i >= end) return INCOMPLETE
    if (!isHexDigit(source[i]!)) return INVALID
  }
  return at + 6
}

/** `last`: nothing follows the buffer, so a number may end where it ends. */
export function numberEnd(source: Buffer, at: number, end: number, last: boolean): number {
  let i = source[at] === MINUS ? at + 1 : at
  const whole = i
  i = digitsEnd(source, i, end)
  if (i === whole) return i === end && !last ? INCOMPLETE : INVALID
  if (source[whole] === ZERO && i > whole + 1) return INVALID
  if (i < end && source[i] === POINT) {
    const fraction = i + 1
    i = digitsEnd(source, fraction, end)
    if (i === fraction) return i === end && !last ? INCOMPLETE : INVALID
  }
  if (i < end && (source[i]! | 0x20) === LOWER_E) {
    const sign = source[i + 1]
    const exponent = i + 1 < end && (sign === MINUS || sign === 0x2b) ? i + 2 : i + 1
    i = digitsEnd(source, exponent, end)
    if (i === exponent) return i === end && !last ? INCOMPLETE : INVALID
  }
  return i === end && !last ? INCOMPLETE : i
}

/** `literal` is true, false or null. */
export function literalEnd(source: Buffer, at: number, end: number, literal: Buffer): number {
  for (let i = 0; i < literal.length; i += 1) {
    if (at + i >= end) return INCOMPLETE
    if (source[at + i] !== literal[i]) return INVALID
  }
  return at + literal.length
}

function digitsEnd(source: Buffer, at: number, end: number): number {
  let i = at
  while (i < end && source[i]! >= ZERO && source[i]! <= NINE) i += 1
  return i
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20
  return (byte >= ZERO && byte <= NINE) || (lower >= 0x61 && lower <= 0x66)
}

/** Whether the string between `start` and `end` (quotes left out) has escapes. */
export function hasEscapes(source: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) if (source[i] === BACKSLASH) return true
  return false
}

/** What a string token means. `start` and `end` leave the quotes out; the token must have been read by `stringEnd`. */
export function unescaped(source: Buffer, start: number, end: number): Buffer {
  const text: unknown = JSON.parse(source.toString('utf8', start - 1, end + 1))
  return Buffer.from(String(text), 'utf8')
}

/** Writes the string token of a text. */
export function writeString(out: ByteWriter, text: Buffer): void {
  if (!isPlain(text)) {
    out.append(Buffer.from(JSON.stringify(text.toString('utf8'))))
    return
  }
  out.appendByte(QUOTE)
  out.append(text)
  out.appendByte(QUOTE)
}

function isPlain(text: Buffer): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i]!
    if (byte < FIRST_PRINTABLE || byte === QUOTE || byte === BACKSLASH) return false
  }
  return true
}

/** Whether these bytes are exactly one number. */
export function isNumber(bytes: Buffer): boolean {
  return bytes.length > 0 && numberEnd(bytes, 0, bytes.length, true) === bytes.length
}
