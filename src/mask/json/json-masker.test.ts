import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../byte-writer.ts'
import { HIDDEN_OBJECT, type JsonLeaf, type JsonMask, MemberNames, PASS, REDACTED_WHOLE } from './json-mask.ts'
import { JsonMasker, MAX_DEPTH } from './json-masker.ts'

const leaf: JsonLeaf = {
  kind: 'leaf',
  string: (_source, start, end) => Buffer.from(`${end - start}"\n`),
  number: () => Buffer.from('7'),
  object: HIDDEN_OBJECT,
  array: 'each',
}

function object(
  members: readonly (readonly [string, JsonMask])[],
  rest: JsonMask = PASS,
  more: { hidesNames?: boolean } = {},
): JsonMask {
  return { kind: 'object', members: new MemberNames(members), rest, hidesNames: false, scalar: REDACTED_WHOLE, ...more }
}

function rewrite(mask: JsonMask, text: string | Buffer): string | undefined {
  const source = Buffer.concat([Buffer.from('"'), Buffer.from(text), Buffer.from(']')])
  const before = Buffer.from(source)
  const out = new ByteWriter()
  const done = new JsonMasker(mask).rewrite(source, 1, source.length - 1, out)
  expect(source).toEqual(before)
  if (done === 'invalid') return undefined
  return done === 'unchanged' ? Buffer.from(text).toString() : out.take().toString()
}

/** The same in pieces; what a piece leaves over is given again with the next one. */
function rewriteInPieces(mask: JsonMask, text: Buffer, cuts: readonly number[]): string | undefined {
  const masker = new JsonMasker(mask)
  const out = new ByteWriter()
  let left = Buffer.alloc(0)
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b)
  for (const [i, end] of ends.entries()) {
    const piece = Buffer.concat([left, text.subarray(ends[i - 1] ?? 0, end)])
    const at = masker.write(piece, 0, piece.length, i === ends.length - 1, out)
    if (at < 0) return undefined
    left = piece.subarray(at)
  }
  return out.take().toString()
}

/** A mask, and what it does to a parsed value. */
interface Model {
  readonly mask: JsonMask
  readonly apply: (value: unknown) => unknown
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function redactedWhole(value: unknown): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return null
  if (typeof value === 'string') return '[redacted]'
  return Array.isArray(value) ? ['[redacted]'] : { '[redacted]': '[redacted]' }
}

function leafApplied(value: unknown): unknown {
  if (value === null || typeof value === 'boolean') return null
  if (typeof value === 'number') return 7
  if (typeof value === 'string') return `${Buffer.byteLength(value.toWellFormed())}"\n`
  return Array.isArray(value) ? value.map(leafApplied) : { '[redacted]': '[redacted]' }
}

const PASSES: Model = { mask: PASS, apply: (value) => value }
const LEAF: Model = { mask: leaf, apply: leafApplied }
const WHOLE: Model = { mask: REDACTED_WHOLE, apply: redactedWhole }
const NAMES = ['a', 'b', 'ssn', 'é', '', 'na me']

function objectModel(members: readonly (readonly [string, Model])[], rest: Model): Model {
  const byName = new Map(members)
  const apply = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(apply)
    if (!isObject(value)) return redactedWhole(value)
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, (byName.get(name) ?? rest).apply(member)]),
    )
  }
  return {
    mask: object(
      members.map(([name, { mask }]) => [name, mask]),
      rest.mask,
    ),
    apply,
  }
}

function elementsModel(element: Model): Model {
  const apply = (value: unknown): unknown =>
    Array.isArray(value) ? value.map((item) => element.apply(item)) : redactedWhole(value)
  return { mask: { kind: 'elements', element: element.mask }, apply }
}

const models: fc.Arbitrary<Model> = fc.letrec<{ model: Model }>((tie) => ({
  model: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(PASSES, LEAF, WHOLE),
    fc
      .tuple(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), tie('model')), { selector: ([name]) => name, maxLength: 4 }),
        tie('model'),
      )
      .map(([members, rest]) => objectModel(members, rest)),
    tie('model').map(elementsModel),
  ),
})).model

