import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestOf, ScopeKeys } from './scope-keys.ts'

describe('digestOf', () => {
  it('tells scopes apart whose parts run together', () => {
    const digests = [
      { group: 'a', purpose: 'b', target: 'c' },
      { group: 'ab', purpose: '', target: 'c' },
      { group: 'a', purpose: '', target: 'bc' },
      { group: '', purpose: 'ab', target: 'c' },
      { group: 'a\0b', purpose: '', target: 'c' },
    ].map((key) => digestOf(key).toString('hex'))
    expect(new Set(digests).size).toBe(digests.length)
    expect(digestOf({ group: 'a', purpose: 'b', target: 'c' }).toString('hex')).toBe(digests[0])
  })
})

describe('ScopeKeys', () => {
  const dataKey = randomBytes(32)
  const keys = new ScopeKeys('one', dataKey)
  const under = { phiClass: 'name', form: 'text', token: 'tok_1' } as const

  it('opens a value under its scope, class, form and token only', () => {
    const sealed = keys.seal('Zoë', under)
    expect(keys.open(sealed, under)).toBe('Zoë')
    expect(keys.open(sealed, { ...under, phiClass: 'mrn' })).toBeUndefined()
    expect(keys.open(sealed, { ...under, form: 'short' })).toBeUndefined()
    expect(keys.open(sealed, { ...under, token: 'tok_2' })).toBeUndefined()
    expect(new ScopeKeys('two', dataKey).open(sealed, under)).toBeUndefined()
    expect(new ScopeKeys('one', randomBytes(32)).open(sealed, under)).toBeUndefined()
  })

  it('finds the same value of the same class and form again, and tells nothing else', () => {
    const request = { phiClass: 'name', form: 'text', value: 'Zoë' } as const
    const index = keys.indexOf(request)
    expect(index).toHaveLength(32)
    expect(new ScopeKeys('one', dataKey).indexOf({ ...request })).toEqual(index)
    const others = [
      keys.indexOf({ ...request, phiClass: 'mrn' }),
      keys.indexOf({ ...request, form: 'short' }),
      keys.indexOf({ ...request, value: 'Zoe' }),
      new ScopeKeys('two', dataKey).indexOf(request),
      new ScopeKeys('one', randomBytes(32)).indexOf(request),
    ]
    expect(others.some((other) => other.equals(index))).toBe(false)
  })

  it('keeps the parts of what it indexes apart', () => {
    const one = keys.indexOf({ phiClass: 'name', form: 'text', value: 'x' })
    const two = keys.indexOf({ phiClass: 'name', form: 'text', value: '\0x' })
    expect(one.equals(two)).toBe(false)
  })
})
