import * as fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ConstantPlace, ConstantSite } from '../../inspect/sql/facts.ts'
import { skeletonOf } from '../../inspect/sql/skeleton.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { Resolved, ResolvedText } from '../../protocols/protocol.ts'
import { type ColumnName, sessionWith, siteOf, type TestSession } from './constants-test-support.ts'

const NEGATIVE: ConstantPlace = { kind: 'literal', ordinal: 0, negative: true }

function resolve(session: TestSession, sql: string, sites: readonly ConstantSite[]) {
  return session.constants.resolveText([session.judged(sites)], sql)
}

/** What is sent to the target; an error's code. */
function sent(resolved: Resolved<ResolvedText> | Promise<Resolved<ResolvedText>>): string {
  if (resolved instanceof Promise) throw new Error('later')
  if (resolved instanceof ChaperoneError) return resolved.code
  return resolved === 'as-is' ? resolved : resolved.sql
}

const compared = (column: ColumnName, at: ConstantPlace | number = 0) => siteOf(column, 'comparison', at)
const assigned = (column: ColumnName, at: ConstantPlace | number = 0) => siteOf(column, 'assignment', at)
const embedded = (column: ColumnName, at: ConstantPlace | number = 0) => siteOf(column, 'embedded', at)

describe('a text without sites', () => {
  it('is not looked at', () => {
    const session = sessionWith()
    expect(session.constants.resolveText([session.judged(undefined)], "SELECT 'tok_'")).toBe('as-is')
  })
})

describe('a token in a text', () => {
  it('is resolved where it is compared', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    const sql = `SELECT id FROM patient WHERE name = '${token}' AND id = 5`
    const resolved = resolve(session, sql, [compared('name')])
    expect(resolved).toEqual({
      sql: "SELECT id FROM patient WHERE name = 'Ann' AND id = 5",
      replaced: [{ start: sql.indexOf("'"), length: token.length + 2, newLength: 5 }],
    })
    expect(session.alerts).toEqual([])
  })

  it('waits for the vault where that does not know it at once, and is asked for once', async () => {
    const session = sessionWith()
    const [ann, bob] = ['Ann', 'Bob'].map((name) => session.scope.token('name', 'text', name))
    session.scope.later = true
    const resolved = await resolve(session, `SELECT WHERE name IN ('${ann}', '${bob}', '${ann}')`, [
      compared('name'),
      compared('name', 1),
      compared('name', 2),
    ])
    expect(resolved).toMatchObject({ sql: "SELECT WHERE name IN ('Ann', 'Bob', 'Ann')" })
    expect(session.scope.asked).toBe(1)
  })

  it('is not resolved beside a constant that is refused', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    const sites = [compared('name'), compared('name', 1)]
    expect(sent(resolve(session, `SELECT name IN ('${token}', 'Bob')`, sites))).toBe('CHP-MASK-PREDICATE')
    expect(session.scope.asked).toBe(0)
  })

  it('is an error when the vault is', async () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    session.scope.fails = new ChaperoneError('CHP-VAULT-UNAVAILABLE')
    expect(await resolve(session, `SELECT name = '${token}'`, [compared('name')])).toMatchObject({
      code: 'CHP-VAULT-UNAVAILABLE',
    })
    session.scope.fails = new TypeError('secret')
    expect(await resolve(session, `SELECT name = '${token}'`, [compared('name')])).toMatchObject({
      code: 'CHP-INTERNAL',
    })
  })

  it('stands for nothing without a vault', () => {
    const session = sessionWith({}, false)
    const sql = `SELECT name = '${session.scope.token('name', 'text', 'Ann')}'`
    expect(sent(resolve(session, sql, [compared('name')]))).toBe('as-is')
    expect(sent(resolve(session, sql, [assigned('name')]))).toBe('CHP-TOKEN-UNKNOWN')
  })
})

