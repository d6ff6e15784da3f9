import { createCipheriv } from 'node:crypto'

/** As many as format-preserving encryption has (NIST SP 800-38G, FF1). */
const ROUNDS = 10
/** Halves of at most this many bits have their round functions as tables: a look-up is far cheaper than a block of AES. */
const TABLE_BITS = 16
const BLOCK = 16

/** The two halves of a number, the upper one first. */
export type Halves = readonly [high: number, low: number]

/**
 * A keyed permutation of the numbers from 0 to 2^bits - 1, at most 64 bits: an alternating Feistel network over halves of
 * `bits >> 1` and of the remaining bits, whose round functions are AES-256.
 *
 * @param key 32 bytes, used for nothing else.
 */
export function permutation(key: Buffer, bits: number): (high: number, low: number) => Halves {
  const upper = bits >> 1
  const lower = bits - upper
  const round = lower <= TABLE_BITS ? tableRounds(key, lower) : blockRounds(key)
  const upperMask = mask(upper)
  const lowerMask = mask(lower)
  return (high, low) => {
    let a = high
    let b = low
    for (let i = 0; i < ROUNDS; i += 1) {
      const c = ((a + round(i, b)) & (i % 2 === 0 ? upperMask : lowerMask)) >>> 0
      a = b
      b = c
    }
    return [a, b]
  }
}

/** 32 bits at most, as the operators of the language take them. */
function mask(bits: number): number {
  return bits === 32 ? -1 : (1 << bits) - 1
}

/** A random function a round, drawn at once from AES-256 in counter mode. */
function tableRounds(key: Buffer, bits: number): (round: number, half: number) => number {
  const size = 2 ** bits
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(BLOCK)).update(Buffer.alloc(ROUNDS * size * 2))
  const table = new Uint16Array(ROUNDS * size)
  for (let i = 0; i < table.length; i += 1) table[i] = stream.readUInt16BE(2 * i)
  return (round, half) => table[round * size + half] ?? 0
}

function blockRounds(key: Buffer): (round: number, half: number) => number {
  const cipher = createCipheriv('aes-256-ecb', key, null)
  cipher.setAutoPadding(false)
  const block = Buffer.alloc(BLOCK)
  return (round, half) => {
    block[0] = round
    block.writeUInt32BE(half, BLOCK - 4)
    return cipher.update(block).readUInt32BE(0)
  }
}
