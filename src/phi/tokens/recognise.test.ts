import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellTransform } from '../cell-transform.ts'
import type { Label } from '../labels.ts'
import { TRANSFORMS, type Transform } from '../transform-names.ts'
import { valueForm } from '../value-form.ts'
import { recognise } from './recognise.ts'
import { FakeStandIns } from './stand-ins-test-support.ts'
import { newToken, TOKEN_RANDOM_BYTES } from './token-text.ts'
import { readValue } from './token-value.ts'

const [INT8, INT2, INT4, TEXT, JSON_OID, FLOAT8, BPCHAR, VARCHAR, DATE] = [20, 21, 23, 25, 114, 701, 1042, 1043, 1082]
const [TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, JSONB] = [1114, 1184, 1700, 2950, 3802]

function formOf(typeOid: number, format = 0, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return form
}
const label = (transform: Transform, phiClass: Label['class'] = 'other-id'): Label => ({ class: phiClass, transform })
const kindOf = (text: string, typeOid: number, transform: Transform, typmod = -1) =>
  recognise(text, formOf(typeOid, 0, typmod), label(transform)).kind

const bytes = Buffer.alloc(TOKEN_RANDOM_BYTES, 9)
const text = newToken('text', bytes)
const short = newToken('short', bytes)
const email = newToken('email', bytes)
const phone = newToken('phone', bytes)
const integer = newToken('integer', bytes)
const bigint = newToken('bigint', bytes)
const uuid = newToken('uuid', bytes)

describe('recognise tokens', () => {
  it.each([
    [text, TEXT],
    [short, VARCHAR],
    [email, TEXT],
    [phone, TEXT],
    [uuid, TEXT],
    [text, INT4],
    [text, UUID],
    [text, DATE],
    [integer, INT4],
    [integer, INT8],
    [bigint, INT4],
    [bigint, INT8],
    [bigint, NUMERIC],
    [uuid, UUID],
    [integer, TEXT],
    [bigint, VARCHAR],
  ])('%s for type %d', (token, typeOid) => {
    for (const of of [label('token'), label('redact'), label('year'), undefined]) {
      expect(recognise(token, formOf(typeOid), of)).toEqual({ kind: 'token', token })
    }
  })

  it.each([
    [` ${integer}.0 `, INT4, integer],
    [`{${uuid.toUpperCase()}}`, UUID, uuid],
    [uuid.replaceAll('-', ''), UUID, uuid],
    [`${text}   `, BPCHAR, text],
  ])('in another spelling: %j for type %d', (spelled, typeOid, token) => {
    expect(recognise(spelled, formOf(typeOid), label('token'))).toEqual({ kind: 'token', token })
  })

  it.each([
    [text.toUpperCase(), TEXT],
    [` ${text}`, TEXT],
    [`${text} `, TEXT],
    [text.slice(0, -1), TEXT],
    [`${text.slice(0, -1)}!`.replace('!', 'i'), TEXT],
    [phone.slice(0, -1), TEXT],
    [uuid.toUpperCase(), TEXT],
  ])('not in a damaged one: %j', (spelled, typeOid) => {
    expect(recognise(spelled, formOf(typeOid), label('token')).kind).toBe('malformed')
  })

  it.each([
    ['-5', TEXT],
    ['-1500000000.0', TEXT],
    ['1500000000', TEXT],
    ['-5', INT4],
    ['', TEXT],
    ['Smith', TEXT],
    [`see ${text}`, TEXT],
    ['5', INT8],
    ['-1500000000.5', NUMERIC],
    ['0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11', UUID],
    ['1984-07-23', DATE],
    ['t', 16],
  ])('and nothing else: %j for type %d', (spelled, typeOid) => {
    expect(recognise(spelled, formOf(typeOid), label('token')).kind).toBe('value')
  })
})

const cut = (first: number, last: number, fill: string): Transform => ({ kind: 'keep-ends', first, last, fill })
const truncate = (to: 'month' | 'quarter' | 'decade'): Transform => ({ kind: 'truncate', to })

