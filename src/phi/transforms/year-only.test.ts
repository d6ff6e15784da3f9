import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { yearOnly } from './year-only.ts'

const OLDEST = 1937

function run(typeOid: number, format: number, cell: Buffer | string, typmod = -1, oldest = OLDEST): Buffer | null {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  // In the middle of a larger buffer, as in a DataRow.
  const source = Buffer.concat([Buffer.from('99'), Buffer.from(cell), Buffer.from('99')])
  return yearOnly(form, oldest)(source, 2, source.length - 2)
}
const text = (typeOid: number, cell: string, typmod = -1) => run(typeOid, 0, cell, typmod)?.toString() ?? null

/** A timestamptz that was made from a date. */
function cast(format: number, cell: Buffer | string): string | null {
  const form = valueForm({ typeOid: 1184, typmod: -1, format })
  if (form === undefined) throw new Error('no form')
  const source = Buffer.from(cell)
  return yearOnly({ ...form, local: true }, OLDEST)(source, 0, source.length)?.toString() ?? null
}

function date(iso: string): Buffer {
  const cell = Buffer.alloc(4)
  cell.writeInt32BE((Date.parse(`${iso}T00:00:00Z`) - Date.UTC(2000, 0, 1)) / 86_400_000)
  return cell
}

function timestamp(iso: string, extraMicros = 0n): Buffer {
  const cell = Buffer.alloc(8)
  cell.writeBigInt64BE(BigInt(Date.parse(iso) - Date.UTC(2000, 0, 1)) * 1000n + extraMicros)
  return cell
}