describe('numbers', () => {
  it.each([
    ['mrn', 'integer', 'mrn', '42', '-(-42)'],
    ['mrn', 'integer', 'mrn', '-42', '-42'],
    ['mrn', 'integer', 'mrn', '-2147483648', '-2147483648'],
    ['account', 'bigint', 'account', '4000000000', '-(-4000000000)'],
    ['amount', 'bigint', 'account', '12.5', '-(-12.5)'],
  ] as const)('of %s are put behind the sign that is there (%s)', (column, form, phiClass, value, spelled) => {
    const session = sessionWith()
    const sql = `SELECT 1 WHERE x =${session.scope.token(phiClass, form, value)}`
    expect(sent(resolve(session, sql, [compared(column, { ...NEGATIVE, ordinal: 1 })]))).toBe(
      `SELECT 1 WHERE x =${spelled}`,
    )
  })

  it('can be in quotes', () => {
    const session = sessionWith()
    const sql = `SELECT x = '${session.scope.token('mrn', 'integer', '42')}'`
    expect(sent(resolve(session, sql, [compared('mrn')]))).toBe("SELECT x = '42'")
  })

  it('that the type of the column does not hold are as unknown as a forged token, so that the failure does not tell', () => {
    const session = sessionWith()
    const sql = `SELECT x = '${session.scope.token('account', 'bigint', '12.5')}'`
    expect(sent(resolve(session, sql, [compared('account')]))).toBe('as-is')
    expect(session.alerts).toEqual([{ alert: 'token-unknown', classes: ['account'], count: 1 }])
  })
})

describe('arrays and UUIDs', () => {
  it.each([
    (a: string, b: string) => [`{${a},${b}}`, '{"An\\"n","B,\\\\ob"}'],
    (a: string, b: string) => [`{ "${a}", NULL , ${b} }`, '{ "An\\"n", NULL , "B,\\\\ob" }'],
    (a: string) => [`[2:2]={"${a}"}`, '[2:2]={"An\\"n"}'],
  ] as const)('are resolved element by element', (spell) => {
    const session = sessionWith()
    const [array = '', expected = ''] = spell(
      session.scope.token('name', 'text', 'An"n'),
      session.scope.token('name', 'text', 'B,\\ob'),
    )
    const site = siteOf('name', 'comparison', 0, { elements: true })
    expect(sent(resolve(session, `SELECT name = ANY('${array}')`, [site]))).toBe(`SELECT name = ANY('${expected}')`)
  })

  it('that cannot be read are refused', () => {
    for (const array of ['a}', '{a}}', '{"a}', '{a"b"}', '{,}', '', '{{a}{b}}', '{a', '{a} b']) {
      const site = siteOf('name', 'comparison', 0, { elements: true })
      expect(sent(resolve(sessionWith(), `SELECT '${array}'`, [site]))).toBe('CHP-MASK-PREDICATE')
    }
  })

  it('of a column of arrays, too', () => {
    const session = sessionWith()
    const sql = `UPDATE patient SET aliases = '{${session.scope.token('name', 'text', 'Ann')},x}'`
    expect(sent(resolve(session, sql, [assigned('aliases')]))).toBe(`UPDATE patient SET aliases = '{"Ann",x}'`)
  })

  it('UUIDs in any spelling', () => {
    const session = sessionWith()
    const value = '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11'
    const token = session.scope.token('device', 'uuid', value)
    for (const spelling of [token, token.toUpperCase(), `{${token}}`, token.replaceAll('-', '')]) {
      expect(sent(resolve(session, `SELECT '${spelling}'`, [compared('device')]))).toBe(`SELECT '${value}'`)
    }
  })
})

