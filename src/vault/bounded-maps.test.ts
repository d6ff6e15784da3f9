import { describe, expect, it } from 'vitest'
import { BoundedMaps } from './bounded-maps.ts'

const sized = (bytes: number, name = '') => ({ bytes, name })

describe('BoundedMaps', () => {
  it('keeps what is used and forgets what is not', () => {
    const maps = new BoundedMaps(1000)
    const map = maps.add<{ bytes: number; name: string }>()
    map.set('used', sized(10))
    map.set('unused', sized(10))
    for (let i = 0; i < 500; i++) {
      map.set(`other ${i}`, sized(10))
      expect(map.get('used')).toBeDefined()
    }
    expect(map.get('unused')).toBeUndefined()
    expect(map.size).toBeLessThanOrEqual(101)
  })

  it('has one bound for all of its maps', () => {
    const maps = new BoundedMaps(1000)
    const all = Array.from({ length: 50 }, () => maps.add<{ bytes: number }>())
    for (const map of all) for (let i = 0; i < 10; i++) map.set(`${i}`, sized(10))
    expect(all.reduce((sum, map) => sum + map.size, 0)).toBeLessThanOrEqual(101)
  })

  it('keeps nothing that would push out everything else', () => {
    const map = new BoundedMaps(1000).add<{ bytes: number }>()
    map.set('small', sized(10))
    map.set('huge', sized(900))
    expect(map.get('huge')).toBeUndefined()
    expect(map.get('small')).toBeDefined()
  })

  it('does not hold maps that are empty', () => {
    const maps = new BoundedMaps(1000)
    const kept = maps.add<{ bytes: number }>()
    for (let i = 0; i < 10_000; i++) {
      maps.add<{ bytes: number }>().set('gone', sized(10))
      maps.add<{ bytes: number }>()
      kept.set('kept', sized(10))
      expect(maps.held).toBeLessThanOrEqual(101)
    }
    expect(kept.get('kept')).toBeDefined()
  })

  it('replaces, deletes and clears', () => {
    const map = new BoundedMaps(1000).add<{ bytes: number; name: string }>()
    map.set('a', sized(10, 'first'))
    map.grow()
    map.set('a', sized(10, 'second'))
    expect(map.get('a')?.name).toBe('second')
    expect(map.size).toBe(1)
    map.delete('a')
    expect(map.get('a')).toBeUndefined()
    map.set('b', sized(10))
    map.grow()
    map.clear()
    expect(map.get('b')).toBeUndefined()
  })
})
