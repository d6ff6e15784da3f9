import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellTransform } from './cell-transform.ts'
import { createPseudonyms } from './pseudonyms.ts'
import { FakeStandIns } from './tokens/stand-ins-test-support.ts'
import { recogniseNumberToken, recogniseToken } from './tokens/token-text.ts'
import { TRANSFORMS, type Transform } from './transform-names.ts'
import { valueForm } from './value-form.ts'

const ALL: readonly Transform[] = [
  ...TRANSFORMS,
  { kind: 'constant', text: 'hidden' },
  { kind: 'keep-ends', first: 1, last: 2, fill: '--' },
  { kind: 'truncate', to: 'month' },
  { kind: 'truncate', to: 'quarter' },
  { kind: 'truncate', to: 'decade' },
  { kind: 'round', to: 10 },
  { kind: 'pseudonym', pseudonyms: createPseudonyms([Buffer.alloc(32, 5)], 'test', 'name') },
]

/** A built-in type with a value in both formats (binary as hex), and what the server accepts for it. */
interface Fixture {
  readonly oid: number
  readonly name: string
  readonly text: string
  readonly binary: string
  readonly validText?: RegExp
  readonly validBinary?: (cell: Buffer) => boolean
}

const length = (bytes: number) => (cell: Buffer) => cell.length === bytes
const utf8 = (cell: Buffer) => Buffer.from(cell.toString('utf8')).equals(cell) && !cell.includes(0)
const isJson = (cell: Buffer) => typeof JSON.parse(cell.toString('utf8')) === 'string'
const anyText = { validText: /^[^\0]+$/u, validBinary: utf8 }
const hex = (text: string) => Buffer.from(text).toString('hex')

const FIXTURES: readonly Fixture[] = [
  { oid: 16, name: 'bool', text: 't', binary: '01' },
  { oid: 17, name: 'bytea', text: '\\xdeadbeef', binary: 'deadbeef', validText: /^\\x$/u, validBinary: length(0) },
  { oid: 18, name: 'char', text: 'a', binary: '61', validText: /^.$/u, validBinary: length(1) },
  { oid: 19, name: 'name', text: 'smith', binary: hex('smith'), ...anyText },
  {
    oid: 20,
    name: 'int8',
    text: '5551234567',
    binary: '000000014aebe487',
    validText: /^-?\d{1,19}$/u,
    validBinary: length(8),
  },
  { oid: 21, name: 'int2', text: '12345', binary: '3039', validText: /^-?\d{1,5}$/u, validBinary: length(2) },
  { oid: 23, name: 'int4', text: '90210', binary: '00016062', validText: /^-?\d{1,10}$/u, validBinary: length(4) },
  { oid: 25, name: 'text', text: '02139-4307', binary: hex('02139-4307'), ...anyText },
  { oid: 26, name: 'oid', text: '16385', binary: '00004001' },
  { oid: 27, name: 'tid', text: '(0,1)', binary: '000000000001' },
  {
    oid: 114,
    name: 'json',
    text: '{"ssn":"999"}',
    binary: hex('{"ssn":"999"}'),
    validText: /^".*"$/u,
    validBinary: isJson,
  },
  { oid: 142, name: 'xml', text: '<a>999</a>', binary: hex('<a>999</a>'), validText: /^<\w+\/>$/u, validBinary: utf8 },
  { oid: 600, name: 'point', text: '(42.36,-71.09)', binary: '40452e147ae147aec051c5c28f5c28f6' },
  { oid: 700, name: 'float4', text: '45.5', binary: '42360000', validText: /^-?\d+$/u, validBinary: length(4) },
  {
    oid: 701,
    name: 'float8',
    text: '42.361',
    binary: '40452e353f7ced91',
    validText: /^-?\d+$/u,
    validBinary: length(8),
  },
  { oid: 718, name: 'circle', text: '<(1,2),3>', binary: '3ff000000000000040000000000000004008000000000000' },
  { oid: 790, name: 'money', text: '$1,234.56', binary: '000000000001e240' },
  { oid: 829, name: 'macaddr', text: '08:00:2b:01:02:03', binary: '08002b010203' },
  { oid: 869, name: 'inet', text: '192.168.7.9', binary: '0220000404c0a80709' },
  { oid: 650, name: 'cidr', text: '192.168.7.0/24', binary: '02180104c0a80700' },
  { oid: 1005, name: 'int2[]', text: '{1,2}', binary: '00000001', validText: /^\{\}$/u, validBinary: length(12) },
  { oid: 1009, name: 'text[]', text: '{555-1234}', binary: '00000001', validText: /^\{\}$/u, validBinary: length(12) },
  { oid: 1042, name: 'bpchar', text: '02139', binary: hex('02139'), ...anyText },
  { oid: 1043, name: 'varchar', text: '1984-07-23', binary: hex('1984-07-23'), ...anyText },
  {
    oid: 1082,
    name: 'date',
    text: '1984-07-23',
    binary: 'ffffe9ee',
    validText: /^\d{4}-\d\d-01$/u,
    validBinary: length(4),
  },
  { oid: 1083, name: 'time', text: '04:05:06', binary: '000000036c95b080' },
  {
    oid: 1114,
    name: 'timestamp',
    text: '1984-07-23 04:05:06',
    binary: 'fffe442c8c2ee880',
    validText: /^\d{4}-\d\d-01[ T]00:00:00$/u,
    validBinary: length(8),
  },
  {
    oid: 1184,
    name: 'timestamptz',
    text: '1984-07-23 04:05:06-04',
    binary: 'fffe442c8c2ee880',
    validText: /^\d{4}-\d\d-01[ T]12:00:00\+00(?::00)?$/u,
    validBinary: length(8),
  },
  { oid: 1186, name: 'interval', text: '45 years', binary: '000000000000000000000000 0000021c'.replace(' ', '') },
  { oid: 1266, name: 'timetz', text: '04:05:06-04', binary: '000000036c95b08000003840' },
  { oid: 1560, name: 'bit', text: '101', binary: '00000003a0' },
  {
    oid: 1700,
    name: 'numeric',
    text: '45.37',
    binary: '0002000000000002002d0e74',
    validText: /^-?\d+$/u,
    validBinary: (cell) => cell.length === 8 + 2 * cell.readInt16BE() && [0, 0x4000].includes(cell.readUInt16BE(4)),
  },
  { oid: 2249, name: 'record', text: '(Smith,999)', binary: '00000000' },
  {
    oid: 2950,
    name: 'uuid',
    text: '018f428e-34f6-4707-8009-5ad742f901e7',
    binary: '018f428e34f6470780095ad742f901e7',
    validText: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u,
    validBinary: length(16),
  },
  { oid: 3614, name: 'tsvector', text: "'smith':1", binary: '00000001736d6974680000010001' },
  {
    oid: 3802,
    name: 'jsonb',
    text: '{"ssn": "999"}',
    binary: `01${hex('{"ssn": "999"}')}`,
    validText: /^".*"$/u,
    validBinary: (cell) => cell[0] === 1 && isJson(cell.subarray(1)),
  },
  { oid: 3904, name: 'int4range', text: '[1,5)', binary: '02000000040000000100000004 00000005'.replace(' ', '') },
  { oid: 3912, name: 'daterange', text: '[1984-07-23,1984-07-24)', binary: '02' },
  { oid: 4451, name: 'int4multirange', text: '{[1,5)}', binary: '00000001' },
  { oid: 99_999, name: 'a type nobody knows', text: '1984-07-23', binary: 'deadbeef' },
]