describe('what is compared and is no stand-in', () => {
  it.each(['Ann', '[redacted]', 'Ann tok_ 5', "O''Brien", 'call tok_0123456789'])('is refused: %s', (text) => {
    const session = sessionWith()
    const refused = resolve(session, `SELECT WHERE name = '${text}'`, [compared('name')])
    expect(refused).toMatchObject({ code: 'CHP-MASK-PREDICATE', rule: 'masking.condition' })
    const { message } = refused instanceof ChaperoneError ? refused : { message: '' }
    expect(message).toContain('clinic.patient.name')
    expect(message).not.toContain(text)
  })

  it('follows the policy of the class', () => {
    const sql = "SELECT WHERE name = 'Ann'"
    expect(sent(resolve(sessionWith({ name: 'any' }), sql, [compared('name')]))).toBe('as-is')
    expect(sent(resolve(sessionWith({ name: 'cleared' }), sql, [compared('name')]))).toBe('as-is')
    expect(sent(resolve(sessionWith({ name: 'hold' }), sql, [compared('name')]))).toBe('CHP-POLICY-HELD')
  })

  it('passes when it is empty', () => {
    expect(sent(resolve(sessionWith(), "SELECT WHERE name = ''", [compared('name')]))).toBe('as-is')
    expect(sent(resolve(sessionWith(), "SELECT WHERE name = ' '", [compared('name')]))).toBe('CHP-MASK-PREDICATE')
  })

  it('is left where the class is cleared, tokens as well', () => {
    const session = sessionWith({ name: 'cleared' })
    const sql = `SELECT '${session.scope.token('name', 'text', 'Ann')}'`
    for (const site of [compared('name'), assigned('name'), embedded('name')]) {
      expect(sent(resolve(session, sql, [site]))).toBe('as-is')
    }
    expect(session.scope.asked).toBe(0)
  })
})

describe('a token that stands for nothing here', () => {
  const another = sessionWith().scope.token('ssn', 'text', '919-15-5087')
  const cases: readonly (readonly [string, string, string])[] = [
    ['of another class', another, 'token-unknown'],
    ['that was never issued', sessionWith().scope.token('name', 'text', 'Nobody'), 'token-unknown'],
    ['with a slip', `${another.slice(0, -1)}${another.endsWith('0') ? '1' : '0'}`, 'token-malformed'],
    ['in upper case', another.toUpperCase(), 'token-malformed'],
    ['that is cut off', another.slice(0, 15), 'token-malformed'],
  ]

  it.each(cases)('%s is left where it is compared, and told', (_, token, alert) => {
    const session = sessionWith()
    session.scope.token('ssn', 'text', '919-15-5087')
    expect(sent(resolve(session, `SELECT name = '${token}'`, [compared('name')]))).toBe('as-is')
    expect(session.alerts).toEqual([{ alert, classes: ['name'], count: 1 }])
  })

  it.each(cases)('%s is not stored', (_, token, alert) => {
    const session = sessionWith()
    session.scope.token('ssn', 'text', '919-15-5087')
    expect(sent(resolve(session, `SELECT SET name = '${token}'`, [assigned('name')]))).toBe('CHP-TOKEN-UNKNOWN')
    expect(session.alerts).toEqual([{ alert, classes: ['name'], count: 1 }])
  })
})

