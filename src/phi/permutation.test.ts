import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { permutation } from './permutation.ts'

const key = Buffer.alloc(32, 7)

const half = (width: number) => fc.integer({ min: 0, max: 2 ** width - 1 })

const of = (fill: number, bits: number) => permutation(Buffer.alloc(32, fill), bits)(1, 1)

describe('permutation', () => {
  it('maps the range onto itself, one to one', () => {
    const permute = permutation(key, 15)
    const seen = new Set<number>()
    for (let n = 0; n < 2 ** 15; n += 1) {
      const [high, low] = permute(n >> 8, n & 0xff)
      expect(high < 2 ** 7 && low < 2 ** 8).toBe(true)
      seen.add(high * 256 + low)
    }
    expect(seen.size).toBe(2 ** 15)
  })

  it.each([31, 63])('stays within %i bits and does not collide', (bits) => {
    const upper = bits >> 1
    const lower = bits - upper
    const permute = permutation(key, bits)
    const numbers = fc.uniqueArray(fc.tuple(half(upper), half(lower)), { selector: String, minLength: 2 })
    fc.assert(
      fc.property(numbers, (values) => {
        const found = values.map(([high, low]) => permute(high, low))
        for (const [high, low] of found) {
          expect(Number.isInteger(high) && high >= 0 && high < 2 ** upper).toBe(true)
          expect(Number.isInteger(low) && low >= 0 && low < 2 ** lower).toBe(true)
        }
        expect(new Set(found.map(String)).size).toBe(values.length)
      }),
    )
  })

  it('does not collide on 200,000 numbers in a row, and hits both halves of the range alike', () => {
    const permute = permutation(key, 31)
    const seen = new Set<number>()
    let upper = 0
    for (let n = 0; n < 200_000; n += 1) {
      const [high, low] = permute(n >>> 16, n & 0xffff)
      seen.add(high * 2 ** 16 + low)
      if (high >= 2 ** 14) upper += 1
    }
    expect(seen.size).toBe(200_000)
    expect(Math.abs(upper - 100_000)).toBeLessThan(2000)
  })

  it('depends on the key and on the width', () => {
    expect(of(1, 31)).toEqual(of(1, 31))
    expect(of(1, 31)).not.toEqual(of(2, 31))
    expect(of(1, 63)).toEqual(of(1, 63))
    expect(of(1, 63)).not.toEqual(of(2, 63))
  })
})
