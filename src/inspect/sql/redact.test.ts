import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { redact, scanTokens } from './redact.ts'

beforeAll(() => loadModule())

describe('redact', () => {
  it.each([
    ["SELECT 'x', 1, 1.5, -2, 1e5, 0x1F", 'SELECT ?, ?, ?, -?, ?, ?'],
    ["SELECT E'a\\'b', x'41', b'1', U&'a', N'x'", 'SELECT ?, ?, ?, ?, N?'],
    ['SELECT $$it$$, $q$a $$ b$q$, $1', 'SELECT ?, ?, $1'],
    ["SELECT 'a' -- 123-45-6789\n, 'b' /* 123 /* nested */ */", 'SELECT ?  \n, ?  '],
    ["SELECT 'é😀', é FROM t -- ü", 'SELECT ?, é FROM t  '],
    ["SELECT 'a'\n'b'", 'SELECT ?'],
    ["SELECT 'a\u0001b', 2", 'SELECT ?, ?'],
    ['SELECT "id", "t0"."name" FROM t1', 'SELECT "id", "t0"."name" FROM t1'],
    ['SELECT id FROM t WHERE ssn = "123-45-6789"', 'SELECT id FROM t WHERE ssn = "?"'],
    ['SELECT "Known Column", "Unknown Column"', 'SELECT "Known Column", "?"'],
    ['SELECT U&"\\0061"', 'SELECT "?"'],
    ['DO $$ begin perform 1; end $$', 'DO ?'],
    ['SELECT true, NULL', 'SELECT true, NULL'],
  ])('%j becomes %j', (sql, expected) => {
    expect(redact(sql, scanTokens(sql) ?? [], new Set(['Known Column']))).toBe(expected)
  })
})

describe('scanTokens', () => {
  it('has byte offsets', () => {
    expect(scanTokens("SELECT 'é😀', b")?.at(-1)).toMatchObject({ start: 17, end: 18, text: 'b' })
  })

  it('reads every control character but NUL', () => {
    for (let code = 1; code < 32; code++) {
      expect(scanTokens(`SELECT '${String.fromCharCode(code)}'`), String(code)).toHaveLength(2)
    }
  })

  it.each(["'a", '"a', '/* a', '$$a', '1a', '""'])('refuses %s', (sql) => {
    expect(scanTokens(`SELECT ${sql}`)).toBeNull()
  })
})
