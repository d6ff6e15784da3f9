import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { oddLiteralText } from './odd-literal.ts'

beforeAll(() => loadModule())

/** What the parser makes of a literal. */
function parsed(spelling: string): unknown {
  let found: unknown
  JSON.stringify(parseSync(`SELECT ${spelling}`), (name, value: unknown) => {
    if (name === 'A_Const') found = Object.values(Object(value)).find((one) => typeof one === 'object')
    return value
  })
  return Object.values(Object(found))[0] ?? ''
}

describe('literals in odd spelling', () => {
  it.each([
    String.raw`E'[red\x61cted]\n\'''\\'`,
    String.raw`e'\133\u005b\U0000005B\q'`,
    "E'[red'\n'acted]'",
    "E'it''s'",
    String.raw`U&'\005Bred\+000061cted\\'`,
    "U&'it''s'",
    "'[red'\n  'acted]'",
    '$$[redacted]$$',
    "$a1$it's $$ $a1$",
    '$$$$',
    "'tok\\'",
  ])('say what the parser says: %s', (spelling) => {
    expect(oddLiteralText(spelling)).toBe(parsed(spelling))
  })

  it.each([
    ['0x59682F00', '1500000000'],
    ['0o17', '15'],
    ['0b101', '5'],
    ['1_500_000', '1500000'],
    ['1.5e9', '1.5e9'],
  ])('are numbers: %s', (spelling, text) => {
    expect(oddLiteralText(spelling)).toBe(text)
  })
})