describe('yearOnly', () => {
  it('turns dates into the first of January', () => {
    expect(text(1082, '1984-07-23')).toBe('1984-01-01')
    expect(run(1082, 1, date('1984-07-23'))).toEqual(date('1984-01-01'))
    expect(run(1082, 1, date('2000-01-01'))).toEqual(date('2000-01-01'))
    expect(run(1082, 1, date('1999-12-31'))).toEqual(date('1999-01-01'))
    expect(run(1082, 1, date('2024-12-31'))).toEqual(date('2024-01-01'))
  })

  it('agrees with the calendar on the first and last day of every year', () => {
    for (let y = 1; y <= 9999; y += 1) {
      const iso = String(y).padStart(4, '0')
      const first = date(`${iso}-01-01`)
      expect(run(1082, 1, first, -1, 1)).toEqual(first)
      expect(run(1082, 1, date(`${iso}-12-31`), -1, 1)).toEqual(first)
    }
  })

  it('turns timestamps into midnight or, with a zone, into noon UTC, whose year is the same everywhere', () => {
    expect(text(1114, '1984-07-23 04:05:06.789')).toBe('1984-01-01 00:00:00')
    expect(text(1184, '1984-07-23 04:05:06-04')).toBe('1984-01-01 12:00:00+00')
    expect(text(1184, '1984-07-23 04:05:06.5+05:30')).toBe('1984-01-01 12:00:00+00')
    expect(run(1114, 1, timestamp('1984-07-23T04:05:06Z'))).toEqual(timestamp('1984-01-01T00:00:00Z'))
    expect(run(1184, 1, timestamp('1984-07-23T04:05:06Z'))).toEqual(timestamp('1984-01-01T12:00:00Z'))
  })

  it('does not round the last microsecond of a year up', () => {
    for (const y of ['1999', '2000', '2284', '2286', '9999']) {
      const last = timestamp(`${y}-12-31T23:59:59.999Z`, 999n)
      expect(run(1114, 1, last)).toEqual(timestamp(`${y}-01-01T00:00:00Z`))
    }
    for (const y of ['0001', '1500', '1713', '1715']) {
      const last = timestamp(`${y}-12-31T23:59:59.999Z`, 999n)
      expect(run(1114, 1, last, -1, 1)).toEqual(timestamp(`${y}-01-01T00:00:00Z`))
    }
  })

  it('drops years from which an age over 89 follows', () => {
    expect(text(1082, '1937-01-01')).toBe('1937-01-01')
    expect(text(1082, '1936-12-31')).toBeNull()
    expect(run(1082, 1, date('1936-12-31'))).toBeNull()
    expect(run(1114, 1, timestamp('1900-01-02T00:00:00Z'))).toBeNull()
    expect(text(25, '1936-12-31')).toBeNull()
    expect(text(23, '1936')).toBeNull()
    expect(text(23, '1937')).toBe('1937')
  })

  it('keeps the spelling of timestamps in JSON', () => {
    expect(text(1114, '1984-07-23T04:05:06.7')).toBe('1984-01-01T00:00:00')
    expect(text(1184, '1984-07-23T04:05:06-04:00')).toBe('1984-01-01T12:00:00+00:00')
    expect(text(1114, '1936-07-23T04:05:06')).toBeNull()
    expect(text(25, '1984-07-23T04:05:06Z')).toBe('1984')
  })

  it('tells the year of a timestamptz in UTC, whatever time zone the client has chosen', () => {
    for (const cell of ['2020-12-31 23:30:00-01', '2021-01-01 00:30:00+00', '2021-01-07 23:30:00+167']) {
      expect(text(1184, cell)).toBe('2021-01-01 12:00:00+00')
    }
    expect(text(1184, '2021-01-01 00:30:00+01')).toBe('2020-01-01 12:00:00+00')
  })

  it('tells the year as printed of a date that was cast to timestamptz, and none in binary', () => {
    expect(cast(0, '2021-01-01 00:00:00+05:30')).toBe('2021-01-01 12:00:00+00')
    expect(cast(1, Buffer.alloc(8))).toBeNull()
  })

  it('has no year for infinity, BC, five digits, other date styles and damaged cells', () => {
    for (const cell of [
      'infinity',
      '-infinity',
      '0044-03-15 BC',
      '12345-01-02',
      '23/07/1984',
      '1984-13-01',
      '1984-07-3',
      '',
    ]) {
      expect(text(1082, cell)).toBeNull()
    }
    for (const cell of [
      'infinity',
      '0044-03-15 00:00:00 BC',
      '12345-01-02 00:00:00',
      '1984-07-23',
      '1984-07-23t04:05:06',
      '0044-03-15T00:00:00 BC',
    ]) {
      expect(text(1114, cell)).toBeNull()
      expect(text(1184, cell)).toBeNull()
    }
    expect(text(1184, 'Mon Jul 23 04:05:06 1984 EDT')).toBeNull()
    for (const days of [0x7fffffff, -0x80000000, 2_921_940, -730_120]) {
      const cell = Buffer.alloc(4)
      cell.writeInt32BE(days)
      expect(run(1082, 1, cell, -1, 1)).toBeNull()
    }
    for (const micros of [2n ** 63n - 1n, -(2n ** 63n)]) {
      const cell = Buffer.alloc(8)
      cell.writeBigInt64BE(micros)
      expect(run(1184, 1, cell, -1, 1)).toBeNull()
    }
    expect(run(1082, 1, Buffer.alloc(3))).toBeNull()
    expect(run(1114, 1, Buffer.alloc(4))).toBeNull()
  })

  it.each([
    ['1984', '1984'],
    ['1984-07', '1984'],
    ['1984-07-23', '1984'],
    ['1984/07/23', '1984'],
    ['1984-07-23T04:05:06Z', '1984'],
    ['1984-07-23 04:05', '1984'],
    ['19840723', '1984'],
    ['19840723040506', '1984'],
    ['198407230405', '1984'],
    ['1984-07-23  ', '1984'],
    ['07/23/1984', '[redacted]'],
    ['July 1984', '[redacted]'],
    ['1984-0', '[redacted]'],
    ['1984-00-01', '[redacted]'],
    ['1984-07-00', '[redacted]'],
    ['1984-07-2', '[redacted]'],
    ['1984-07/23', '[redacted]'],
    ['1984-07-23x', '[redacted]'],
    ['0044-03-15 BC', '[redacted]'],
    ['1144-03-15 BC', '[redacted]'],
    ['19847723', '[redacted]'],
    ['1984072304', '[redacted]'],
    ['99990723', '[redacted]'],
    ['198', '[redacted]'],
    ['', '[redacted]'],
  ])('reads a date in text: %j becomes %j', (cell, expected) => {
    expect(text(25, cell)).toBe(expected)
    expect(run(1043, 1, cell)?.toString()).toBe(expected)
  })

  it('pads char(n) and keeps to its limit', () => {
    expect(text(1042, '1984-07-23', 14)).toBe('1984      ')
    expect(text(1043, 'x', 8)).toBe('****')
  })

  it('keeps numbers of four digits', () => {
    expect(text(20, '1984')).toBe('1984')
    expect(text(1700, '1984')).toBe('1984')
    expect(text(23, '19840723')).toBeNull()
    expect(text(23, '-1984')).toBeNull()
    expect(run(23, 1, Buffer.from([0, 0, 0x07, 0xc0]))).toEqual(Buffer.from([0, 0, 0x07, 0xc0]))
    expect(run(23, 1, Buffer.from([0x01, 0, 0x07, 0xc0]))).toBeNull()
  })

  it('redacts what has no year', () => {
    expect(text(3802, '"1984-07-23"')).toBe('"[redacted]"')
    expect(text(1083, '04:05:06')).toBeNull()
    expect(text(1182, '{1984-07-23}')).toBe('{}')
  })
})
