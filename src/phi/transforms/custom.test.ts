import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import type { CellTransform } from './cell.ts'
import { constant } from './constant.ts'
import { keepEnds } from './keep-ends.ts'
import { roundTo } from './round-to.ts'
import { truncate } from './truncate.ts'

const OLDEST = 1937

function formOf(typeOid: number, format = 0, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return form
}

/** The cell in the middle of other bytes, as in a message. */
function apply(transform: CellTransform, cell: string | Buffer): Buffer | null {
  const bytes = Buffer.from(cell)
  return transform(Buffer.concat([Buffer.from('12'), bytes, Buffer.from('34')]), 2, 2 + bytes.length)
}
const text = (transform: CellTransform, cell: string | Buffer) => apply(transform, cell)?.toString() ?? null

describe('constant', () => {
  it('stands for every text and JSON value', () => {
    expect(text(constant(formOf(25), 'hidden'), 'Smith')).toBe('hidden')
    expect(text(constant(formOf(1042, 0, 12), 'hidden'), 'Smith   ')).toBe('hidden  ')
    expect(text(constant(formOf(114), 'a "b"'), '{}')).toBe('"a \\"b\\""')
    expect(text(constant(formOf(3802, 1), 'x'), '\u0001{}')).toBe('\u0001"x"')
    expect(text(constant(formOf(25), ''), 'Smith')).toBe('')
  })

  it('is redaction where it does not fit', () => {
    expect(text(constant(formOf(1043, 0, 9), 'hidden'), 'Smith')).toBe('*****')
    expect(apply(constant(formOf(23), '0'), '5')).toBeNull()
    expect(apply(constant(formOf(1082), '2000-01-01'), '1984-07-23')).toBeNull()
  })
})

const masked = (first: number, last: number, value: string, typeOid = 25, typmod = -1) =>
  text(keepEnds(formOf(typeOid, 0, typmod), { first, last, fill: '…' }), value)

describe('keepEnds', () => {
  it.each([
    [1, 0, 'Smith', 'S…'],
    [0, 4, '4111111111111111', '…1111'],
    [2, 2, 'ABCDEFGH', 'AB…GH'],
    [1, 1, 'Łódź', 'Ł…ź'],
    [1, 0, '𝒜b', '𝒜…'],
    [1, 0, 'S', '[redacted]'],
    [2, 2, 'ABCDEFG', '[redacted]'],
    [1, 0, '', '[redacted]'],
    [1, 0, '\tab', '[redacted]'],
    [0, 1, 'ab\u007f', '[redacted]'],
  ])('keeps %i and %i of %j', (first, last, value, expected) => {
    expect(masked(first, last, value)).toBe(expected)
  })

  it('minds the type', () => {
    expect(masked(1, 0, 'Smith   ', 1042, 12)).toBe('S…      ')
    expect(masked(4, 4, 'ABCDEFGHABCDEFGHXX', 1043, 12)).toBe('********')
    expect(apply(keepEnds(formOf(23), { first: 1, last: 0, fill: '*' }), '12345')).toBeNull()
  })

  it('never shows more than it says, whatever the text', () => {
    const ends = fc.integer({ min: 0, max: 4 })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), ends, ends, (value, first, last) => {
        const result = masked(first, last, value)
        if (result === '[redacted]') return
        const characters = Array.from(value.replace(/ +$/u, ''))
        expect(characters.length).toBeGreaterThanOrEqual(2 * (first + last))
        const tail = last === 0 ? '' : characters.slice(-last).join('')
        expect(result).toBe(`${characters.slice(0, first).join('')}…${tail}`)
      }),
    )
  })
})

const day = (iso: string) => (Date.parse(`${iso}T00:00:00Z`) - Date.UTC(2000, 0, 1)) / 86_400_000

