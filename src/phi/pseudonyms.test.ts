import { createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPseudonyms } from './pseudonyms.ts'

const key = Buffer.alloc(32, 1)
const digest = (target: string, phiClass: 'name' | 'ssn', value: string, master = key) =>
  createPseudonyms([master], target, phiClass).digest(Buffer.from(`<${value}>`), 1, 1 + Buffer.byteLength(value))

describe('createPseudonyms', () => {
  it('is HMAC-SHA-256 under a key of HKDF-SHA-256, and stays that', () => {
    const info = 'chaperone pseudonym\0digest\0name\0hospital'
    const derived = Buffer.from(hkdfSync('sha256', key, '', info, 32))
    const expected = createHmac('sha256', derived).update('Müller').digest()
    expect(digest('hospital', 'name', 'Müller')).toEqual(expected)
  })

  it('tells apart targets, classes, keys and values', () => {
    const found = [
      digest('hospital', 'name', 'Smith'),
      digest('clinic', 'name', 'Smith'),
      digest('hospital', 'ssn', 'Smith'),
      digest('hospital', 'name', 'Smith', Buffer.alloc(32, 2)),
      digest('hospital', 'name', 'smith'),
    ]
    expect(new Set(found.map((one) => one.toString('hex'))).size).toBe(found.length)
  })

  it('permutes alike after every start', () => {
    const one = createPseudonyms([key], 'hospital', 'mrn')
    const other = createPseudonyms([key], 'hospital', 'mrn')
    for (const bits of [15, 31, 63] as const) {
      expect(one.permute(bits, 3, 5)).toEqual(other.permute(bits, 3, 5))
      expect(one.permute(bits, 3, 5)).not.toEqual(createPseudonyms([key], 'clinic', 'mrn').permute(bits, 3, 5))
    }
  })
})
