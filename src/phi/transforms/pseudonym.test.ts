import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PHI_CLASSES, type PhiClass } from '../classes.ts'
import { createPseudonyms } from '../pseudonyms.ts'
import { valueForm } from '../value-form.ts'
import { numberCell, numberReader } from './number-cells.ts'
import { pseudonym } from './pseudonym.ts'

const OLDEST = 1937
const key = Buffer.alloc(32, 9)
const ofClass = new Map(PHI_CLASSES.map((phiClass) => [phiClass, createPseudonyms([key], 't', phiClass)]))

function formOf(typeOid: number, format = 0, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return form
}

function cellOf(typeOid: number, value: string | Buffer, phiClass: PhiClass = 'name', format = 0, typmod = -1) {
  const pseudonyms = ofClass.get(phiClass)
  if (pseudonyms === undefined) throw new Error('no such class')
  const transform = pseudonym(formOf(typeOid, format, typmod), phiClass, pseudonyms, OLDEST)
  const bytes = Buffer.from(value)
  return transform(Buffer.concat([Buffer.from('12'), bytes, Buffer.from('34')]), 2, 2 + bytes.length)
}
const textOf = (...args: Parameters<typeof cellOf>) => cellOf(...args)?.toString() ?? null

describe('pseudonyms of text', () => {
  it('name their class and are the same for the same value', () => {
    for (const phiClass of PHI_CLASSES) {
      const found = textOf(25, 'Smith', phiClass)
      expect(found).toBe(textOf(1043, 'Smith', phiClass))
      if (phiClass === 'email') expect(found).toMatch(/^[0-9a-hjkmnp-tv-z]{54}@pseudonym\.invalid$/u)
      else if (phiClass === 'phone' || phiClass === 'fax') expect(found).toMatch(/^\+999[0-9]{20}$/u)
      else expect(found).toMatch(new RegExp(`^${phiClass}_[0-9a-hjkmnp-tv-z]{54}$`, 'u'))
    }
  })

  it('do not collide, and show nothing of the value', () => {
    const seen = new Set<string | null>()
    for (let i = 0; i < 20_000; i += 1) seen.add(textOf(25, `Patient ${i}`))
    expect(seen.size).toBe(20_000)
    expect(textOf(25, 'smith')).not.toBe(textOf(25, 'Smith'))
  })

  it('keep to the lengths of mail addresses', () => {
    const found = textOf(25, `${'zebediah.'.repeat(5)}@example.org`, 'email') ?? ''
    const [local = '', domain = ''] = found.split('@')
    expect(local.length).toBeLessThanOrEqual(64)
    for (const label of domain.split('.')) expect(label.length).toBeLessThanOrEqual(63)
    expect(domain).toMatch(/\.pseudonym\.invalid$/u)
  })

  it('fit limited types with as many bits as there is room for', () => {
    expect(textOf(1043, 'Smith', 'ssn', 0, 4 + 58)).toBe(textOf(25, 'Smith', 'ssn'))
    expect(textOf(1043, 'Smith', 'ssn', 0, 4 + 57)).toMatch(/^ssn_[0-9a-f]{24}$/u)
    const full = textOf(1043, 'Smith', 'ssn', 0, 4 + 28)
    expect(full).toMatch(/^ssn_[0-9a-f]{24}$/u)
    expect(textOf(1043, 'Smith', 'ssn', 0, 4 + 27)).toMatch(/^~[\w-]{26}$/u)
    expect(textOf(1043, 'Smith', 'ssn', 0, 4 + 11)).toMatch(/^~[\w-]{10}$/u)
    expect(textOf(1043, 'Smith', 'ssn', 0, 4 + 10)).toBe('[redacted]')
    expect(textOf(1043, 'Smith', 'ssn', 0, 4 + 9)).toBe('*********')
  })

  it('disregard the padding of char(n)', () => {
    expect(textOf(1042, 'Smith     ', 'name', 0, 4 + 60)?.trimEnd()).toBe(textOf(25, 'Smith'))
    expect(textOf(1042, 'Smith     ', 'name', 0, 4 + 40)).toHaveLength(40)
    expect(textOf(25, 'Smith ')).not.toBe(textOf(25, 'Smith'))
  })

  it('are strings in JSON', () => {
    expect(JSON.parse(textOf(114, '{"a":1}', 'mrn') ?? '')).toMatch(/^mrn_/u)
    expect(textOf(3802, '\u0001{"a": 1}', 'mrn', 1)).toBe(`\u0001${textOf(3802, '{"a": 1}', 'mrn')}`)
  })
})

