import { randomBytes } from 'node:crypto'

/** Crockford's base32: no letter that can be taken for another letter or a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LENGTH = 12

/** 60 random bits. It is no secret: whoever knows it learns and may do nothing by that. */
export function newRequestId(): string {
  // 32 divides 256, so every character is equally likely.
  const characters = Array.from(randomBytes(LENGTH), (byte) => ALPHABET.charAt(byte % ALPHABET.length))
  return `apr-${characters.join('')}`
}

/** Whether a text from outside can be the id of a request. */
export const isRequestId = (text: string): boolean => /^apr-[0-9a-hjkmnp-tv-z]{12}$/.test(text)
