import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { BoundValue } from '../../protocols/protocol.ts'
import { sessionWith, siteOf, type TestSession } from './constants-test-support.ts'

const JSONB_OID = 3802

function store(session: TestSession, document: string, bound: Partial<BoundValue> = {}): string {
  const site = siteOf('chart', 'assignment', { kind: 'parameter', number: 1 })
  const value = Buffer.from(document)
  const resolved = session.constants.resolveParameters(session.judged([site]), [
    { typeOid: 0, format: 0, value, ...bound },
  ])
  if (resolved instanceof Promise) throw new Error('later')
  if (resolved instanceof ChaperoneError) return resolved.code
  return resolved === 'as-is' ? resolved : (resolved.get(0)?.toString() ?? '')
}

/** With the tokens that the session has for 'Ann "A"' and for 42. */
function withTokens(session: TestSession, write: (name: string, mrn: string) => string): string {
  return store(
    session,
    write(session.scope.token('name', 'text', 'Ann "A"'), session.scope.token('mrn', 'bigint', '42')),
  )
}

describe('a document that is stored', () => {
  it.each<readonly [string, (name: string, mrn: string) => string, string]>([
    ['a member', (name) => `{"name": "${name}"}`, String.raw`{"name": "Ann \"A\""}`],
    ['escapes', (name) => String.raw`{"name": "\u0074${name.slice(1)}"}`, String.raw`{"name": "Ann \"A\""}`],
    [
      'an escaped name',
      (name) => String.raw`{"n\u0061me":"${name}" , "x":1}`,
      String.raw`{"name":"Ann \"A\"" , "x":1}`,
    ],
    ['a number below', (_, mrn) => ` {"ids":[{"mrn":${mrn}}, {"mrn":7}]} `, ' {"ids":[{"mrn":42}, {"mrn":7}]} '],
    ['an array', (name) => `{"name":["${name}","Bob",null]}`, String.raw`{"name":["Ann \"A\"","Bob",null]}`],
    ['an array of documents', (name) => `[{"name":"${name}"}]`, String.raw`[{"name":"Ann \"A\""}]`],
    ['two of one name', (name) => `{"name":"x","name":"${name}"}`, String.raw`{"name":"x","name":"Ann \"A\""}`],
  ])('has its tokens resolved: %s', (_, write, expected) => {
    const unescaped = expected.replace('"name":["', '"name":["')
    expect(withTokens(sessionWith(), write).replace(String.raw`n\u0061me`, 'name')).toBe(unescaped)
  })

  it('has them resolved in binary', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    for (const typeOid of [0, JSONB_OID]) {
      expect(store(session, `\u0001{"name":"${token}"}`, { typeOid, format: 1 })).toBe('\u0001{"name":"Ann"}')
      expect(store(session, `{"name":"${token}"}`, { typeOid, format: 1 })).toBe('CHP-MASK-WRITE-BACK')
    }
    expect(store(session, `{"name":"${token}"}`, { typeOid: 114, format: 1 })).toBe('{"name":"Ann"}')
  })

  it.each([
    '{"name":"Ann","ids":{"mrn":-5},"ward":"[x]","deep":{"er":["text",1.5e3,true,null,{}]}}',
    '"text"',
    'null',
    '{"ward":"[redacted]"}',
    '{"zip":"02139"}',
    '[]',
  ])('passes with values in it: %s', (document) => {
    const session = sessionWith()
    expect(store(session, document)).toBe('as-is')
    expect(session.alerts).toEqual([])
  })

  it.each<readonly [string, (name: string, mrn: string) => string, string]>([
    ['a placeholder', () => '{"name":"[redacted]"}', 'CHP-MASK-WRITE-BACK'],
    ['a placeholder that stands for an object', () => '{"name":{"[redacted]":"[redacted]"}}', 'CHP-MASK-WRITE-BACK'],
    ['a hidden name', () => '{"[redacted 2]":1}', 'CHP-MASK-WRITE-BACK'],
    ['a placeholder for the whole', () => '"[redacted]"', 'CHP-MASK-WRITE-BACK'],
    ['three digits of a ZIP code', () => '{"zip":"021**"}', 'CHP-MASK-WRITE-BACK'],
    ['a token in text', (name) => `{"name":"Mrs ${name}"}`, 'CHP-MASK-WRITE-BACK'],
    ['a token where nothing is PHI', (name) => `{"ward":"${name}"}`, 'CHP-MASK-WRITE-BACK'],
    ['a token as a name', (name) => `{"${name}":1}`, 'CHP-MASK-WRITE-BACK'],
    ['a token where a part of the value is shown', (name) => `{"zip":"${name}"}`, 'CHP-MASK-WRITE-BACK'],
    ['a token of another class', (name) => `{"ids":{"mrn":"${name}"}}`, 'CHP-TOKEN-UNKNOWN'],
    ['a token in the rest of the document', (name) => `{"other":"${name}"}`, 'CHP-TOKEN-UNKNOWN'],
    ['a token with a slip', (name) => `{"name":"${name}0"}`, 'CHP-TOKEN-UNKNOWN'],
    ['a number that was never issued', () => '{"ids":{"mrn":-5000000000000000}}', 'CHP-TOKEN-UNKNOWN'],
  ])('is refused with %s', (_, write, code) => {
    const session = sessionWith()
    expect(withTokens(session, write)).toBe(code)
    expect(session.alerts).toHaveLength(1)
  })

  it.each(['{', '{"a"}', '{"a":1,}', "{'a':1}", '[1 2]', '01', 'nul', '{"a":1} x', '', '\u0001{}', '"\n"', '[1,]'])(
    'that is none is refused: %j',
    (document) => {
      expect(store(sessionWith(), document)).toBe('CHP-MASK-WRITE-BACK')
    },
  )

  it('may be deep, but not without end', () => {
    expect(store(sessionWith(), `${'['.repeat(500)}${']'.repeat(500)}`)).toBe('as-is')
    expect(store(sessionWith(), `${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toBe('CHP-MASK-WRITE-BACK')
  })

  it('of any shape keeps its meaning but for the tokens', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    const leaf = fc.oneof(
      fc.constant(token),
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    )
    const tree = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value')), fc.record({ name: leaf, ward: fc.boolean() })),
    })).value
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
        // Everything in it is a name.
        const document = JSON.stringify({ name: value }, null, indent)
        fc.pre(!document.includes('redacted') && !/-\d{10}/u.test(document))
        const resolved = store(session, document)
        if (!document.includes(token)) {
          expect(resolved).toBe('as-is')
          return
        }
        expect(JSON.parse(resolved)).toEqual(JSON.parse(document.replaceAll(token, 'Ann')))
      }),
    )
  })
})

function compare(session: TestSession, constant: string): string {
  const column = { typeOid: JSONB_OID, path: ['name'] }
  const site = siteOf('chart', 'comparison', { kind: 'parameter', number: 1 }, { column, class: 'name' })
  const value = Buffer.from(constant)
  const resolved = session.constants.resolveParameters(session.judged([site]), [{ typeOid: 0, format: 0, value }])
  if (resolved instanceof Promise) throw new Error('later')
  if (resolved instanceof ChaperoneError) return resolved.code
  return resolved === 'as-is' ? resolved : (resolved.get(0)?.toString() ?? '')
}

describe('a document that is compared', () => {
  it('has to be a stand-in and nothing else', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    expect(compare(session, `"${token}"`)).toBe('"Ann"')
    for (const constant of ['true', 'null', '{}', '[]', '"Ann"', '5', `["${token}"]`, `{"a":"${token}"}`, '{', '""']) {
      expect(compare(session, constant)).toBe('CHP-MASK-PREDICATE')
    }
  })
})
