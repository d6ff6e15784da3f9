import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { redact } from './redact.ts'

function run(typeOid: number, format: number, typmod = -1): string | null {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return redact(form)(Buffer.from('secret'), 0, 6)?.toString('latin1') ?? null
}

describe('redact', () => {
  it('writes a constant that is valid for the type', () => {
    expect([0, 1].map((format) => run(25, format))).toEqual(['[redacted]', '[redacted]'])
    expect([0, 1].map((format) => run(114, format))).toEqual(['"[redacted]"', '"[redacted]"'])
    expect([0, 1].map((format) => run(3802, format))).toEqual(['"[redacted]"', '\u0001"[redacted]"'])
    expect([0, 1].map((format) => run(142, format))).toEqual(['<redacted/>', '<redacted/>'])
    expect([0, 1].map((format) => run(17, format))).toEqual(['\\x', ''])
    expect([0, 1].map((format) => run(18, format))).toEqual(['*', '*'])
    expect([0, 1].map((format) => run(1009, format))).toEqual(['{}', '\0\0\0\0\0\0\0\0\0\0\0\u0019'])
  })

  it('keeps to the length of varchar(n), char(n) and name', () => {
    expect(run(1043, 0, 4 + 12)).toBe('[redacted]')
    expect(run(1043, 0, 4 + 10)).toBe('[redacted]')
    expect(run(1043, 0, 4 + 9)).toBe('*********')
    expect(run(1043, 0, 4 + 1)).toBe('*')
    expect(run(1042, 0, 4 + 12)).toBe('[redacted]  ')
    expect(run(1042, 0, 4 + 1)).toBe('*')
    expect(run(19, 0)).toBe('[redacted]')
    expect(run(1042, 0, 4 + 10_000_000)?.length).toBe(255)
  })

  it('makes NULL of types without a neutral value', () => {
    for (const oid of [
      16, 20, 21, 23, 600, 700, 701, 790, 829, 869, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3912,
    ]) {
      expect([run(oid, 0), run(oid, 1)]).toEqual([null, null])
    }
  })
})