describe('recognise placeholders', () => {
  it.each([
    ['[redacted]', TEXT, 'redact'],
    ['[redacted]', TEXT, 'token'],
    ['[redacted]', VARCHAR, 'zip3'],
    ['[redacted]  ', BPCHAR, 'redact'],
    ['******', TEXT, 'redact'],
    ['*', 18, 'redact'],
    ['<redacted/>', 142, 'redact'],
    ['"[redacted]"', JSON_OID, 'redact'],
    ['{"[redacted]": "[redacted]"}', JSONB, 'redact'],
    ['{"name":{"[redacted 2]":"x"}}', JSON_OID, 'redact'],
    ['1984-01-01', DATE, 'year'],
    ['1984-01-01 00:00:00', DATE, 'year'],
    ['January 1, 1984', DATE, 'token'],
    ['1984-01-01 00:00:00', TIMESTAMP, 'year'],
    ['1984-01-01T00:00:00.000000', TIMESTAMP, 'year'],
    ['1984-01-01', TIMESTAMP, 'year'],
    ['1984-01-01 12:00:00+00', TIMESTAMPTZ, 'year'],
    ['1984-01-01T07:00:00-05:00', TIMESTAMPTZ, 'year'],
    ['1984-01-02T01:00:00+13', TIMESTAMPTZ, 'token'],
    ['1984-01-01 12:00:00', TIMESTAMPTZ, 'year'],
    ['1984', TEXT, 'year'],
    ['021', TEXT, 'zip3'],
    ['021**', TEXT, 'zip3'],
    ['000**-****', VARCHAR, 'zip3'],
    ['021** ****', TEXT, 'zip3'],
    ['021******', TEXT, 'zip3'],
    ['2100', INT4, 'zip3'],
    ['90+', TEXT, 'age90'],
    ['90', INT4, 'age90'],
    ['90.0', NUMERIC, 'age90'],
    ['****1111', TEXT, 'partial'],
    ['hidden', TEXT, { kind: 'constant', text: 'hidden' }],
    ['A--yz', TEXT, cut(1, 2, '--')],
    ['Zë', TEXT, cut(1, 1, '')],
    ['1984-07-01', DATE, truncate('month')],
    ['1984-07-01', DATE, truncate('quarter')],
    ['1980-01-01', DATE, truncate('decade')],
    ['1984-07', TEXT, truncate('month')],
    ['1984-10', TEXT, truncate('quarter')],
    ['1980', TEXT, truncate('decade')],
  ] as const)('%j for type %d under %j', (spelled, typeOid, transform) => {
    expect(kindOf(spelled, typeOid, transform)).toBe('placeholder')
  })

  it.each([
    ['', TEXT, 'redact'],
    ['redacted', TEXT, 'redact'],
    ['see [redacted]', TEXT, 'redact'],
    ['**********', TEXT, 'redact'],
    ['{}', 1009, 'redact'],
    ['\\x', 17, 'redact'],
    ['{"a":"redacted"}', JSON_OID, 'redact'],
    ['1984-01-01', DATE, 'redact'],
    ['1984-01-02', DATE, 'year'],
    ['1984-07-01', DATE, 'year'],
    ['1984-01-01', TEXT, 'year'],
    ['1984', TEXT, 'token'],
    ['1984', INT4, 'year'],
    ['1984-01-01 00:00:01', TIMESTAMP, 'year'],
    ['1984-01-01 12:00:00', TIMESTAMP, 'year'],
    ['1984-01-01 00:00:00+00', TIMESTAMPTZ, 'year'],
    ['1984-01-01', TIMESTAMPTZ, 'year'],
    ['02139', TEXT, 'zip3'],
    ['036**', TEXT, 'zip3'],
    ['021**', TEXT, 'redact'],
    ['0', INT4, 'zip3'],
    ['2139', INT4, 'zip3'],
    ['3600', INT4, 'zip3'],
    ['213900', INT4, 'zip3'],
    ['89', INT4, 'age90'],
    ['90', TEXT, 'age90'],
    ['90', INT4, 'redact'],
    ['***1111', TEXT, 'partial'],
    ['****11111', TEXT, 'partial'],
    ['120', INT4, { kind: 'round', to: 10 }],
    ['A-yz', TEXT, cut(1, 2, '--')],
    ['A--xyz', TEXT, cut(1, 2, '--')],
    ['1984-07-02', DATE, truncate('month')],
    ['1984-08-01', DATE, truncate('quarter')],
    ['1984-01-01', DATE, truncate('decade')],
    ['1984-08', TEXT, truncate('quarter')],
    ['1984', TEXT, truncate('month')],
    ['1984', TEXT, truncate('decade')],
  ] as const)('but not %j for type %d under %j', (spelled, typeOid, transform) => {
    expect(kindOf(spelled, typeOid, transform)).toBe('value')
  })

  it('by the length of a limited type', () => {
    expect(kindOf('*****', VARCHAR, 'redact', 4 + 5)).toBe('placeholder')
    expect(kindOf('****', VARCHAR, 'redact', 4 + 5)).toBe('value')
    expect(kindOf('*****', VARCHAR, 'redact', 4 + 12)).toBe('value')
    expect(kindOf('90', VARCHAR, 'age90', 4 + 2)).toBe('placeholder')
  })

  it('in columns without a label, as far as nothing but redaction leaves them', () => {
    expect(recognise('[redacted]', formOf(TEXT), undefined).kind).toBe('placeholder')
    expect(recognise('1984-01-01', formOf(DATE), undefined).kind).toBe('value')
  })
})