function mask(transform: Transform, oid: number, format: number, value: Buffer, typmod = -1): Buffer | null {
  const form = valueForm({ typeOid: oid, typmod, format })
  if (form === undefined) throw new Error('no form')
  const source = Buffer.concat([Buffer.from('7'), value, Buffer.from('7')])
  const before = Buffer.from(source)
  const standIns = new FakeStandIns()
  const apply = cellTransform(transform, form, 'other-id', { currentYear: 2026, standIns })
  let masked = apply(source, 1, source.length - 1)
  if (standIns.isLacking) {
    standIns.settleNow()
    masked = apply(source, 1, source.length - 1)
  }
  expect(source).toEqual(before)
  return masked
}

function expectValid(fixture: Fixture, format: number, masked: Buffer | null): void {
  if (masked === null) return
  if (format === 0) {
    if (fixture.validText === undefined) throw new Error(`${fixture.name} has no valid text but NULL`)
    expect(masked.toString('utf8')).toMatch(fixture.validText)
  } else {
    if (fixture.validBinary === undefined) throw new Error(`${fixture.name} has no valid binary but NULL`)
    expect(fixture.validBinary(masked)).toBe(true)
  }
}

/** What a transform may show of a text, at the longest. */
function kept(transform: Transform, value: string): readonly string[] {
  switch (transform) {
    case 'year':
    // Of dates.
    case 'token':
      return [value.slice(0, 4)]
    case 'zip3':
      return [value.slice(0, 3)]
    case 'partial':
      return [value.trimEnd().slice(-4)]
    case 'age90':
    case 'null':
    case 'redact':
      return []
    default:
      throw new Error('unknown transform')
  }
}

/** Three letters or digits in a row that are in both, constants and what may be shown apart. */
function leaked(transform: Transform, value: string, masked: string): string | undefined {
  // What is random has by chance what the value has.
  if (recogniseToken(masked.trimEnd()) !== null || recogniseNumberToken(masked) !== null) return undefined
  let rest = masked.replace('redacted', '')
  for (const part of kept(transform, value)) rest = rest.replace(part, '\u0001')
  const runs = rest.match(/[A-Za-z0-9]{3,}/gu) ?? []
  return runs
    .flatMap((run) => Array.from({ length: run.length - 2 }, (_, i) => run.slice(i, i + 3)))
    .find((three) => value.includes(three))
}

