import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PHI_CLASSES, type PhiClass } from '../classes.ts'
import { FakeStandIns } from '../tokens/stand-ins-test-support.ts'
import { canonicalNumber } from '../tokens/canonical-number.ts'
import { readValue, tokenFormOf, writeValue } from '../tokens/token-value.ts'
import { valueForm } from '../value-form.ts'
import { token } from './token.ts'

const [INT8, INT4, TEXT, BPCHAR, VARCHAR, DATE, TIMESTAMPTZ, NUMERIC, UUID] = [
  20, 23, 25, 1042, 1043, 1082, 1184, 1700, 2950,
]
const OLDEST = 1937

function formOf(typeOid: number, format = 0, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format })
  if (form === undefined) throw new Error('no form')
  return form
}

/** Two passes: what is missing is fetched in between. */
function cellOf(
  standIns: FakeStandIns,
  typeOid: number,
  value: string | Buffer,
  phiClass: PhiClass = 'mrn',
  format = 0,
  typmod = -1,
) {
  const transform = token(formOf(typeOid, format, typmod), phiClass, standIns, OLDEST)
  const bytes = Buffer.from(value)
  const source = Buffer.concat([Buffer.from('12'), bytes, Buffer.from('34')])
  const first = transform(source, 2, 2 + bytes.length)
  if (!standIns.isLacking) return first
  expect(first).toBeNull()
  standIns.settleNow()
  return transform(source, 2, 2 + bytes.length)
}
const textOf = (...args: Parameters<typeof cellOf>) => cellOf(...args)?.toString()