describe('what is stored', () => {
  it.each(['Ann', '', "O''Brien", '2020', 'tok', '~x'])('passes when it is a value: %s', (text) => {
    const session = sessionWith()
    expect(sent(resolve(session, `SELECT SET name = '${text}'`, [assigned('name')]))).toBe('as-is')
    expect(session.alerts).toEqual([])
  })

  it.each<readonly [string, ColumnName, (token: string) => string]>([
    ['a placeholder', 'name', () => '[redacted]'],
    ['a year in place of a date', 'born', () => '1984-01-01'],
    ['text with a token in it', 'name', (token) => `Mrs ${token}`],
  ])('is refused when it is %s', (_, column, spell) => {
    const session = sessionWith()
    const sql = `SELECT SET x = '${spell(session.scope.token('name', 'text', 'Ann'))}'`
    expect(sent(resolve(session, sql, [assigned(column)]))).toBe('CHP-MASK-WRITE-BACK')
    expect(session.alerts).toMatchObject([{ alert: 'write-back', count: 1 }])
  })

  it('passes when it is a real date', () => {
    expect(sent(resolve(sessionWith(), "SELECT SET born = '1984-07-23'", [assigned('born')]))).toBe('as-is')
    expect(sent(resolve(sessionWith(), "SELECT SET born = 'infinity'", [assigned('born')]))).toBe('as-is')
  })

  it.each(['', 'Mrs ', '(', '-'])('with %s before a token in a larger expression is refused', (before) => {
    const session = sessionWith()
    const sql = `SELECT SET name = upper('${before}${session.scope.token('name', 'text', 'Ann')}')`
    expect(sent(resolve(session, sql, [embedded('name')]))).toBe('CHP-MASK-WRITE-BACK')
    expect(session.scope.asked).toBe(0)
  })

  it.each<readonly [string, ColumnName, (token: string) => string]>([
    ['a token in an array', 'name', (token) => `{x,${token}}`],
    ['a placeholder in an array', 'name', () => '{x,"[redacted]"}'],
    ['a placeholder in an array of arrays', 'name', () => '{{x},{[redacted]}}'],
    ['a token in a document', 'name', (token) => `[{"n": "${token}"}]`],
    ['a placeholder in a document', 'name', () => '[{"n": "[redacted]"}]'],
    ['a year in place of a date in an array', 'born', () => '{1984-07-23,1984-01-01}'],
  ])('as a part of an expression is refused when it has %s', (_, column, spell) => {
    const session = sessionWith()
    const sql = `SELECT f('${spell(session.scope.token('name', 'text', 'Ann'))}')`
    expect(sent(resolve(session, sql, [embedded(column)]))).toBe('CHP-MASK-WRITE-BACK')
  })

  it('is no part of a text or date when it is a number', () => {
    expect(sent(resolve(sessionWith(), 'SELECT f(1984)', [embedded('born')]))).toBe('as-is')
    expect(sent(resolve(sessionWith(), "SELECT f('1984-01-01')", [embedded('born')]))).toBe('CHP-MASK-WRITE-BACK')
    const session = sessionWith()
    const token = session.scope.token('mrn', 'integer', '42')
    const place: ConstantPlace = { ...NEGATIVE, ordinal: 0 }
    expect(sent(resolve(session, `SELECT ${token}`, [embedded('mrn', place)]))).toBe('CHP-MASK-WRITE-BACK')
    expect(sent(resolve(session, `SELECT ${token}`, [embedded('name', place)]))).toBe('as-is')
  })

  it('as a part of an expression may be any value', () => {
    for (const text of ['Mrs ', '', '{name}', '-']) {
      expect(sent(resolve(sessionWith(), `SELECT SET name = '${text}' || name`, [embedded('name')]))).toBe('as-is')
      expect(sent(resolve(sessionWith(), `SELECT SET chart = f(chart, '${text}')`, [embedded('chart')]))).toBe('as-is')
    }
  })

  it('in a column that nobody has labelled is no token, because nobody knows of which class it would be', () => {
    const session = sessionWith()
    const sql = `SELECT SET note = '${session.scope.token('name', 'text', 'Ann')}'`
    expect(sent(resolve(session, sql, [assigned('note')]))).toBe('CHP-TOKEN-UNKNOWN')
  })

  it('goes by the labels, when the analysis says another class', () => {
    const session = sessionWith()
    const sql = `SELECT SET ssn = '${session.scope.token('name', 'text', 'Ann')}'`
    expect(sent(resolve(session, sql, [{ ...assigned('ssn'), class: 'name' }]))).toBe('CHP-TOKEN-UNKNOWN')
  })
})

describe('a value that was written to break out of its literal', () => {
  const EVIL = [
    "'; DROP TABLE patient; --",
    "\\'",
    '\\',
    "''",
    "'",
    '$$',
    '/*',
    '--',
    '\n',
    'é',
    "x'\n'y",
    'E',
    "\\';--",
  ]

  it.each(EVIL)('stays in it: %j', async (value) => {
    await loadModule()
    const session = sessionWith()
    const token = session.scope.token('name', 'text', value)
    for (const [before, after] of [
      ['SELECT 1 WHERE name = ', ''],
      ['SELECT 1 WHERE name = ANY(ARRAY[', '])'],
      ['SELECT 1 WHERE name = ', '::text'],
      ['INSERT INTO patient (name) VALUES (', ')'],
    ] as const) {
      const ordinal = before.includes('1') ? 1 : 0
      const sql = `${before}'${token}'${after}`
      expect(strings(parse(sent(resolve(session, sql, [compared('name', ordinal)]))))).toEqual([value])
    }
    const array = `SELECT '{${token}}'`
    const site = siteOf('name', 'comparison', 0, { elements: true })
    const [literal = ''] = strings(parse(sent(resolve(session, array, [site]))))
    expect(JSON.parse(literal.slice(1, -1).replaceAll('\n', '\\n'))).toBe(value)
  })

  it('is none in a number', () => {
    const session = sessionWith()
    // Nothing but a number is ever stored for such a token; this vault is broken.
    session.scope.resolve = () => ['1); DROP TABLE patient; --']
    const sql = `SELECT = ${session.scope.token('account', 'bigint', '5')}`
    expect(sent(resolve(session, sql, [compared('account', NEGATIVE)]))).toBe('as-is')
  })
})

