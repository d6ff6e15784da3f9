import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { numberCell, numberReader } from './number-cells.ts'

function formOf(typeOid: number, format: number, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return form
}

const read = (typeOid: number, format: number, hexOrText: string) => {
  const bytes = Buffer.from(hexOrText, format === 1 ? 'hex' : 'utf8')
  const padded = Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')])
  return numberReader(formOf(typeOid, format))?.(padded, 1, 1 + bytes.length)
}

describe('numberReader', () => {
  // What numeric_send prints for each: digits, weight, sign, display scale, groups of four digits.
  it.each([
    [1700, '0000000000000000', '0000'],
    [1700, '00010000000000000005', '0005'],
    [1700, '00010001000000000001', '00010000'],
    [1700, '000200010000000004d21e61', '12347777'],
    [1700, '0002000000000002000c1388', '0012.5000'],
    [1700, '000200004000000200010bb8', '-0001.3000'],
    [1700, '0001ffff0000000303e8', '0000.1000'],
    [1700, '0001fffe0000000604d2', '0000.00001234'],
    [21, '8000', '-32768'],
    [23, '7fffffff', '2147483647'],
    [20, '8000000000000000', '-9223372036854775808'],
    [701, '3ff8000000000000', '1.5'],
    [700, '3fc00000', '1.5'],
  ])('reads %i %s', (oid, cell, expected) => {
    expect(read(oid, 1, cell)).toBe(expected)
  })

  it.each([
    [1700, '00000000c0000000'], // NaN
    [1700, '00000000d0000000'], // Infinity
    [1700, '0001000000000000'], // a group is missing
    [1700, '00010000000000002710'], // a group of 10,000
    [1700, '00010400000000000001'], // a weight of 1024
    [1700, 'ffff000000000000'],
    [1700, '00'],
    [23, '00'],
    [20, ''],
    [701, '7ff8000000000000'],
    [701, '7ff0000000000000'],
    [701, '7fe0000000000000'], // too long for plain notation
  ])('does not read %i %s', (oid, cell) => {
    expect(read(oid, 1, cell)).toBeUndefined()
  })

  it('reads text, and what is a number in it only', () => {
    expect(['5', '-12.50', '12.', '007'].map((text) => read(1700, 0, text))).toEqual(['5', '-12.50', '12.', '007'])
    expect(read(1042, 0, '12  ')).toBe('12')
    for (const text of ['NaN', 'Infinity', '1e5', '', '+5', '.5', '5 5', '1'.repeat(300)]) {
      expect(read(25, 0, text)).toBeUndefined()
    }
    expect(numberReader(formOf(1082, 0))).toBeUndefined()
  })
})

describe('numberCell', () => {
  it('writes what the reader reads, in text and binary', () => {
    const cases: readonly (readonly [number, number])[] = [
      [21, 16],
      [23, 32],
      [20, 64],
      [1700, 200],
    ]
    for (const [oid, bits] of cases) {
      const limit = 2n ** BigInt(bits - 1)
      fc.assert(
        fc.property(fc.bigInt({ min: -limit, max: limit - 1n }), fc.constantFrom(0, 1), (n, format) => {
          const form = formOf(oid, format)
          const cell = numberCell(form, n)
          expect(cell).not.toBeNull()
          const text = cell === null ? undefined : numberReader(form)?.(cell, 0, cell.length)
          expect(BigInt(text ?? 'x')).toBe(n)
        }),
      )
    }
  })

  it('has no cell for what does not fit', () => {
    expect(numberCell(formOf(21, 0), 32_768n)).toBeNull()
    expect(numberCell(formOf(23, 1), -(2n ** 31n) - 1n)).toBeNull()
    expect(numberCell(formOf(1043, 0, 6), 123n)).toBeNull()
    expect(numberCell(formOf(1082, 0), 1n)).toBeNull()
    expect(numberCell(formOf(701, 1), 5n)?.readDoubleBE()).toBe(5)
    expect(numberCell(formOf(700, 1), 5n)?.readFloatBE()).toBe(5)
  })
})
