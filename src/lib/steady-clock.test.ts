import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { steadyClock } from './steady-clock.ts'

describe('steadyClock', () => {
  it('goes with the wall clock while that goes as it should', () => {
    const time = { wall: 1000, monotonic: 5 }
    const clock = steadyClock(
      () => time.wall,
      () => time.monotonic,
    )
    time.wall += 70
    time.monotonic += 70
    expect(clock()).toBe(1070)
  })

  it('never goes back and is never slower than time, however the wall clock is set', () => {
    const step = fc.record({ passed: fc.nat(100_000), set: fc.integer({ min: -10_000_000, max: 10_000_000 }) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const time = { wall: 1_000_000_000, monotonic: 0 }
        const clock = steadyClock(
          () => time.wall,
          () => time.monotonic,
        )
        let before = clock()
        for (const { passed, set } of steps) {
          time.monotonic += passed
          time.wall += passed + set
          const now = clock()
          expect(now).toBeGreaterThanOrEqual(before + passed)
          expect(now).toBeGreaterThanOrEqual(time.wall)
          before = now
        }
      }),
    )
  })
})