const isRound = (transform: Transform) => typeof transform === 'object' && transform.kind === 'round'

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max })
/** Random bytes, and text that comes close to what the transforms look for. */
const cells = fc.oneof(
  fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ maxLength: 24 }).map((s) => Buffer.from(s)),
  digits(0, 15).map((d) => Buffer.from(d.join(''))),
  fc
    .tuple(
      digits(3, 5),
      fc.constantFrom('-', '/', ' ', '.', ''),
      digits(0, 4),
      fc.constantFrom('-', ' ', '', '+', 'T'),
      digits(0, 6),
    )
    .map(([a, s, b, t, c]) => Buffer.from(a.join('') + s + b.join('') + t + c.join(''))),
  fc
    .tuple(
      fc.integer({ min: -100, max: 12_000 }),
      fc.constantFrom(' BC', '', ' 04:05:06', ' 04:05:06.123456+05:30', 'T04:05'),
    )
    .map(([y, rest]) => Buffer.from(`${String(y).padStart(4, '0')}-07-23${rest}`)),
)

describe('cellTransform', () => {
  it.each(FIXTURES)('keeps $name valid under every transform', (fixture) => {
    for (const transform of ALL) {
      for (const [format, value] of [Buffer.from(fixture.text), Buffer.from(fixture.binary, 'hex')].entries()) {
        const masked = mask(transform, fixture.oid, format, value)
        expectValid(fixture, format, masked)
        if (masked !== null && !isRound(transform)) expect(masked.toString('latin1')).not.toBe(value.toString('latin1'))
      }
    }
  })

  it('returns null or a valid value for any bytes, and shows no more than the transform says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FIXTURES),
        fc.constantFrom(...TRANSFORMS),
        fc.constantFrom(0, 1),
        cells,
        (fixture, transform, format, value) => {
          const masked = mask(transform, fixture.oid, format, value)
          expectValid(fixture, format, masked)
          if (masked === null || (format === 1 && fixture.validBinary !== utf8)) return
          // Whole numbers that are years, ages below 90 and ZIP prefixes are at most four digits of the value.
          expect(leaked(transform, value.toString('latin1'), masked.toString('latin1'))).toBeUndefined()
        },
      ),
      { numRuns: 4000 },
    )
  })

  it('returns null or a valid value for any bytes under the transforms that need a key or a configuration', () => {
    const others = ALL.slice(TRANSFORMS.length)
    fc.assert(
      fc.property(
        fc.constantFrom(...FIXTURES),
        fc.constantFrom(...others),
        fc.constantFrom(0, 1),
        cells,
        (fixture, transform, format, value) =>
          expectValid(fixture, format, mask(transform, fixture.oid, format, value)),
      ),
      { numRuns: 4000 },
    )
  })

  it('says the same of all values that differ in what is hidden', () => {
    const pairs: readonly [Transform, number, string, string][] = [
      ['redact', 25, 'Smith', 'Jones-Baker'],
      ['year', 1082, '1984-07-23', '1984-11-02'],
      ['year', 25, '1984-07-23', '1984-11-02T10:00:00Z'],
      ['year', 1114, '1984-07-23 04:05:06', '1984-11-02 10:00:00.25'],
      ['year', 1184, '1984-07-23 04:05:06-04', '1984-11-02 10:00:00-05'],
      ['zip3', 25, '02139', '02199'],
      ['zip3', 25, '03601', '05901'],
      ['zip3', 23, '2139', '2199'],
      ['age90', 25, '93', '104'],
      ['age90', 1700, '45.1', '45.9'],
      ['partial', 25, 'AAAA1111', 'BBBBBBBBBBBB1111'],
    ]
    for (const [transform, oid, one, other] of pairs) {
      expect(mask(transform, oid, 0, Buffer.from(one))).toEqual(mask(transform, oid, 0, Buffer.from(other)))
    }
  })

  it('keeps values of limited types within their limit', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1042, 1043),
        fc.constantFrom(...ALL),
        fc.integer({ min: 1, max: 30 }),
        cells,
        (oid, transform, limit, value) => {
          const fitting = Buffer.from(
            value
              .toString('latin1')
              .replaceAll(/[^\x20-\x7e]/gu, 'x')
              .slice(0, limit),
          )
          const masked = mask(transform, oid, 0, fitting, limit + 4)
          if (masked === null) return
          expect(masked.length).toBeGreaterThan(0)
          expect(masked.length).toBeLessThanOrEqual(limit)
          if (oid === 1042) expect(masked.length).toBe(limit)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
