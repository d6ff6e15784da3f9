/**
 * A check code in the manner of ISO/IEC 7064: the digits of a word, check digits included, are a number that leaves 1 when it is
 * divided by a prime. It finds every slip of one digit, and every transposition of two, adjacent or not, because the
 * powers of the radix are all different within the length of a word (a test says so).
 */
export interface CheckCode {
  readonly radix: number
  readonly prime: number
}

/** MOD 97-10 of the standard: two decimal digits. */
export const DECIMAL_CHECK: CheckCode = { radix: 10, prime: 97 }
/** Two digits of base 32: the greatest prime below 1024. */
export const BASE32_CHECK: CheckCode = { radix: 32, prime: 1021 }
/** Two hexadecimal digits. The greatest prime below 256 whose powers of 16 do not repeat within a UUID. */
export const HEX_CHECK: CheckCode = { radix: 16, prime: 227 }

/** The two check digits that belong behind these, as one number. */
export function checkOf(digits: readonly number[], { radix, prime }: CheckCode): number {
  const shifted = (remainderOf(digits, { radix, prime }) * radix * radix) % prime
  return (prime + 1 - shifted) % prime
}

/** Whether digits that end with their check digits are unharmed. */
export function isUnharmed(digits: readonly number[], { radix, prime }: CheckCode): boolean {
  const [high = 0, low = 0] = digits.slice(-2)
  return high * radix + low < prime && remainderOf(digits, { radix, prime }) === 1
}

function remainderOf(digits: readonly number[], { radix, prime }: CheckCode): number {
  return digits.reduce((remainder, digit) => (remainder * radix + digit) % prime, 0)
}
