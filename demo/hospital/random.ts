/**
 * Reproducible random numbers for made-up patients: the same seed gives the same sequence on every machine. Not for
 * anything secret.
 */
export interface Random {
  /** An integer from 0 to 2^32 - 1. */
  u32(): number
  /** A number from 0 (included) to 1 (excluded). */
  fraction(): number
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** Roughly bell-shaped: the sum of three uniform numbers, so never further than 3 × `deviation` from `mean`. */
  around(mean: number, deviation: number): number
}

/**
 * Chris Doty-Humphrey's sfc32 (PractRand), the small fast counting generator with 128 bits of state.
 * @throws RangeError when the seed is not an integer from 0 to 2^53 - 1
 */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError('the seed must be an integer from 0 to 2^53 - 1')
  let a = seed | 0
  let b = Math.floor(seed / 2 ** 32) | 0
  let c = 0x9e3779b9 | 0
  let counter = 1
  const next = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + result) | 0
    return result >>> 0
  }
  for (let round = 0; round < 15; round++) next() // seeds that differ in one bit have diverged by then

  const fraction = (): number => next() / 2 ** 32
  return {
    u32: next,
    fraction,
    between: (low, high) => low + Math.floor(fraction() * (high - low + 1)),
    chance: (probability) => fraction() < probability,
    pick: (list) => {
      const item = list[Math.floor(fraction() * list.length)]
      if (item === undefined) throw new RangeError('cannot pick from an empty list')
      return item
    },
    around: (mean, deviation) => mean + (fraction() + fraction() + fraction() - 1.5) * 2 * deviation,
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hex16 = (value: number): string => `${HEX[(value >>> 8) & 255]}${HEX[value & 255]}`

/** A version 4 UUID (RFC 9562 section 5.4). */
export function randomUuid(random: Random): string {
  const a = random.u32()
  const b = random.u32()
  const c = random.u32()
  const d = random.u32()
  const version = 0x4000 | (b & 0x0fff)
  const variant = 0x8000 | (c & 0x3fff)
  return `${hex16(a >>> 16)}${hex16(a)}-${hex16(b >>> 16)}-${hex16(version)}-${hex16(variant)}-${hex16(c >>> 16)}${hex16(d >>> 16)}${hex16(d)}`
}

/** Repeats each item as often as its weight says, so that `pick` chooses by weight. */
export function weighted<T extends { readonly weight: number }>(items: readonly T[]): readonly T[] {
  return items.flatMap((item) => Array.from({ length: item.weight }, () => item))
}
