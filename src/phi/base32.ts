/** Crockford's base 32 in lower case: no i, l, o and u. */
export const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz'

const BITS = 5

/** The bytes as digits of 5 bits, the last one filled up with zeros. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    for (bits += 8; bits >= BITS; bits -= BITS) text += BASE32[(pending >>> (bits - BITS)) & 31]
    pending &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + BASE32[(pending << (BITS - bits)) & 31]
}

/** The bytes that `toBase32` has made a text of; undefined for any other text. */
export function fromBase32(text: string): Buffer | undefined {
  const bytes = Buffer.alloc((text.length * BITS) >>> 3)
  let pending = 0
  let bits = 0
  let at = 0
  for (const character of text) {
    const digit = BASE32.indexOf(character)
    if (digit < 0) return undefined
    pending = (pending << BITS) | digit
    bits += BITS
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = pending >>> bits
    pending &= (1 << bits) - 1
  }
  // What is left is less than a digit, and nothing: else another text would mean the same bytes.
  return bits < BITS && pending === 0 ? bytes : undefined
}
