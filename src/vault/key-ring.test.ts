import { createSecretKey, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contextOf, KeyRing, open, seal } from './key-ring.ts'

const key = () => createSecretKey(randomBytes(32))

describe('seal and open', () => {
  it('give back what went in, under the same key and context only', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), (bytes, context, other) => {
        const one = key()
        const sealed = seal(one, Buffer.from(bytes), context)
        expect(open(one, sealed, context)).toEqual(Buffer.from(bytes))
        expect(open(key(), sealed, context)).toBeUndefined()
        if (other !== context) expect(open(one, sealed, other)).toBeUndefined()
      }),
    )
  })

  it('never give the same ciphertext twice', () => {
    const one = key()
    const sealed = Array.from({ length: 2000 }, () => seal(one, Buffer.from('value'), 'c').toString('hex'))
    expect(new Set(sealed).size).toBe(2000)
  })

  it('notice every changed, missing and added byte', () => {
    const one = key()
    const sealed = seal(one, Buffer.from('value'), 'c')
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(open(one, changed, 'c')).toBeUndefined()
      expect(open(one, sealed.subarray(0, i), 'c')).toBeUndefined()
    }
    expect(open(one, Buffer.concat([sealed, Buffer.alloc(1)]), 'c')).toBeUndefined()
  })
})

describe('contextOf', () => {
  it('has a different text for different parts', () => {
    expect(contextOf('a', 'bc')).not.toBe(contextOf('ab', 'c'))
    expect(() => contextOf('a\0', 'b')).toThrow(TypeError)
  })
})

describe('KeyRing', () => {
  const [current, previous, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const digest = randomBytes(32)
  const dataKey = randomBytes(32)

  it('unwraps what any of its keys has wrapped', () => {
    const before = new KeyRing(previous, [])
    const wrapped = before.wrap(dataKey, 'scope', digest)
    expect(wrapped.includes(dataKey)).toBe(false)
    const ring = new KeyRing(current, [previous])
    expect(ring.unwrap(wrapped, before.currentId, 'scope', digest)).toEqual(dataKey)
    expect(ring.unwrap(ring.wrap(dataKey, 'scope', digest), ring.currentId, 'scope', digest)).toEqual(dataKey)
  })

  it('says which key is missing, and unwraps nothing for another scope', () => {
    const other = new KeyRing(foreign, [])
    const wrapped = other.wrap(dataKey, 'scope', digest)
    const ring = new KeyRing(current, [previous])
    expect(() => ring.unwrap(wrapped, other.currentId, 'scope', digest)).toThrow(`${other.currentId} is not configured`)
    expect(() => ring.unwrap(wrapped, ring.currentId, 'scope', digest)).toThrow('cannot be unwrapped')
    expect(() => other.unwrap(wrapped, other.currentId, 'other', digest)).toThrow('cannot be unwrapped')
    expect(() => other.unwrap(wrapped, other.currentId, 'scope', randomBytes(32))).toThrow('cannot be unwrapped')
  })

  it('names keys the same in every process, and without saying what they are', () => {
    expect(new KeyRing(current, []).currentId).toBe(new KeyRing(current, [previous]).currentId)
    expect(new KeyRing(current, []).currentId).not.toBe(new KeyRing(previous, []).currentId)
    expect(current.toString('hex')).not.toContain(new KeyRing(current, []).currentId)
  })

  it('takes keys of 32 bytes only', () => {
    expect(() => new KeyRing(randomBytes(31), [])).toThrow(RangeError)
    expect(() => new KeyRing(current, [Buffer.alloc(0)])).toThrow(RangeError)
  })
})