const values = fc.oneof(
  fc.jsonValue({ depthSize: 'medium' }),
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.double({ noNaN: true }),
        fc.integer(),
        fc.constantFrom(null, true, false),
      ),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...NAMES, 'zz', '__proto__'), tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).value,
)

/** JSON texts with white space and escapes that JSON.stringify does not write. */
const texts = fc
  .tuple(values, fc.constantFrom(undefined, 1, '\t', '\r\n '), fc.boolean())
  .map(([value, space, escape]) => {
    const text = JSON.stringify(value, undefined, space)
    return escape ? text.replaceAll(/"(?:[^"\\]|\\.)*"/gu, (token) => token.replaceAll('s', '\\u0073')) : text
  })

function accepts(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

describe('JsonMasker', () => {
  it('does to the text what the mask does to the value', () => {
    fc.assert(
      fc.property(models, values, fc.constantFrom(undefined, 1, '\r\n\t'), ({ mask, apply }, value, space) => {
        const text = JSON.stringify(value, undefined, space)
        const masked = rewrite(mask, text)
        expect(JSON.parse(masked ?? '')).toEqual(apply(JSON.parse(text)))
      }),
      { numRuns: 3000 },
    )
  })

  it('finds members whatever the spelling of their names', () => {
    const masked = object([['ssn', leaf]])
    expect(rewrite(masked, '{"\\u0073sn": "1", "s\\u0073n":"22" ,"x":"\\u0073"}')).toBe(
      '{"\\u0073sn": "1\\"\\n", "s\\u0073n":"2\\"\\n" ,"x":"\\u0073"}',
    )
    expect(rewrite(object([['a/b"c\\é', leaf]]), '{"a\\/b\\"c\\\\\\u00e9":"x","a/b\\"c\\\\é":"xx"}')).toBe(
      '{"a\\/b\\"c\\\\\\u00e9":"1\\"\\n","a/b\\"c\\\\é":"2\\"\\n"}',
    )
  })

  it('masks every member of a name that comes more than once', () => {
    expect(rewrite(object([['a', leaf]]), '{"a":"x","b":1,"a":{"a":2},"\\u0061":[3]}')).toBe(
      '{"a":"1\\"\\n","b":1,"a":{"[redacted]":"[redacted]"},"\\u0061":[7]}',
    )
  })

  it('takes two masks for one name for a contradiction', () => {
    const twice = object([
      ['a', PASS],
      ['a', leaf],
    ])
    expect(rewrite(twice, '{"a":"x"}')).toBe('{"a":"[redacted]"}')
  })

  it('hides names that nobody declared', () => {
    const mask = object([['a', PASS]], leaf, { hidesNames: true })
    expect(rewrite(mask, '{"123-45-6789":1,"a":"x","Smith":{"y":2},"b":[{"Jones":3}]}')).toBe(
      '{"[redacted]":7,"a":"x","[redacted 2]":{"[redacted]":"[redacted]"},"[redacted 3]":[{"[redacted]":"[redacted]"}]}',
    )
  })

  it('masks arrays by position, and refuses other lengths', () => {
    const mask: JsonMask = { kind: 'items', items: [PASS, leaf, object([['a', leaf]])] }
    expect(rewrite(mask, '[1, 2,{"a":3,"b":4} ]')).toBe('[1, 7,{"a":7,"b":4} ]')
    for (const text of ['[]', '[1,2]', '[1,2,3,4]', '[1,2,{"a":1},null]']) expect(rewrite(mask, text)).toBeUndefined()
    expect(rewrite(mask, '{"a":1}')).toBe('{"[redacted]":"[redacted]"}')
    expect(rewrite(mask, '"x"')).toBe('"[redacted]"')
    expect(rewrite(mask, 'null')).toBe('null')
  })

  it('keeps the bytes of what it does not mask', () => {
    const text = ' { "n" : [ -0.0e+10 , 1E5, "\\u00e9\\/" ] ,\r\n\t"x":true , "a":"b" } '
    expect(rewrite(PASS, text)).toBe(text)
    expect(rewrite(object([['a', leaf]]), text)).toBe(text.replace('"b"', '"1\\"\\n"'))
    fc.assert(
      fc.property(texts, (json) => {
        expect(rewrite(PASS, json)).toBe(json)
      }),
    )
  })

  it('writes null for a replacement that is no number', () => {
    for (const bad of ['', '90+', '01', '1 ', 'NaN', '-', '"1"', '1,2']) {
      expect(rewrite({ ...leaf, number: () => Buffer.from(bad) }, '[5]')).toBe('[null]')
    }
    expect(rewrite({ ...leaf, number: () => Buffer.from('-1.5e3') }, '[5]')).toBe('[-1.5e3]')
  })

  it('refuses what is no JSON text, as JSON.parse does', () => {
    const mutated = fc
      .tuple(
        texts,
        fc.array(
          fc.tuple(
            fc.nat(),
            fc.nat({ max: 1 }),
            fc.constantFrom(...'{}[],:"\\\'/*0-+.eEu ntfx\n\u0001\u007f'.split('')),
          ),
          { maxLength: 3 },
        ),
      )
      .map(([text, edits]) =>
        edits.reduce((before, [at, remove, insert]) => {
          const i = at % (before.length + 1)
          return before.slice(0, i) + insert + before.slice(i + remove)
        }, text),
      )
    fc.assert(
      fc.property(mutated, models, (text, { mask }) => {
        const valid = accepts(text)
        expect(rewrite(PASS, text) !== undefined).toBe(valid)
        if (!valid) expect(rewrite(mask, text)).toBeUndefined()
      }),
      { numRuns: 5000 },
    )
    for (const text of [
      '',
      ' ',
      '1 2',
      '{}{}',
      '[1,]',
      '{"a":1,}',
      "{'a':1}",
      '{a:1}',
      '[1}',
      '//\n1',
      'NaN',
      '\ufeff1',
    ]) {
      expect(rewrite(PASS, text)).toBeUndefined()
    }
  })

  it('refuses names that readers may take for others', () => {
    // Overlong UTF-8 for "ssn".
    const text = Buffer.concat([Buffer.from('{"'), Buffer.from([0xc1, 0xb3]), Buffer.from('sn":"x"}')])
    expect(rewrite(object([['ssn', leaf]]), text)).toBeUndefined()
  })

  it('refuses what is nested too deep', () => {
    expect(rewrite(PASS, nested(MAX_DEPTH))).toBe(nested(MAX_DEPTH))
    expect(rewrite(PASS, nested(MAX_DEPTH + 1))).toBeUndefined()
    expect(rewrite(leaf, nested(100_000))).toBeUndefined()
  })

  it('does in pieces what it does at once', () => {
    fc.assert(
      fc.property(models, texts, fc.array(fc.nat(), { maxLength: 8 }), ({ mask }, text, cuts) => {
        expect(rewriteInPieces(mask, Buffer.from(text), cuts)).toBe(rewrite(mask, text))
      }),
      { numRuns: 2000 },
    )
    expect(rewriteInPieces(PASS, Buffer.from('[1,tru'), [3])).toBeUndefined()
    expect(rewriteInPieces(leaf, Buffer.from('{"a":[1,2],"b":3}'), [2, 5, 9])).toBe(HIDDEN_OBJECT.toString())
  })

  it('can be used again after a value that it refused', () => {
    const masker = new JsonMasker(object([['a', leaf]]))
    const out = new ByteWriter()
    const bad = Buffer.from('{"a":{"b":[')
    expect(masker.rewrite(bad, 0, bad.length, out)).toBe('invalid')
    out.clear()
    const good = Buffer.from('{"a":"x"}')
    expect(masker.rewrite(good, 0, good.length, out)).toBe('changed')
    expect(out.take().toString()).toBe('{"a":"1\\"\\n"}')
  })
})
