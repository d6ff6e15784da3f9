import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ValueForm } from '../../phi/value-form.ts'
import type { CellMasker } from '../plan.ts'
import { arrayMasker } from './array.ts'

const TEXT_OID = 25
const BOX_OID = 603
const form = (binary: boolean, elementOid = TEXT_OID): ValueForm => ({
  kind: 'array',
  binary,
  limit: undefined,
  elementOid,
})

/** Values that begin with n become NULL; others say how long they are, in characters that have to be quoted. */
const element: CellMasker = (source, start, end) =>
  source[start] === 0x6e ? null : Buffer.from(`{"\\${end - start}, `)
const modelOf = (value: string | null) =>
  value === null || value.startsWith('n') ? null : `{"\\${Buffer.byteLength(value)}, `

function mask(value: Buffer, binary: boolean, elementOid = TEXT_OID): Buffer | 'malformed' {
  const malformed = Buffer.from('malformed')
  const masker = arrayMasker(form(binary, elementOid), element, () => malformed)
  if (masker === 'pass') throw new Error('passes')
  const source = Buffer.concat([Buffer.from('{'), value, Buffer.from('}')])
  const before = Buffer.from(source)
  const masked = masker(source, 1, source.length - 1)
  expect(source).toEqual(before)
  if (masked === null) throw new Error('NULL')
  return masked === malformed ? 'malformed' : masked
}

const text = (value: string, elementOid?: number) => mask(Buffer.from(value), false, elementOid).toString()

interface Model {
  readonly dimensions: readonly number[]
  readonly lower: readonly number[]
  readonly elements: readonly (string | null)[]
}

const arrays: fc.Arbitrary<Model> = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }).chain((dimensions) =>
  fc.record({
    dimensions: fc.constant(dimensions),
    lower: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: dimensions.length, maxLength: dimensions.length }),
    elements: fc.array(
      fc.option(fc.oneof(fc.string(), fc.constantFrom('', 'NULL', 'null', 'a b', '{', '\\"', 'é,;'))),
      {
        minLength: dimensions.length === 0 ? 0 : dimensions.reduce((a, b) => a * b, 1),
        maxLength: dimensions.length === 0 ? 0 : dimensions.reduce((a, b) => a * b, 1),
      },
    ),
  }),
)

function toText({ dimensions, lower, elements }: Model, alwaysQuoted: boolean): string {
  if (dimensions.length === 0) return '{}'
  const words = elements.map((value) => {
    if (value === null) return 'NULL'
    const plain = /^[^\s{}"\\,]+$/u.test(value) && !/^null$/iu.test(value)
    return plain && !alwaysQuoted ? value : `"${value.replaceAll(/["\\]/gu, String.raw`\$&`)}"`
  })
  const nested = (level: number, from: number): string => {
    const size = dimensions.slice(level + 1).reduce((a, b) => a * b, 1)
    const parts = Array.from({ length: dimensions[level] ?? 0 }, (_, i) =>
      level === dimensions.length - 1 ? (words[from + i] ?? '') : nested(level + 1, from + i * size),
    )
    return `{${parts.join(',')}}`
  }
  const bounds = dimensions.map((length, i) => `[${lower[i] ?? 1}:${(lower[i] ?? 1) + length - 1}]`).join('')
  return (lower.every((bound) => bound === 1) ? '' : `${bounds}=`) + nested(0, 0)
}

function int(n: number): Buffer {
  return Buffer.from([n >>> 24, n >>> 16, n >>> 8, n])
}

function toBinary({ dimensions, lower, elements }: Model): Buffer {
  return Buffer.concat([
    int(dimensions.length),
    int(elements.includes(null) ? 1 : 0),
    int(TEXT_OID),
    ...dimensions.flatMap((length, i) => [int(length), int(lower[i] ?? 1)]),
    ...elements.flatMap((value) => {
      const bytes = Buffer.from(value ?? '')
      return value === null ? [int(-1)] : [int(bytes.length), bytes]
    }),
  ])
}

describe('arrayMasker', () => {
  it('masks each element in text and keeps the shape', () => {
    fc.assert(
      fc.property(arrays, (model) => {
        const masked = text(toText(model, false))
        // What the masker writes anew is quoted as array_out does it: so is what toText writes.
        expect(masked).toBe(toText({ ...model, elements: model.elements.map(modelOf) }, false))
        expect(text(toText(model, true))).toBe(masked)
      }),
      { numRuns: 2000 },
    )
  })

  it('masks each element in binary and keeps the shape', () => {
    fc.assert(
      fc.property(arrays, (model) => {
        const expected = toBinary({ ...model, elements: model.elements.map(modelOf) })
        expect(mask(toBinary(model), true)).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    '',
    '{',
    '}',
    '{a',
    'a}',
    '{a}}',
    '{a}b',
    '{{a}',
    '{a,}',
    '{,a}',
    '{a,,b}',
    '{a"b"}',
    '{"a"b}',
    '{"a}',
    '{"a\\"}',
    '{a\\}',
    '{a{b}}',
    '[1:2={a}',
    '[1:2]={a',
    '[x]={a}',
    '{{{{{{{a}}}}}}}',
    'Smith',
    '["Smith"]',
    '{"name": "Smith"}',
  ])('takes %s for no array', (value) => {
    expect(text(value)).toBe('malformed')
  })

  it('takes any bytes for an array or for none, and shows no element', () => {
    const anyText = fc.array(fc.constantFrom('{', '}', '"', '\\', ',', 'smith', 'NULL', '[1:2]=', ' ', ';'))
    fc.assert(
      fc.property(anyText, (parts) => {
        const masked = text(parts.join(''))
        expect(masked).not.toContain('smith')
      }),
      { numRuns: 3000 },
    )
    const truth = toBinary({ dimensions: [2], lower: [1], elements: ['smith', 'x'] })
    fc.assert(
      fc.property(fc.nat({ max: truth.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: 3 }), (at, byte, cut) => {
        const bytes = Buffer.from(truth)
        bytes[at] = byte
        expect(mask(bytes.subarray(0, bytes.length - cut), true).toString('latin1')).not.toContain('smith')
      }),
    )
  })

  it('takes an array of another element type for none', () => {
    expect(mask(toBinary({ dimensions: [1], lower: [1], elements: ['x'] }), true, 1043)).toBe('malformed')
  })

  it('separates boxes by semicolons', () => {
    expect(text('{(1,2),(3,4);(5,6),(7,8)}', BOX_OID)).toBe(String.raw`{"{\"\\11, ";"{\"\\11, "}`)
  })

  it('passes when the elements do', () => {
    expect(arrayMasker(form(false), 'pass', element)).toBe('pass')
  })
})
