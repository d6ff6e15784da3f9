import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fragment, type JsonValue } from './canonical.ts'
import { canonicalText } from './verify-header.ts'

const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value')),
  ),
})).value

describe('fragment', () => {
  it('gives the canonical form of the example in RFC 8785 section 3.2.4', () => {
    const value = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\u0022\u002f",
      literals: [null, true, false],
    }
    expect(fragment(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('sorts members by UTF-16 code units (RFC 8785 section 3.2.3)', () => {
    const value = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7, '10': 8, '9': 9 }
    expect(fragment(value)).toBe('{"\\r":2,"1":4,"10":8,"9":9,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
  })

  it('is stable under parsing, agrees with the verifier’s own form, and keeps the value', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = fragment(value)
        const parsed: JsonValue = JSON.parse(text)
        expect(fragment(parsed)).toBe(text)
        expect(canonicalText(parsed)).toBe(text)
        expect(parsed).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udc00': 1 }],
  ])('refuses %s', (_name, value) => {
    expect(() => fragment(value)).toThrow(TypeError)
  })

  it('refuses what is not JSON at all', () => {
    for (const value of [undefined, 1n, Symbol('s'), () => 1, { a: undefined }, [undefined]]) {
      // @ts-expect-error: the type says no as well
      expect(() => fragment(value)).toThrow(TypeError)
    }
  })
})
