import { loadModule, scanSync } from 'libpg-query'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { literalsOf, skeletonOf } from './skeleton.ts'

/** A skeleton as readable text: S, I and D stand for the kinds of literals. */
function shape(sql: string): string | null {
  const skeleton = skeletonOf(sql)
  return skeleton === null
    ? null
    : skeleton.text
        .replaceAll('\u0001', '<S>')
        .replaceAll('\u0002', '<I>')
        .replaceAll('\u0003', '<D>')
        .replaceAll('\u0004', '<B>')
}

function literals(sql: string): readonly string[] {
  const skeleton = skeletonOf(sql)
  return skeleton === null ? [] : literalsOf(sql, skeleton).map((literal) => literal.text)
}

describe('skeletonOf', () => {
  it.each([
    ['SELECT 1', 'SELECT <I>'],
    ["SELECT 'a'", 'SELECT <S>'],
    ['SELECT 1.5', 'SELECT <D>'],
    ["SELECT ''", 'SELECT <S>'],
    ["SELECT 'it''s'", 'SELECT <S>'],
    ["SELECT ''''", 'SELECT <S>'],
    ["SELECT 'line\nbreak'", 'SELECT <S>'],
    ["SELECT 'é'", 'SELECT <S>'],
    ["SELECT 'a', 'b'", 'SELECT <S>, <S>'],
    ["SELECT '-- no comment'", 'SELECT <S>'],
    ["SELECT '/* none */'", 'SELECT <S>'],
    ["SELECT '$1'", 'SELECT <S>'],
    ['SELECT $1, $12', 'SELECT $1, $12'],
    ['SELECT -1', 'SELECT -<I>'],
    ['SELECT a-1', 'SELECT a-<I>'],
    ['SELECT t1, t_2.c3', 'SELECT t1, t_2.c3'],
    ['SELECT "1", "a 2", "a""3"', 'SELECT "1", "a 2", "a""3"'],
    ["SELECT \"a'b\", 'c'", 'SELECT "a\'b", <S>'],
    ['SELECT 123456789', 'SELECT <I>'],
    ['SELECT 1234567890', 'SELECT <I>'],
    ['SELECT 2147483647', 'SELECT <I>'],
    ['SELECT -2147483647', 'SELECT -<I>'],
    // -2147483648 is an int4.
    ['SELECT 2147483648', 'SELECT 2147483648'],
    ['SELECT 2147483649', 'SELECT <B>'],
    ['SELECT -9007199254740991', 'SELECT -<B>'],
    ['SELECT 9223372036854775807', 'SELECT <B>'],
    // numeric
    ['SELECT 9223372036854775808', 'SELECT 9223372036854775808'],
    ['SELECT 12345678901234567890', 'SELECT 12345678901234567890'],
    ['SELECT 0001234567890', 'SELECT 0001234567890'],
    ['SELECT a::int', 'SELECT a::int'],
    ["SELECT x->>'k'", 'SELECT x->><S>'],
    ["SELECT date '2020-01-01'", 'SELECT date <S>'],
    ['SELECT f(1),f(22)', 'SELECT f(<I>),f(<I>)'],
    ['SELECT a[1]', 'SELECT a[<I>]'],
    ['SELECT 1\r\n\t;', 'SELECT <I>\r\n\t;'],
    ['', ''],
  ])('%j has the skeleton %j', (sql, expected) => {
    expect(shape(sql)).toBe(expected)
  })

  it.each([
    "SELECT 'a'\n'b'",
    "SELECT 'a' 'b'",
    "SELECT 'a''",
    "SELECT 'a",
    "SELECT E'a'",
    "SELECT e'a\\'b'",
    "SELECT B'1'",
    "SELECT X'1F'",
    "SELECT x'41'",
    "SELECT N'a'",
    "SELECT U&'a'",
    'SELECT U&"a"',
    "SELECT 'a\\b'",
    'SELECT "a\\b"',
    'SELECT $$a$$',
    'SELECT $q$a$q$',
    'SELECT a$1',
    'SELECT $1a',
    'SELECT $1$2',
    'SELECT 1 -- c',
    'SELECT 1--c',
    'SELECT /* c */ 1',
    'SELECT 1e5',
    'SELECT 1E5',
    'SELECT 1.5e3',
    'SELECT 1_000',
    'SELECT 0x1F',
    'SELECT 0b1',
    'SELECT 1a',
    'SELECT 1.',
    'SELECT .5',
    'SELECT a.1',
    'SELECT 1..2',
    'SELECT 1.5.6',
    "SELECT 1'a'",
    "SELECT 'a'1",
    "SELECT 'a'b",
    'SELECT é',
    'SELECT "é"',
    "SELECT '😀'",
    "SELECT '\ud800'",
    "SELECT 'a\u0000b'",
    "SELECT 'a\u0001b'",
    'SELECT \u0001',
    'SELECT 1\u00a0',
    'SELECT `a`',
    'SELECT "a',
    'SELECT 1\f',
    'SELECT 1$2',
  ])('keys %j whole', (sql) => {
    expect(shape(sql)).toBeNull()
  })

  it('keeps the literals as written', () => {
    expect(literals("SELECT 1, 'it''s', 2.50, '' FROM t1")).toEqual(['1', "'it''s'", '2.50', "''"])
  })

  it('tells lists of different lengths apart', () => {
    expect(shape('a IN (1,2)')).not.toBe(shape('a IN (1,2,3)'))
  })
})

/** Integers that are neither int4 nor int8 whatever their sign, or have leading zeros. */
const isTooLong = (text: string): boolean => {
  if (!/^\d{10,}$/.test(text)) return false
  return text.startsWith('0') || text === '2147483648' || BigInt(text) > 9_223_372_036_854_775_807n
}

describe('skeletonOf against the scanner of PostgreSQL', () => {
  beforeAll(() => loadModule())

  const piece = fc.constantFrom(
    "'a'",
    "''",
    "'it''s'",
    "'",
    '"',
    '"a"',
    '""',
    '1',
    '12',
    '1.5',
    '.',
    ',',
    ' ',
    '\n',
    '-',
    '--',
    '/',
    '*',
    '$',
    '$1',

    '$$',
    'a',
    'E',
    'x',
    'U&',
    'n',
    '_',
    '&',
    '\\',
    ':',
    '::',
    '(',
    ')',
    '[',
    ']',
    '=',
    '<',
    '>',
    '||',
    '0x1',
    '1e5',
    'é',
    ';',

    '->>',
    '#',
    '@',
    '?',
    '~',
    '%',
    '^',
    '!',
    '+',
    'LIMIT ',
    ' IN ',
    "'\\'",
    "'é'",
    '1_0',
    '123456789',
    '1234567890',
    '2147483648',
    '3000000000',
    '9223372036854775807',
    '99999999999999999999',
  )

  it('finds the same literals in any text that it does not key whole', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const sql = pieces.join('')
        const skeleton = skeletonOf(sql)
        let tokens: readonly { tokenType: number; text: string }[]
        try {
          tokens = scanSync(sql).tokens
        } catch {
          return
        }
        if (skeleton === null) return
        const scanned = tokens
          .filter((token) => [260, 261, 262, 263, 264, 266].includes(token.tokenType))
          .map((token) => token.text)
          .filter((text) => !isTooLong(text))
        expect(literalsOf(sql, skeleton).map((literal) => literal.text)).toEqual(scanned)
        expect(tokens.some((token) => token.tokenType === 275 || token.tokenType === 276)).toBe(false)
      }),
      { numRuns: 3_000 },
    )
  })
})
