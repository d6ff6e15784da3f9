import type { PermutedBits, Pseudonyms } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'
import type { CellTransform } from './cell.ts'
import { numberCell, numberReader } from './number-cells.ts'

/** A whole number that is not negative; a fraction of zeroes is none. */
const WHOLE = /^0*([0-9]+)(?:\.0*)?$/u
/** Numbers of at most this many digits are below 2^31; of at most 18, below 2^63. */
const SHORT_DIGITS = 9
const LONG_DIGITS = 18
const INT4_SIZE = 2 ** 31
const INT8_SIZE = 2n ** 63n
const LOW_BITS = 32n
const LOW_MASK = 0xffff_ffffn
/** 96 bits. */
const DIGEST_BYTES = 12

/**
 * Whole numbers from 0 on get a negative number, so that a pseudonym is never taken for a number that is in use. Different
 * ones stay different: smallint is permuted within 15 bits; in the other types what is below 2^31 within 31 bits, so that a
 * value has one pseudonym in integer, bigint and numeric; below 2^63 within 63 bits. A longer numeric gets a
 * digest of 96 bits. Negative numbers and fractions become NULL.
 */
export function pseudonymNumber(form: ValueForm, pseudonyms: Pseudonyms): CellTransform {
  const read = numberReader(form)
  if (read === undefined) return () => null
  const small = form.kind === 'int2' ? 15 : 31
  return (source, start, end) => {
    const digits = WHOLE.exec(read(source, start, end) ?? '')?.[1]
    if (digits === undefined) return null
    if (digits.length <= SHORT_DIGITS) return cellOf(permuted(small, Number(digits)))
    const value = BigInt(digits)
    if (value < INT4_SIZE) return cellOf(permuted(small, Number(value)))
    if (digits.length <= LONG_DIGITS || value < INT8_SIZE) return cellOf(permutedLong(value))
    const canonical = Buffer.from(digits, 'latin1')
    const digest = pseudonyms.digest(canonical, 0, canonical.length).toString('hex', 0, DIGEST_BYTES)
    return cellOf(INT8_SIZE + BigInt(`0x${digest}`))
  }

  /** 0 gets -1, so that no bit of the range is lost. */
  function cellOf(n: bigint): Buffer | null {
    return numberCell(form, -n - 1n)
  }

  function permuted(bits: PermutedBits, value: number): bigint {
    const lower = bits - (bits >> 1)
    const [high, low] = pseudonyms.permute(bits, value >>> lower, value & ((1 << lower) - 1))
    return BigInt(high * 2 ** lower + low)
  }

  /**
   * Values below 2^31 have a range of their own, so that a long one must not land there: it goes on until it is outside. Each
   * walk ends, because the permutation leads back to where it came from.
   */
  function permutedLong(value: bigint): bigint {
    let walked = value
    do {
      const [high, low] = pseudonyms.permute(63, Number(walked >> LOW_BITS), Number(walked & LOW_MASK))
      walked = (BigInt(high) << LOW_BITS) | BigInt(low)
    } while (walked < INT4_SIZE)
    return walked
  }
}
