import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GenerationalCache } from './generational-cache.ts'

describe('GenerationalCache', () => {
  it('keeps what is used and forgets what is not', () => {
    const cache = new GenerationalCache<number>(10, 1_000)
    cache.set('kept', 1, 1)
    cache.set('forgotten', 2, 1)
    for (let i = 0; i < 50; i++) {
      expect(cache.get('kept')).toBe(1)
      cache.set(`other ${i}`, i, 1)
    }
    expect(cache.get('forgotten')).toBeUndefined()
  })

  it('does not keep what is too large', () => {
    const cache = new GenerationalCache<number>(10, 100)
    cache.set('large', 1, 90)
    expect(cache.get('large')).toBeUndefined()
  })

  it('never answers with another key’s value and stays within its bounds', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 60 }),
      bytes: fc.integer({ min: 1, max: 20 }),
      set: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = new GenerationalCache<number>(20, 200)
        for (const { key, bytes, set } of steps) {
          if (set) cache.set(String(key), key, bytes)
          else expect([undefined, key]).toContain(cache.get(String(key)))
          expect(cache.size).toBeLessThanOrEqual(20)
        }
      }),
      { numRuns: 200 },
    )
  })
})
