import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { age90 } from './age90.ts'

function run(typeOid: number, format: number, cell: Buffer | string, typmod = -1): Buffer | null {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  const source = Buffer.concat([Buffer.from('1'), Buffer.from(cell), Buffer.from('1')])
  return age90(form)(source, 1, source.length - 1)
}
const text = (cell: string, typeOid = 25, typmod = -1) => run(typeOid, 0, cell, typmod)?.toString() ?? null

function numeric(digits: readonly number[], weight: number, sign = 0, scale = 0): Buffer {
  const cell = Buffer.alloc(8 + 2 * digits.length)
  cell.writeInt16BE(digits.length)
  cell.writeInt16BE(weight, 2)
  cell.writeUInt16BE(sign, 4)
  cell.writeUInt16BE(scale, 6)
  for (const [i, digit] of digits.entries()) cell.writeInt16BE(digit, 8 + 2 * i)
  return cell
}

function float8(n: number): Buffer {
  const cell = Buffer.alloc(8)
  cell.writeDoubleBE(n)
  return cell
}

describe('age90', () => {
  it.each([
    ['0', '0'],
    ['45', '45'],
    ['89', '89'],
    ['89.99', '89'],
    ['90', '90+'],
    ['104', '90+'],
    ['90+', '90+'],
    ['95+', '90+'],
    ['45+', '[redacted]'],
    ['+', '[redacted]'],
    ['45 years', '[redacted]'],
    ['-1', '[redacted]'],
    ['ninety', '[redacted]'],
    ['1234567890', '[redacted]'],
    ['', '[redacted]'],
  ])('text %j becomes %j', (cell, expected) => {
    expect(text(cell)).toBe(expected)
  })

  it('fits short text', () => {
    expect(text('93', 1043, 6)).toBe('90')
    expect(text('93 ', 1042, 7)).toBe('90+')
    expect(text('45 ', 1042, 7)).toBe('45 ')
  })

  it('groups numbers at 90', () => {
    for (const typeOid of [20, 21, 23, 700, 701, 1700]) {
      expect(text('45', typeOid)).toBe('45')
      expect(text('90', typeOid)).toBe('90')
      expect(text('117', typeOid)).toBe('90')
      expect(text('-5', typeOid)).toBeNull()
    }
    expect(text('45.37', 701)).toBe('45')
    expect(text('NaN', 701)).toBeNull()
    expect(text('1e+300', 701)).toBeNull()
  })

  it('reads and writes binary numbers', () => {
    expect(run(23, 1, Buffer.from([0, 0, 0, 45]))).toEqual(Buffer.from([0, 0, 0, 45]))
    expect(run(23, 1, Buffer.from([0, 0, 0, 99]))).toEqual(Buffer.from([0, 0, 0, 90]))
    expect(run(23, 1, Buffer.from([0xff, 0xff, 0xff, 0xff]))).toBeNull()
    expect(run(21, 1, Buffer.from([0, 91]))).toEqual(Buffer.from([0, 90]))
    expect(run(20, 1, Buffer.from([0, 0, 0, 0, 0, 0, 0, 12]))).toEqual(Buffer.from([0, 0, 0, 0, 0, 0, 0, 12]))
    expect(run(20, 1, Buffer.from([0, 0, 0, 1, 0, 0, 0, 12]))).toBeNull()
    expect(run(701, 1, float8(45.9))).toEqual(float8(45))
    expect(run(701, 1, float8(91.5))).toEqual(float8(90))
    expect(run(701, 1, float8(Number.NaN))).toBeNull()
    expect(run(701, 1, float8(Number.POSITIVE_INFINITY))).toBeNull()
    const cell = Buffer.alloc(4)
    cell.writeFloatBE(3.5)
    expect(run(700, 1, cell)?.readFloatBE()).toBe(3)
  })

  it('reads and writes binary numerics', () => {
    expect(run(1700, 1, numeric([45, 3700], 0, 0, 2))).toEqual(numeric([45], 0))
    expect(run(1700, 1, numeric([], 0))).toEqual(numeric([], 0))
    expect(run(1700, 1, numeric([5000], -1, 0, 1))).toEqual(numeric([], 0))
    expect(run(1700, 1, numeric([1], 1))).toEqual(numeric([90], 0))
    expect(run(1700, 1, numeric([45], 0, 0x4000))).toBeNull()
    expect(run(1700, 1, numeric([], 0, 0xc000))).toBeNull()
    expect(run(1700, 1, numeric([10_000], 0))).toBeNull()
    expect(run(1700, 1, numeric([1], 9))).toBeNull()
    expect(run(1700, 1, numeric([45], 0).subarray(0, 9))).toBeNull()
  })

  it('redacts what is not a number', () => {
    expect(text('1984-07-23', 1082)).toBeNull()
    expect(text('45 years', 1186)).toBeNull()
    expect(text('45', 3802)).toBe('"[redacted]"')
  })
})
