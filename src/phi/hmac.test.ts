import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hmacSha256 } from './hmac.ts'

describe('hmacSha256', () => {
  it('is what the library computes, for values of every length', () => {
    const key = Buffer.alloc(32, 3)
    const hmac = hmacSha256(key)
    const lengths = fc.oneof(fc.nat(200), fc.constantFrom(0, 63, 64, 4095, 4096, 4097, 100_000))
    fc.assert(
      fc.property(lengths, fc.nat(9), (length, offset) => {
        const source = Buffer.alloc(offset + length + 3, length % 251)
        const expected = createHmac('sha256', key)
          .update(source.subarray(offset, offset + length))
          .digest()
        expect(hmac(source, offset, offset + length)).toEqual(expected)
      }),
    )
  })
})
