import { describe, expect, it } from 'vitest'
import { BoundedMap } from './bounded-map.ts'

describe('BoundedMap', () => {
  it('forgets what was not used for longest', () => {
    const map = new BoundedMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    expect(map.get('a')).toBe(1)
    map.set('c', 3)
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2])
    map.set('a', 4)
    expect([map.get('a'), map.size]).toEqual([4, 2])
    map.delete('a')
    expect([map.get('a'), map.size]).toEqual([undefined, 1])
    map.clear()
    expect(map.size).toBe(0)
  })

  it('holds nothing when it may hold nothing', () => {
    const map = new BoundedMap<string, number>(0)
    map.set('a', 1)
    expect(map.get('a')).toBeUndefined()
  })
})
