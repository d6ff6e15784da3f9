import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CellMasker } from '../plan.ts'
import { compositeMasker, fieldTypes } from './composite.ts'

type FieldShape = 'pass' | 'mask' | 'null'
type Field = string | null

const maskers: Readonly<Record<FieldShape, CellMasker | 'pass'>> = {
  pass: 'pass',
  mask: (_source, start, end) => Buffer.from(`("\\${end - start},) `),
  null: () => null,
}
const model = (shape: FieldShape, value: Field): Field =>
  value === null || shape === 'null' ? null : shape === 'pass' ? value : `("\\${Buffer.byteLength(value)},) `

/** Masks a row; what the maskers are asked for is collected in `asked`. */
function mask(shapes: readonly FieldShape[], value: Buffer, format: 0 | 1, asked: number[] = []): Buffer | 'malformed' {
  const malformed = Buffer.from('malformed')
  const masker = compositeMasker(
    'unknown',
    shapes,
    { typeOid: 2249, typmod: -1, format },
    (shape, type) => {
      asked.push(type.typeOid)
      expect(type.format).toBe(format)
      return maskers[shape]
    },
    () => malformed,
  )
  const source = Buffer.concat([Buffer.from('('), value, Buffer.from(')')])
  const masked = masker(source, 1, source.length - 1)
  if (masked === null) throw new Error('NULL')
  return masked === malformed ? 'malformed' : masked
}

/** As record_out and record_send write rows. */
function toText(fields: readonly Field[]): Buffer {
  const words = fields.map((value) => {
    if (value === null) return ''
    return /^[^\s(),"\\]+$/u.test(value) ? value : `"${value.replaceAll(/["\\]/gu, '$&$&')}"`
  })
  return Buffer.from(`(${words.join(',')})`)
}

function int(n: number): Buffer {
  return Buffer.from([n >>> 24, n >>> 16, n >>> 8, n])
}

function toBinary(fields: readonly Field[], oid = 25): Buffer {
  return Buffer.concat([
    int(fields.length),
    ...fields.flatMap((value) => {
      const bytes = Buffer.from(value ?? '')
      return value === null ? [int(oid), int(-1)] : [int(oid), int(bytes.length), bytes]
    }),
  ])
}

const rows = fc.array(
  fc.tuple(
    fc.constantFrom<FieldShape>('pass', 'mask', 'null'),
    fc.option(fc.oneof(fc.string(), fc.constantFrom('', '(', '"', String.raw`\"`, 'a,b', '(1,"x ""y""")', 'é'))),
  ),
  { minLength: 1, maxLength: 6 },
)

describe('compositeMasker', () => {
  it('masks field by field in text and in binary', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const shapes = row.map(([shape]) => shape)
        const fields = row.map(([, value]) => value)
        const expected = row.map(([shape, value]) => model(shape, value))
        expect(mask(shapes, toText(fields), 0).toString()).toBe(toText(expected).toString())
        expect(mask(shapes, toBinary(fields), 1)).toEqual(toBinary(expected))
      }),
      { numRuns: 3000 },
    )
  })

  it('leaves rows of another number of fields', () => {
    for (const fields of [['smith'], ['smith', 'smith', 'smith'], []]) {
      expect(mask(['pass', 'mask'], toText(fields), 0)).toBe('malformed')
      expect(mask(['pass', 'mask'], toBinary(fields), 1)).toBe('malformed')
    }
    const known = compositeMasker(
      [25],
      ['mask', 'mask'],
      { typeOid: 1, typmod: -1, format: 0 },
      () => 'pass',
      () => null,
    )
    expect(known(Buffer.from('(a,b)'), 0, 5)).toBeNull()
  })

  it.each(['', '(', '(a,b', 'a,b)', '(a"b",c)', '("a"b,c)', '("a,b)', String.raw`("a\",b)`, '((a),b)', '{a,b}'])(
    'takes %s for no row',
    (value) => {
      expect(mask(['pass', 'mask'], Buffer.from(value), 0)).toBe('malformed')
    },
  )

  it('leaves binary rows that state another number of fields', () => {
    const bytes = toBinary(['x', 'smith'])
    bytes[3] = 3
    expect(mask(['mask', 'mask'], bytes, 1)).toBe('malformed')
  })

  it('leaves damaged binary rows', () => {
    const truth = toBinary(['x', 'smith'])
    fc.assert(
      fc.property(fc.nat({ max: truth.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: 3 }), (at, byte, cut) => {
        const bytes = Buffer.from(truth)
        bytes[at] = byte
        const masked = mask(['mask', 'mask'], bytes.subarray(0, bytes.length - cut), 1)
        expect(masked.toString('latin1')).not.toContain('smith')
      }),
    )
  })

  it('believes the types that a binary row states, but not that there is none', () => {
    const asked: number[] = []
    expect(mask(['mask', 'pass'], toBinary(['a', 'b'], 1043), 1, asked)).toEqual(toBinary(['("\\1,) ', 'b'], 1043))
    expect(asked).toEqual([1043, 1043])
    expect(mask(['pass'], toBinary(['smith'], 0), 1)).toEqual(toBinary([null], 0))
  })
})

const types = new Map([
  [1, { kind: 'c', baseOid: 0, fields: [{ name: 'a', typeOid: 25 }] }],
  [2, { kind: 'd', baseOid: 1 }],
  [3, { kind: 'c', baseOid: 0 }],
  [4, { kind: 'd', baseOid: 4 }],
  [5, { kind: 'b', baseOid: 0 }],
])

describe('fieldTypes', () => {
  it('follows domains to row types', () => {
    expect([1, 2, 3, 4, 5, 25, 2249].map((oid) => fieldTypes(oid, (of) => types.get(of)))).toEqual([
      [25],
      [25],
      'unknown',
      undefined,
      undefined,
      undefined,
      'unknown',
    ])
  })
})
