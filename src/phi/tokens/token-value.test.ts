import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { canonicalNumber } from './canonical-number.ts'
import { readDateConstant } from './date-constant.ts'
import { readValue, tokenFormOf, writeValue } from './token-value.ts'

const [INT8, INT2, INT4, TEXT, JSON_OID, FLOAT8, BPCHAR, VARCHAR, DATE] = [20, 21, 23, 25, 114, 701, 1042, 1043, 1082]
const [TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, JSONB] = [1114, 1184, 1700, 2950, 3802]

function formOf(typeOid: number, format = 0, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return form
}

function read(typeOid: number, value: string | Buffer, format = 0): string | undefined {
  const bytes = Buffer.from(value)
  return readValue(
    formOf(typeOid, format),
    Buffer.concat([Buffer.from('1'), bytes, Buffer.from('2')]),
    1,
    1 + bytes.length,
  )
}

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
/** Microseconds since 2000-01-01, as timestamp_send writes them. */
function timestampCell(iso: string, more: bigint): Buffer {
  const cell = Buffer.alloc(8)
  cell.writeBigInt64BE(BigInt(Date.parse(iso) - Date.UTC(2000, 0, 1)) * 1000n + more)
  return cell
}
const uuid = '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11'

describe('readValue', () => {
  it.each([
    [TEXT, 'Ann', 'Ann'],
    [TEXT, ' Ann ', ' Ann '],
    [TEXT, '', ''],
    [TEXT, 'Zoë 😀', 'Zoë 😀'],
    [BPCHAR, 'Ann   ', 'Ann'],
    [INT4, '-5', '-5'],
    [INT4, ' +007 ', '7'],
    [INT4, '-0', '0'],
    [INT4, '5.0', '5'],
    [INT4, '5.5', undefined],
    [INT4, 'abc', undefined],
    [INT8, '9223372036854775807', '9223372036854775807'],
    [NUMERIC, '12.500', '12.5'],
    [NUMERIC, '0012.00', '12'],
    [NUMERIC, '-0.00', '0'],
    [NUMERIC, '.5', '0.5'],
    [NUMERIC, '5.', '5'],
    [NUMERIC, '1.5e3', '1500'],
    [NUMERIC, '15e-3', '0.015'],
    [NUMERIC, '-1E+2', '-100'],
    [NUMERIC, '1e9999', undefined],
    [NUMERIC, 'NaN', undefined],
    [NUMERIC, 'Infinity', undefined],
    [NUMERIC, '', undefined],
    [NUMERIC, '.', undefined],
    [UUID, uuid, uuid],
    [UUID, `{${uuid.toUpperCase()}}`, uuid],
    [UUID, uuid.replaceAll('-', ''), uuid],
    [UUID, '0c8f-2cf4-5ab3-4bb1-9d9c-1f9a-2f0e-8a11', uuid],
    [UUID, `{${uuid}`, undefined],
    [UUID, 'x', undefined],
    [DATE, '1984-01-01', '1984-01-01'],
    [JSON_OID, '{"a":1}', '{"a":1}'],
  ] as const)('of type %d reads %j as %j in text', (typeOid, value, expected) => {
    expect(read(typeOid, value)).toBe(expected)
  })

  it.each([
    [TEXT, Buffer.from('Zoë'), 'Zoë'],
    [INT4, hex('fffffffb'), '-5'],
    [INT4, hex('00'), undefined],
    [INT2, hex('0007'), '7'],
    [INT8, hex('7fffffffffffffff'), '9223372036854775807'],
    [FLOAT8, hex('4028000000000000'), '12'],
    [NUMERIC, hex('0002 0000 0000 0002 000c 1388'), '12.5'],
    [NUMERIC, hex('0000 0000 c000 0000'), undefined],
    [UUID, hex(uuid.replaceAll('-', '')), uuid],
    [UUID, hex('00'), undefined],
    [DATE, hex('ffffe9f8'), '1984-07-23'],
    [DATE, hex('7fffffff'), undefined],
    [TIMESTAMP, timestampCell('1984-01-01T00:00:00Z', 0n), '1984-01-01T00:00:00.000000'],
    [TIMESTAMP, timestampCell('1984-01-01T00:00:00Z', -1n), '1983-12-31T23:59:59.999999'],
    [TIMESTAMPTZ, timestampCell('2026-07-23T12:34:56.789Z', 12n), '2026-07-23T12:34:56.789012+00'],
    [TIMESTAMP, hex('7fffffffffffffff'), undefined],
    [TIMESTAMP, hex('00'), undefined],
    [JSONB, Buffer.from('\u0001{"a": 1}'), '{"a": 1}'],
    [16, hex('01'), undefined],
  ] as const)('of type %d reads binary values', (typeOid, value, expected) => {
    expect(read(typeOid, value, 1)).toBe(expected)
  })

  it('has no value for what is not UTF-8: two of them would have one token', () => {
    expect(read(TEXT, hex('c3'))).toBeUndefined()
    expect(read(TEXT, hex('41ff'))).toBeUndefined()
  })

  it('never throws', () => {
    const oids = [16, 17, 18, 19, INT8, INT2, INT4, TEXT, JSON_OID, 142, FLOAT8, 700, 1009, BPCHAR, VARCHAR, DATE]
    fc.assert(
      fc.property(
        fc.constantFrom(...oids, TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, JSONB, 99_999),
        fc.constantFrom(0, 1),
        fc.uint8Array({ maxLength: 40 }),
        (typeOid, format, bytes) => {
          const value = read(typeOid, Buffer.from(bytes), format)
          expect(value === undefined || typeof value === 'string').toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('writeValue', () => {
  const values: fc.Arbitrary<readonly [number, string]> = fc.oneof(
    fc.tuple(
      fc.constantFrom(TEXT, VARCHAR),
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    ),
    fc.tuple(
      fc.constant(BPCHAR),
      fc.string().map((text) => text.replaceAll('\0', '').trimEnd()),
    ),
    fc.tuple(fc.constant(INT4), fc.integer().map(String)),
    fc.tuple(fc.constant(INT8), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
    fc.tuple(fc.constant(UUID), fc.uuid()),
    fc.tuple(
      fc.constant(NUMERIC),
      fc
        .tuple(
          fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
          fc.string({ unit: fc.nat({ max: 9 }).map(String), maxLength: 20 }),
        )
        .map(([whole, fraction]) => canonicalNumber(`${whole}.${fraction}`, true) ?? '0'),
    ),
  )

  it('is the reverse of reading, in both formats', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1), ([typeOid, value], format) => {
        const written = writeValue(formOf(typeOid, format), value)
        expect(read(typeOid, written ?? 'none', format)).toBe(value)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    [INT4, '2147483648'],
    [INT4, '5.5'],
    [INT4, 'Ann'],
    [INT2, '32768'],
    [INT8, '9223372036854775808'],
    [NUMERIC, 'Ann'],
    [NUMERIC, '1e5'],
    [UUID, 'Ann'],
    [UUID, uuid.toUpperCase()],
    [TEXT, 'a\0b'],
    [DATE, '1984-07-23'],
    [JSON_OID, 'Ann'],
    [16, 't'],
  ])('has nothing for type %d and %j', (typeOid, value) => {
    for (const format of [0, 1]) expect(writeValue(formOf(typeOid, format), value)).toBeUndefined()
  })

  it('keeps to the length of a limited type, and pads char(n)', () => {
    expect(writeValue(formOf(VARCHAR, 0, 4 + 3), 'Anna')).toBeUndefined()
    expect(writeValue(formOf(VARCHAR, 0, 4 + 3), 'Zoë')?.toString()).toBe('Zoë')
    expect(writeValue(formOf(BPCHAR, 0, 4 + 5), 'Ann')?.toString()).toBe('Ann  ')
  })

  it('writes numbers with a fraction as the server does', () => {
    expect(writeValue(formOf(NUMERIC, 1), '-12345.0067')?.toString('hex')).toBe(
      '00030001400000040001092900'.concat('43'),
    )
    expect(writeValue(formOf(NUMERIC, 1), '0.00001')?.toString('hex')).toBe('0001fffe0000000503e8')
  })
})

describe('tokenFormOf', () => {
  it.each([
    [TEXT, -1, 'name', 'text'],
    [TEXT, -1, 'email', 'email'],
    [TEXT, -1, 'phone', 'phone'],
    [TEXT, -1, 'fax', 'phone'],
    [VARCHAR, 4 + 36, 'email', 'email'],
    [VARCHAR, 4 + 35, 'email', 'text'],
    [VARCHAR, 4 + 22, 'name', 'text'],
    [VARCHAR, 4 + 21, 'name', 'short'],
    [VARCHAR, 4 + 21, 'phone', 'short'],
    [BPCHAR, 4 + 11, 'ssn', 'short'],
    [VARCHAR, 4 + 10, 'ssn', null],
    [19, -1, 'name', 'text'],
    [INT2, -1, 'mrn', null],
    [INT4, -1, 'mrn', 'integer'],
    [INT8, -1, 'mrn', 'bigint'],
    [NUMERIC, -1, 'mrn', 'bigint'],
    [FLOAT8, -1, 'mrn', null],
    [UUID, -1, 'mrn', 'uuid'],
    [DATE, -1, 'date', null],
    [JSON_OID, -1, 'name', null],
    [17, -1, 'name', null],
  ] as const)('of type %d with modifier %d and class %s is %s', (typeOid, typmod, phiClass, expected) => {
    expect(tokenFormOf(formOf(typeOid, 0, typmod), phiClass)).toBe(expected)
  })
})

describe('canonicalNumber', () => {
  it('has one spelling for each number', () => {
    const number = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -20, max: 20 }))
    fc.assert(
      fc.property(number, fc.nat({ max: 5 }), ([digits, exponent], zeros) => {
        const plain = canonicalNumber(`${digits}e${exponent}`, true)
        const sign = digits < 0n ? '-' : ''
        const other = `${sign}${'0'.repeat(zeros)}${digits < 0n ? -digits : digits}${'0'.repeat(zeros)}e${exponent - zeros}`
        expect(canonicalNumber(other, true)).toBe(plain)
        expect(canonicalNumber(plain ?? '', true)).toBe(plain)
        expect(Number(plain)).toBeCloseTo(Number(`${digits}e${exponent}`), -40)
      }),
    )
  })
})

describe('readDateConstant', () => {
  const first = { year: 1984, month: 1, day: 1 }
  it.each([
    ['1984-01-01', first],
    ['1984/1/1', first],
    ['19840101', first],
    ['01/01/1984', first],
    ['1.1.1984', first],
    ['January 1, 1984', first],
    ['Jan-01-1984', first],
    ['1 Jan 1984', first],
    ['01-JAN-1984', first],
    ['1984-Jan-01', first],
    [' 1984-01-01 ', first],
    ['1984-07-23', { year: 1984, month: 7, day: 23 }],
  ])('reads %j', (text, expected) => {
    expect(readDateConstant(text)).toMatchObject({ ...expected, micros: undefined, offset: undefined })
  })

  it.each([
    ['1984-01-01 00:00:00', 0, undefined],
    ['1984-01-01T00:00', 0, undefined],
    ['1984-01-01 12:00:00+00', 43_200_000_000, 0],
    ['1984-01-01T12:00:00.5Z', 43_200_500_000, 0],
    ['1984-01-01 07:00:00-05:30', 25_200_000_000, -19_800],
    ['1984-01-01 12:00:00 UTC', 43_200_000_000, 0],
    ['19840101T000000', 0, undefined],
  ])('reads the time in %j', (text, micros, offset) => {
    expect(readDateConstant(text)).toEqual({ ...first, micros, offset })
  })

  it.each([
    '',
    'Ann',
    '1984',
    '1984-01',
    'infinity',
    '1984-01-01 BC',
    '1984-01-01 12',
    '1984-01-01 12:00 Europe/Berlin',
    'x'.repeat(99),
  ])('does not read %j', (text) => {
    expect(readDateConstant(text)).toBeUndefined()
  })
})
