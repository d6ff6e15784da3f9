import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ratio, spread } from './statistics.ts'

describe('spread', () => {
  it('takes the middle of an odd number of values, whatever their order', () => {
    expect(spread([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9, count: 3 })
  })

  it('takes the mean of the two middle values of an even number', () => {
    expect(spread([4, 1, 10, 2])).toEqual({ median: 3, min: 1, max: 10, count: 4 })
  })

  it('sorts as numbers, not as text', () => {
    expect(spread([100, 9, 20])?.median).toBe(20)
  })

  it('knows nothing of no values', () => {
    expect(spread([])).toBeUndefined()
  })

  it('leaves its argument as it was', () => {
    const values = [3, 1, 2]
    spread(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('has as many values on either side of the median', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
        const found = spread(values)
        if (found === undefined) throw new Error('no spread')
        const half = values.length / 2
        expect(values.filter((value) => value < found.median).length).toBeLessThanOrEqual(half)
        expect(values.filter((value) => value > found.median).length).toBeLessThanOrEqual(half)
        expect(found.min).toBe(Math.min(...values))
        expect(found.max).toBe(Math.max(...values))
      }),
    )
  })
})

describe('ratio', () => {
  it('is taken within each round before the median', () => {
    // The machine halves its speed for the second round: the ratios do not notice.
    const rounds = [
      { direct: 1000, gateway: 500 },
      { direct: 500, gateway: 260 },
      { direct: 1000, gateway: 540 },
    ]
    expect(ratio(rounds, 'gateway', 'direct', 'higher')).toEqual({ median: 0.52, min: 0.5, max: 0.54, count: 3 })
  })

  it('turns times around, so that more is better in every table', () => {
    expect(ratio([{ direct: 2, gateway: 4 }], 'gateway', 'direct', 'lower')?.median).toBe(0.5)
  })

  it('leaves out rounds in which one of the two is missing', () => {
    const rounds = [{ direct: 10, gateway: 5 }, { direct: 10 }, { gateway: 9 }, { direct: 10, gateway: undefined }]
    expect(ratio(rounds, 'gateway', 'direct', 'higher')).toEqual({ median: 0.5, min: 0.5, max: 0.5, count: 1 })
  })

  it('is undefined when there is nothing to compare with', () => {
    expect(ratio([{ gateway: 5 }], 'gateway', 'direct', 'higher')).toBeUndefined()
    expect(ratio([{ gateway: 5, direct: 0 }], 'gateway', 'direct', 'higher')).toBeUndefined()
  })
})
