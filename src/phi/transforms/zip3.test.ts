import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { zip3 } from './zip3.ts'

function run(typeOid: number, format: number, cell: Buffer | string, typmod = -1): Buffer | null {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  const source = Buffer.concat([Buffer.from('99'), Buffer.from(cell), Buffer.from('99')])
  return zip3(form)(source, 2, source.length - 2)
}
const text = (cell: string, typmod = -1, typeOid = 25) => run(typeOid, 0, cell, typmod)?.toString() ?? null

describe('zip3', () => {
  it.each([
    ['02139', '021**'],
    ['02139-4307', '021**-****'],
    ['02139 4307', '021** ****'],
    ['021394307', '021******'],
    ['021', '021'],
    ['03601', '000**'],
    ['83001', '000**'],
    ['96201-1234', '000**-****'],
    ['00000', '000**'],
    ['2139', '[redacted]'],
    ['0213', '[redacted]'],
    ['02', '[redacted]'],
    ['', '[redacted]'],
    ['02139-430', '[redacted]'],
    ['02139_4307', '[redacted]'],
    ['0213a', '[redacted]'],
    ['02139-43a7', '[redacted]'],
    ['K1A 0B1', '[redacted]'],
    ['SW1A 1AA', '[redacted]'],
    ['021394', '[redacted]'],
  ])('%j becomes %j', (cell, expected) => {
    expect(text(cell)).toBe(expected)
  })

  it('fits char(n) and varchar(n)', () => {
    expect(text('02139     ', 14, 1042)).toBe('021**     ')
    expect(text('02139', 9, 1042)).toBe('021**')
    expect(text('2139', 9, 1043)).toBe('*****')
  })

  it('keeps the place of the digits in integers', () => {
    expect(text('2139', -1, 23)).toBe('2100')
    expect(text('90210', -1, 20)).toBe('90200')
    expect(text('3601', -1, 23)).toBe('0')
    expect(text('21394307', -1, 23)).toBeNull()
    expect(text('-2139', -1, 23)).toBeNull()
    expect(run(23, 1, Buffer.from([0, 1, 0x60, 0x62]))).toEqual(Buffer.from([0, 1, 0x60, 0x58]))
    expect(run(21, 1, Buffer.from([0x08, 0x5b]))).toEqual(Buffer.from([0x08, 0x34]))
    expect(run(20, 1, Buffer.from([0, 0, 0, 0, 0, 1, 0x60, 0x62]))).toEqual(Buffer.from([0, 0, 0, 0, 0, 1, 0x60, 0x58]))
  })

  it('redacts other types', () => {
    expect(text('02139', -1, 1700)).toBeNull()
    expect(text('"02139"', -1, 114)).toBe('"[redacted]"')
  })
})