function span(sql: string, of: string): ConstantPlace {
  const start = sql.indexOf(of)
  return { kind: 'span', start, end: start + of.length, negative: false }
}

describe('a place that does not fit the text', () => {
  it.each([
    ["SELECT E'a'", "'a'"],
    ["SELECT U&'a'", "'a'"],
    ["SELECT N'a'", "'a'"],
    ["SELECT 'a'\n'b'", "'a'"],
    ["SELECT 'a' -- c\n 'b'", "'a'"],
    ["SELECT 'a''b'", "'a'"],
    ["SELECT 'a''b'", "'b'"],
    ['SELECT $$a$$', '$$a$$'],
    ['SELECT 1e5', '1e5'],
    ['SELECT 0x1F', '0x1F'],
    ['SELECT now()', 'now()'],
  ])('is an error: %s at %s', (sql, of) => {
    expect(sent(resolve(sessionWith(), sql, [compared('name', span(sql, of))]))).toBe('CHP-INTERNAL')
  })

  it.each([
    ["UPDATE patient SET name = E'[redacted]'", "E'[redacted]'"],
    ["UPDATE patient SET name = E'[red\\x61cted]'", "E'[red\\x61cted]'"],
    ['UPDATE patient SET name = $$[redacted]$$', '$$[redacted]$$'],
    ["UPDATE patient SET name = '[red'\n'acted]'", "'[red'\n'acted]'"],
  ])('can be looked at in any spelling: %s', (sql, of) => {
    expect(sent(resolve(sessionWith(), sql, [embedded('name', span(sql, of))]))).toBe('CHP-MASK-WRITE-BACK')
  })

  it('can be looked at in any spelling: numbers', () => {
    for (const number of ['0x59682F00', '1_500_000_000', '1.5e9']) {
      const sql = `UPDATE patient SET mrn = -${number}`
      const place = { ...span(sql, number), negative: true }
      expect(sent(resolve(sessionWith(), sql, [embedded('mrn', place)]))).toBe('CHP-MASK-WRITE-BACK')
    }
  })

  it('is an error when there are fewer literals', () => {
    expect(sent(resolve(sessionWith(), "SELECT 'a'", [compared('name', 1)]))).toBe('CHP-INTERNAL')
    expect(sent(resolve(sessionWith(), 'SELECT /* x */ 1', [compared('name', 0)]))).toBe('CHP-INTERNAL')
  })

  it('can be a span where there is no skeleton', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    const sql = `SELECT /* c */ WHERE name='${token}'AND true`
    expect(sent(resolve(session, sql, [compared('name', span(sql, `'${token}'`))]))).toBe(
      "SELECT /* c */ WHERE name='Ann'AND true",
    )
  })

  it('is an error for a statement that was judged elsewhere', () => {
    const facts = sessionWith().judged([compared('name')])
    expect(sessionWith().constants.resolveText([facts], "SELECT 'a'")).toMatchObject({ code: 'CHP-INTERNAL' })
  })

  it('refuses a literal that would have to become two things', () => {
    const session = sessionWith()
    const sql = `SELECT '${session.scope.token('name', 'text', 'Ann')}'`
    expect(sent(resolve(session, sql, [compared('name'), compared('ssn')]))).toBe('CHP-TOKEN-UNKNOWN')
    expect(sent(resolve(session, sql, [compared('name'), compared('nick')]))).toBe("SELECT 'Ann'")
  })
})

