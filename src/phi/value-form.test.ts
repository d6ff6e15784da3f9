import { describe, expect, it } from 'vitest'
import { elementKind, type TypeLookup, valueForm } from './value-form.ts'

const form = (typeOid: number, typmod = -1, format = 0, typeOf?: TypeLookup) =>
  valueForm({ typeOid, typmod, format }, typeOf)

describe('valueForm', () => {
  it('knows built-in types and their length limits', () => {
    expect(form(25)).toEqual({ kind: 'text', binary: false, limit: undefined, elementOid: 0 })
    expect(form(1043, 14, 1)).toEqual({ kind: 'text', binary: true, limit: 10, elementOid: 0 })
    expect(form(1042, 6)?.limit).toBe(2)
    expect(form(19)?.limit).toBe(63)
    expect(form(1700, 655_366)?.limit).toBeUndefined()
    expect(form(1082)?.kind).toBe('date')
    expect(form(2950)?.kind).toBe('uuid')
    expect(form(1182)).toEqual({ kind: 'array', binary: false, limit: undefined, elementOid: 1082 })
  })

  it('has no neutral value for the rest', () => {
    for (const oid of [16, 22, 30, 600, 790, 829, 869, 1083, 1186, 1266, 2249, 2278, 3614, 3912, 4451, 99_999]) {
      expect(form(oid)?.kind).toBe('other')
    }
  })

  it('follows domains and recognises arrays and citext among user types', () => {
    const types = new Map([
      [20_001, { kind: 'd', baseOid: 20_002 }],
      [20_002, { kind: 'd', baseOid: 1043 }],
      [20_003, { kind: 'b', baseOid: 20_004 }],
      [20_004, { kind: 'e', baseOid: 0 }],
      [20_005, { kind: 'b', baseOid: 0, name: 'citext' }],
      [20_006, { kind: 'b', baseOid: 0, name: 'hstore' }],
      [20_007, { kind: 'd', baseOid: 20_007 }],
      [20_008, { kind: 'c', baseOid: 0 }],
    ])
    const typeOf: TypeLookup = (oid) => types.get(oid)
    expect(form(20_001, 9, 0, typeOf)).toEqual({ kind: 'text', binary: false, limit: 5, elementOid: 0 })
    expect(form(20_003, -1, 1, typeOf)).toEqual({ kind: 'array', binary: true, limit: undefined, elementOid: 20_004 })
    expect(form(20_005, -1, 0, typeOf)?.kind).toBe('text')
    for (const oid of [20_004, 20_006, 20_007, 20_008]) expect(form(oid, -1, 0, typeOf)?.kind).toBe('other')
  })

  it('sees through arrays and domains to what there is in them', () => {
    const types = new Map([
      [20_001, { kind: 'd', baseOid: 3802 }],
      [20_002, { kind: 'b', baseOid: 20_001 }],
    ])
    const typeOf: TypeLookup = (oid) => types.get(oid)
    expect([25, 1009, 1115, 20_002, 20_003].map((oid) => elementKind(oid, typeOf))).toEqual([
      'text',
      'text',
      'timestamp',
      'jsonb',
      'other',
    ])
  })

  it('has no form for a format that does not exist', () => {
    expect(form(25, -1, 2)).toBeUndefined()
    expect(form(25, -1, -1)).toBeUndefined()
  })
})
