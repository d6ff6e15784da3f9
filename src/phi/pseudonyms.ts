import { hkdfSync } from 'node:crypto'
import type { PhiClass } from './classes.ts'
import { hmacSha256 } from './hmac.ts'
import { type Halves, permutation } from './permutation.ts'
import { sealedTexts } from './sealed-text.ts'
import type { PermutedBits, Pseudonyms } from './transform-names.ts'

const KEY_BYTES = 32

/**
 * The pseudonyms of one class at one target. Nothing is stored: the same key gives the same ones on every gateway and after
 * every restart. Keys are derived with HKDF-SHA-256 (RFC 5869), so that values of different classes or targets cannot be
 * matched.
 *
 * @param masters of 32 random bytes: the first makes pseudonyms; those of the others can still be opened.
 */
export function createPseudonyms(
  masters: readonly [Buffer, ...Buffer[]],
  target: string,
  phiClass: PhiClass,
): Pseudonyms {
  const [master] = masters
  const derive = (use: string): Buffer => {
    const info = Buffer.from(['chaperone pseudonym', use, phiClass, target].join('\0'))
    return Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), info, KEY_BYTES))
  }
  const permutations = new Map<PermutedBits, (high: number, low: number) => Halves>()
  return {
    ...sealedTexts(masters, ['pseudonym', phiClass, target].join('\0')),
    digest: hmacSha256(derive('digest')),
    permute: (bits, high, low) => {
      let permute = permutations.get(bits)
      if (permute === undefined) {
        permute = permutation(derive(`permutation of ${bits} bits`), bits)
        permutations.set(bits, permute)
      }
      return permute(high, low)
    },
  }
}