/** Values of the types that have tokens, each in its canonical spelling. */
const values: fc.Arbitrary<readonly [number, string]> = fc.oneof(
  fc.tuple(
    fc.constantFrom(TEXT, VARCHAR),
    fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  ),
  fc.tuple(
    fc.constant(BPCHAR),
    fc.string().map((text) => text.replaceAll('\0', '').replace(/ +$/u, '')),
  ),
  fc.tuple(fc.constant(INT4), fc.integer().map(String)),
  fc.tuple(fc.constant(INT8), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  fc.tuple(
    fc.constant(NUMERIC),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map((n) => canonicalNumber(`${n}e-5`, true) ?? '0'),
  ),
  fc.tuple(fc.constant(UUID), fc.uuid()),
)

describe('token', () => {
  it('has one token for a value in every format, valid for the type, and stands for it', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(...PHI_CLASSES), ([typeOid, value], phiClass) => {
        const standIns = new FakeStandIns()
        const cells = [0, 1].map((format) => {
          const cell = writeValue(formOf(typeOid, format), value) ?? Buffer.alloc(0)
          const masked = cellOf(standIns, typeOid, cell, phiClass, format)
          return masked === null ? undefined : readValue(formOf(typeOid, format), masked, 0, masked.length)
        })
        expect(cells[1]).toBe(cells[0])
        expect(cells[0]).not.toBe(value)
        expect(standIns.values.get(`${phiClass} ${cells[0]}`)).toBe(value)
        expect(standIns.settled).toBe(1)
      }),
      { numRuns: 500 },
    )
  })

  it('is the same for a value of one class in text types, and in bigint and numeric', () => {
    const standIns = new FakeStandIns()
    const ann = textOf(standIns, TEXT, 'Ann')
    expect(textOf(standIns, VARCHAR, 'Ann')).toBe(ann)
    expect(textOf(standIns, BPCHAR, 'Ann   ')).toBe(ann)
    expect(textOf(standIns, VARCHAR, 'Ann', 'mrn', 0, 4 + 22)).toBe(ann)
    expect(textOf(standIns, TEXT, 'Ann', 'name')).not.toBe(ann)
    expect(textOf(standIns, TEXT, 'ann')).not.toBe(ann)
    expect(textOf(standIns, NUMERIC, '5.00')).toBe(textOf(standIns, INT8, '5'))
  })

  it('fits limited types, and is padded in char(n)', () => {
    const standIns = new FakeStandIns()
    for (const [limit, shape] of [
      [22, /^tok_\w{18}$/u],
      [21, /^~\w{10}$/u],
      [11, /^~\w{10}$/u],
      [10, /^\[redacted\]$/u],
      [3, /^\*\*\*$/u],
    ] as const) {
      expect(textOf(standIns, VARCHAR, 'Ann', 'ssn', 0, 4 + limit)).toMatch(shape)
      expect(textOf(standIns, BPCHAR, 'Ann', 'ssn', 0, 4 + limit)).toHaveLength(limit)
    }
    expect(textOf(standIns, TEXT, 'ann@example.org', 'email')).toMatch(/^tok-\w{18}@token\.invalid$/u)
    expect(textOf(standIns, TEXT, '+15551234567', 'phone')).toMatch(/^\+999\d{18}$/u)
  })

  it('is asked for until it is there, and cells are void until then', () => {
    const standIns = new FakeStandIns()
    const transform = token(formOf(TEXT), 'name', standIns, OLDEST)
    const cell = Buffer.from('Ann')
    expect(transform(cell, 0, 3)).toBeNull()
    expect(transform(cell, 0, 3)).toBeNull()
    expect(standIns.isLacking).toBe(true)
    standIns.settleNow()
    const found = transform(cell, 0, 3)
    expect(found?.toString()).toMatch(/^tok_/u)
    expect(standIns.isLacking).toBe(false)
    standIns.forget()
    expect(transform(cell, 0, 3)).toBeNull()
    expect(standIns.isLacking).toBe(true)
  })

  it.each([
    ['there are no free tokens left', INT4, '5', null],
    ['there are no free tokens left', TEXT, 'Ann', '[redacted]'],
  ])('is redacted when %s for type %d', (_what, typeOid, value, expected) => {
    const standIns = new FakeStandIns()
    for (const form of ['integer', 'text'] as const) standIns.exhausted.add(form)
    expect(textOf(standIns, typeOid, value) ?? null).toBe(expected)
    expect(standIns.isLacking).toBe(false)
  })

  it.each([
    [TEXT, 'Ann', '[redacted]'],
    [INT4, '5', undefined],
    [UUID, '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11', undefined],
  ])('is redacted without anybody who fetches it, for type %d', (typeOid, value, expected) => {
    const cell = Buffer.from(value)
    expect(token(formOf(typeOid), 'name', undefined, OLDEST)(cell, 0, cell.length)?.toString()).toBe(expected)
    expect(token(formOf(typeOid), 'unproven', new FakeStandIns(), OLDEST)(cell, 0, cell.length)?.toString()).toBe(
      expected,
    )
  })

  it.each([
    [TEXT, 0, Buffer.from([0x41, 0xff]), '[redacted]'],
    [TEXT, 0, Buffer.alloc(16_385, 'x'), '[redacted]'],
    [INT4, 0, Buffer.from('x'), undefined],
    [INT4, 1, Buffer.alloc(3), undefined],
    [NUMERIC, 0, Buffer.from('NaN'), undefined],
    [UUID, 1, Buffer.alloc(15), undefined],
    [21, 0, Buffer.from('5'), undefined],
    [701, 0, Buffer.from('5'), undefined],
    [16, 0, Buffer.from('t'), undefined],
    [17, 0, Buffer.from(String.raw`\x00`), String.raw`\x`],
    [3802, 0, Buffer.from('{}'), '"[redacted]"'],
  ])('asks for nothing where there can be none: type %d in format %d', (typeOid, format, value, expected) => {
    const standIns = new FakeStandIns()
    expect(textOf(standIns, typeOid, value, 'mrn', format)).toBe(expected)
    expect(standIns.settled).toBe(0)
  })

  it('keeps the year of dates', () => {
    const standIns = new FakeStandIns()
    expect(textOf(standIns, DATE, '1984-07-23', 'date-of-birth')).toBe('1984-01-01')
    expect(textOf(standIns, DATE, '1930-07-23', 'date-of-birth')).toBeUndefined()
    expect(textOf(standIns, TIMESTAMPTZ, '1984-07-23 04:05:06-04', 'date')).toBe('1984-01-01 12:00:00+00')
    expect(standIns.settled).toBe(0)
  })

  it('has the form that its type says', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(...PHI_CLASSES), ([typeOid, value], phiClass) => {
        const standIns = new FakeStandIns()
        const asked: string[] = []
        const tokensOf = standIns.tokensOf.bind(standIns)
        standIns.tokensOf = (of, form) => {
          asked.push(form)
          return tokensOf(of, form)
        }
        cellOf(standIns, typeOid, value, phiClass)
        expect(new Set(asked)).toEqual(new Set([tokenFormOf(formOf(typeOid), phiClass)]))
      }),
      { numRuns: 50 },
    )
  })
})
