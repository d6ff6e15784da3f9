import { describe, expect, it } from 'vitest'
import { RandomlyNamed } from './browser-sessions.ts'

function at(limit: number) {
  const time = { wall: 1_000_000, monotonic: 500 }
  return {
    time,
    kept: new RandomlyNamed<string>(
      limit,
      () => time.wall,
      () => time.monotonic,
    ),
  }
}

describe('values under random names', () => {
  it('are found by their names until they end', () => {
    const { time, kept } = at(10)
    const name = kept.add('ana', time.wall + 100)
    expect(name).toMatch(/^[\w-]{43}$/)
    expect(kept.get(name)).toBe('ana')
    expect(kept.get(`${name.slice(1)}A`)).toBeUndefined()
    time.wall += 100
    expect(kept.get(name)).toBeUndefined()
    expect(kept.size).toBe(0)
  })

  it('do not live longer when the clock is set back', () => {
    const { time, kept } = at(10)
    const name = kept.add('ana', time.wall + 100)
    time.wall -= 1_000_000
    time.monotonic += 100
    expect(kept.get(name)).toBeUndefined()
  })

  it('can be taken once', () => {
    const { time, kept } = at(10)
    const name = kept.add('ana', time.wall + 100)
    expect(kept.take(name)).toBe('ana')
    expect(kept.take(name)).toBeUndefined()
  })

  it('give way to newer ones when there are too many, those that are over first', () => {
    const { time, kept } = at(3)
    const long = kept.add('long', time.wall + 1000)
    const short = kept.add('short', time.wall + 10)
    kept.add('third', time.wall + 1000)
    time.wall += 10
    const fourth = kept.add('fourth', time.wall + 1000)
    expect([kept.get(long), kept.get(short), kept.get(fourth)]).toEqual(['long', undefined, 'fourth'])
    kept.add('fifth', time.wall + 1000)
    expect(kept.get(long)).toBeUndefined()
    expect(kept.size).toBe(3)
  })
})