describe('pseudonyms of UUIDs', () => {
  const value = '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11'
  it('are marked as such and agree between the formats', () => {
    const found = textOf(2950, value, 'mrn') ?? ''
    expect(found).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u)
    const binary = cellOf(2950, Buffer.from(value.replaceAll('-', ''), 'hex'), 'mrn', 1)
    expect(binary?.toString('hex')).toBe(found.replaceAll('-', ''))
  })

  it('are NULL for what is none', () => {
    expect(cellOf(2950, 'x')).toBeNull()
    expect(cellOf(2950, value.replace('0', 'g'))).toBeNull()
    expect(cellOf(2950, Buffer.alloc(15), 'mrn', 1)).toBeNull()
  })
})

describe('pseudonyms of numbers', () => {
  it('are negative, distinct, and the same in every type that is wide enough', () => {
    const seen = new Set<string | null>()
    for (let n = 0; n < 2000; n += 1) {
      const found = textOf(23, String(n), 'mrn')
      expect(Number(found)).toBeLessThan(0)
      expect(Number(found)).toBeGreaterThanOrEqual(-(2 ** 31))
      for (const oid of [20, 1700]) expect(textOf(oid, String(n), 'mrn')).toBe(found)
      seen.add(found)
    }
    expect(seen.size).toBe(2000)
    expect(textOf(1700, '5.00', 'mrn')).toBe(textOf(23, '5', 'mrn'))
  })

  it('do not collide in smallint', () => {
    const seen = new Set<string | null>()
    for (let n = 0; n < 32_768; n += 1) seen.add(textOf(21, String(n), 'mrn'))
    expect(seen.size).toBe(32_768)
    expect(seen.has(null)).toBe(false)
  })

  it('keep long numbers out of the range of short ones', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 31n, max: 2n ** 63n - 1n }), (n) => {
        const found = BigInt(textOf(20, String(n), 'mrn') ?? 'x')
        expect(found < -(2n ** 31n) && found >= -(2n ** 63n)).toBe(true)
        expect(textOf(1700, String(n), 'mrn')).toBe(String(found))
      }),
    )
    expect(BigInt(textOf(1700, String(2n ** 63n), 'mrn') ?? 'x') < -(2n ** 63n)).toBe(true)
    expect(textOf(1700, String(2n ** 63n), 'mrn')).not.toBe(textOf(1700, String(2n ** 63n + 1n), 'mrn'))
  })

  it('agree between the formats', () => {
    const number = fc.bigInt({ min: 0n, max: 2n ** 70n })
    fc.assert(
      fc.property(number, fc.constantFrom(21, 23, 20, 1700), (n, oid) => {
        const binary = numberCell(formOf(oid, 1), n)
        if (binary === null) return
        const found = cellOf(oid, binary, 'mrn', 1)
        const read = found === null ? undefined : numberReader(formOf(oid, 1))?.(found, 0, found.length)
        expect(BigInt(read ?? 'x')).toBe(BigInt(textOf(oid, String(n), 'mrn') ?? 'y'))
      }),
    )
  })

  it('are NULL for what could not keep its own', () => {
    for (const value of ['-5', '1.5', 'NaN', 'Infinity', '']) expect(cellOf(1700, value, 'mrn')).toBeNull()
    for (const oid of [700, 701]) expect(cellOf(oid, '5', 'mrn')).toBeNull()
  })
})

describe('what has no pseudonym', () => {
  it('keeps the year if it is a date, and is redacted else', () => {
    expect(textOf(1082, '1984-07-23', 'date-of-birth')).toBe('1984-01-01')
    expect(textOf(1082, '1930-07-23', 'date-of-birth')).toBeNull()
    expect(textOf(1114, '1984-07-23 04:05:06', 'date')).toBe('1984-01-01 00:00:00')
    expect(textOf(17, '\\x01')).toBe('\\x')
    expect(cellOf(16, 't')).toBeNull()
  })
})