/** It is the value, as a whole number of the same size, or means nothing by itself. */
function isHarmless(masked: string, value: string): boolean {
  return masked === value || masked === '' || masked === '0' || Number(masked) === Math.trunc(Number(value))
}

describe('what masking leaves', () => {
  const ALL: readonly Transform[] = [
    ...TRANSFORMS,
    { kind: 'constant', text: 'hidden' },
    cut(1, 2, '--'),
    truncate('month'),
    truncate('quarter'),
    truncate('decade'),
  ]
  const date = fc
    .date({ min: new Date('1940-01-01'), max: new Date('2025-12-31'), noInvalidDate: true })
    .map((found) => found.toISOString())
  const cells = fc.oneof(
    fc.tuple(fc.constantFrom(TEXT, BPCHAR, VARCHAR), fc.string({ minLength: 1, maxLength: 20 })),
    fc.tuple(
      fc.constantFrom(TEXT, VARCHAR),
      fc.nat({ max: 99_999 }).map((zip) => String(zip).padStart(5, '0')),
    ),
    fc.tuple(fc.constantFrom(INT4, INT8, NUMERIC), fc.integer({ min: 90 }).map(String)),
    fc.tuple(fc.constant(UUID), fc.uuid()),
    fc.tuple(
      fc.constantFrom(DATE, TEXT),
      date.map((iso) => iso.slice(0, 10)),
    ),
    fc.tuple(
      fc.constant(TIMESTAMP),
      date.map((iso) => iso.slice(0, 19).replace('T', ' ')),
    ),
    fc.tuple(
      fc.constant(TIMESTAMPTZ),
      date.map((iso) => `${iso.slice(0, 19).replace('T', ' ')}+00`),
    ),
  )

  it('is never taken for a value, whatever the type', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALL), cells, (transform, [typeOid, value]) => {
        const standIns = new FakeStandIns()
        const form = formOf(typeOid)
        const mask = cellTransform(transform, form, 'other-id', { currentYear: 2026, standIns })
        const cell = Buffer.from(value)
        mask(cell, 0, cell.length)
        standIns.settleNow()
        const masked = mask(cell, 0, cell.length)?.toString()
        if (masked === undefined || isHarmless(masked.trimEnd(), value.trimEnd())) return
        expect(recognise(masked, form, label(transform)).kind).toBe(standIns.values.size > 0 ? 'token' : 'placeholder')
      }),
      { numRuns: 3000 },
    )
  })

  it('is the same to who sends it in binary', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(DATE, TIMESTAMP, TIMESTAMPTZ),
        fc.integer({ min: -20_000, max: 9000 }),
        (typeOid, day) => {
          const cell = Buffer.alloc(typeOid === DATE ? 4 : 8)
          if (typeOid === DATE) cell.writeInt32BE(day)
          else cell.writeBigInt64BE(BigInt(day) * 86_400_000_000n + 12_345n)
          const form = formOf(typeOid, 1)
          const masked = cellTransform('year', form, 'date-of-death', { currentYear: 2026 })(cell, 0, cell.length)
          const read = readValue(form, masked ?? cell, 0, cell.length)
          expect(recognise(read ?? '', form, label('year')).kind).toBe('placeholder')
        },
      ),
    )
  })

  it('does not throw for any text', () => {
    const types = [
      INT8,
      INT2,
      INT4,
      TEXT,
      JSON_OID,
      FLOAT8,
      BPCHAR,
      DATE,
      TIMESTAMP,
      TIMESTAMPTZ,
      NUMERIC,
      UUID,
      JSONB,
      16,
    ]
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...types), fc.constantFrom(...ALL), (spelled, typeOid, transform) => {
        expect(typeof kindOf(spelled, typeOid, transform)).toBe('string')
      }),
    )
  })
})