const PLACES = /^(?:location|stmt_len|stmt_location|rexpr_list_(?:start|end)|list_(?:start|end))$/u

/** A tree without the places of its nodes. */
function parse(sql: string): unknown {
  const tree: unknown = JSON.parse(JSON.stringify(parseSync(sql)), (name, value: unknown) =>
    PLACES.test(name) ? undefined : value,
  )
  return tree
}

/** The string constants of a tree, in order. */
function strings(tree: unknown): readonly string[] {
  const found: string[] = []
  JSON.stringify(tree, (name, value: unknown) => {
    // A String node has its text in "sval" as well; only that of a constant is an object.
    if (name === 'sval' && typeof value === 'object' && value !== null) {
      const text: unknown = 'sval' in value ? value.sval : ''
      if (typeof text === 'string') found.push(text)
    }
    return value
  })
  return found
}

describe('any text', () => {
  beforeAll(() => loadModule())

  it('parses to the same tree with the constants in the place of the stand-ins', () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string(), fc.constantFrom("'", '\\', '--', '$1', "''"))
    const text = value.map((one) => one.replaceAll('\0', '')).filter((one) => one.isWellFormed() && one !== '')
    const piece = fc.oneof(
      fc.record({ kind: fc.constant('string' as const), value: text }),
      fc.record({
        kind: fc.constant('number' as const),
        value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(String),
      }),
      fc.record({
        kind: fc.constant('other' as const),
        value: fc.constantFrom("'Ann''s é'", '12', '3.5', '-7', '"a b"', '$1'),
      }),
    )
    const shape = fc.constantFrom(
      (items: readonly string[]) => `SELECT x WHERE y IN (${items.join(', ')})`,
      (items: readonly string[]) => `INSERT INTO t VALUES (${items.join('),\n(')})`,
      (items: readonly string[]) => `UPDATE t SET ${items.map((item, i) => `c${i} =${item}`).join(',')} WHERE true`,
      (items: readonly string[]) => `SELECT ${items.map((item) => `a = ${item}`).join(' AND ')}; SELECT 'é'`,
    )
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), shape, (pieces, write) => {
        const session = sessionWith()
        const written = pieces.map(({ kind, value: own }) => {
          if (kind === 'other') return own
          return kind === 'string'
            ? `'${session.scope.token('name', 'text', own)}'`
            : session.scope.token('mrn', 'integer', own)
        })
        const sql = write(written)
        const expected = write(
          pieces.map(({ kind, value: own }) => (kind === 'string' ? `'${own.replaceAll("'", "''")}'` : own)),
        )
        const spans = skeletonOf(sql)?.spans ?? []
        const sites: ConstantSite[] = []
        for (let i = 0; i < spans.length; i += 2) {
          const literal = sql.slice(spans[i], spans[i + 1])
          const negative = sql[(spans[i] ?? 0) - 1] === '-'
          if (literal.startsWith("'tok_")) sites.push(compared('name', i / 2))
          else if (negative && literal.length > 9)
            sites.push(compared('mrn', { kind: 'literal', ordinal: i / 2, negative }))
        }
        // Longer integers are no literals of a skeleton yet: their places are spans then.
        fc.pre(sites.length === pieces.filter(({ kind }) => kind !== 'other').length)
        const resolved = resolve(session, sql, sites)
        expect(parse(sites.length === 0 ? sql : sent(resolved))).toEqual(parse(expected))
        if (resolved instanceof Promise || resolved instanceof ChaperoneError || resolved === 'as-is') return
        let shift = 0
        for (const { start, length, newLength } of resolved.replaced) {
          expect(resolved.sql.slice(0, start + shift).length).toBe(start + shift)
          expect(sql.slice(start, start + length)).toMatch(/^(?:'tok_[0-9a-z]{18}'|\d+)$/u)
          shift += newLength - length
        }
        expect(resolved.sql.length).toBe(sql.length + shift)
      }),
      { numRuns: 300 },
    )
  })
})