describe('truncate', () => {
  it.each([
    ['month', 1082, '1984-07-23', '1984-07-01'],
    ['quarter', 1082, '1984-08-31', '1984-07-01'],
    ['quarter', 1082, '1984-12-31', '1984-10-01'],
    ['decade', 1082, '1984-07-23', '1980-01-01'],
    ['month', 1114, '1984-07-23 04:05:06.7', '1984-07-01 00:00:00'],
    ['month', 1184, '1984-07-23 04:05:06-04', '1984-07-01 12:00:00+00'],
    ['quarter', 1184, '1984-09-23T04:05:06+00:00', '1984-07-01T12:00:00+00:00'],
    ['month', 25, '1984-07-23T04:05:06Z', '1984-07'],
    ['month', 25, '19840723', '1984-07'],
    ['quarter', 25, '1984/09', '1984-07'],
    ['decade', 25, '1984', '1980'],
    ['month', 25, '1984', '[redacted]'],
    ['month', 25, 'last summer', '[redacted]'],
    ['month', 1082, 'infinity', null],
    ['month', 1082, '1936-12-31', null],
    ['decade', 1082, '1936-12-31', null],
    ['decade', 1082, '1937-01-01', '1930-01-01'],
    ['month', 23, '1984', null],
  ] as const)('%s of %i %s', (to, oid, cell, expected) => {
    expect(text(truncate(formOf(oid), to, OLDEST), cell)).toBe(expected)
  })

  it('does the same in binary', () => {
    const date = Buffer.alloc(4)
    date.writeInt32BE(day('1984-08-31'))
    expect(apply(truncate(formOf(1082, 1), 'quarter', OLDEST), date)?.readInt32BE()).toBe(day('1984-07-01'))
    const stamp = Buffer.alloc(8)
    stamp.writeBigInt64BE(BigInt(day('1984-08-31')) * 86_400_000_000n + 86_399_999_999n)
    const micros = (oid: number) => apply(truncate(formOf(oid, 1), 'month', OLDEST), stamp)?.readBigInt64BE()
    expect(micros(1114)).toBe(BigInt(day('1984-08-01')) * 86_400_000_000n)
    expect(micros(1184)).toBe(BigInt(day('1984-08-01')) * 86_400_000_000n + 43_200_000_000n)
  })

  it('has no day before the first year', () => {
    expect(text(truncate(formOf(1082), 'decade', 1), '0005-03-01')).toBe('0001-01-01')
  })

  it('is as short as the type', () => {
    expect(text(truncate(formOf(1043, 0, 8), 'decade', OLDEST), '1984')).toBe('1980')
    expect(text(truncate(formOf(1043, 0, 8), 'month', OLDEST), '1984')).toBe('****')
  })
})

describe('roundTo', () => {
  it.each([
    [10, 23, '44', '40'],
    [10, 23, '45', '50'],
    [10, 23, '-45', '-40'],
    [100, 1700, '1234.56', '1200'],
    [5, 701, '12.4', '10'],
    [10, 25, '123', '120'],
    [10, 25, 'none', '[redacted]'],
    [10, 1700, 'NaN', null],
    [10, 23, '3', '0'],
    [1000, 21, '32700', null],
    [10, 1700, '90071992547409930', null],
    [10, 1082, '1984-07-23', null],
  ])('to %i: %i %s', (to, oid, cell, expected) => {
    expect(text(roundTo(formOf(oid), to), cell)).toBe(expected)
  })

  it('does the same in binary', () => {
    const cell = Buffer.alloc(8)
    cell.writeDoubleBE(47.9)
    expect(apply(roundTo(formOf(701, 1), 10), cell)?.readDoubleBE()).toBe(50)
    expect(apply(roundTo(formOf(1700, 1), 10), Buffer.from('0002000000000001000c1388', 'hex'))?.toString('hex')).toBe(
      '0001000000000000000a',
    )
    expect(apply(roundTo(formOf(23, 1), 10), Buffer.from('ffffffd3', 'hex'))?.readInt32BE()).toBe(-40)
  })
})
