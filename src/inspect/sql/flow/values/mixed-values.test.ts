import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OutputShape } from '../../facts.ts'
import { flow } from '../flow-test-support.ts'

beforeAll(() => loadModule())

/** The columns in the first output: `3` for an unmixed copy, `3~` for one among other values; `?` for what is no copy. */
function copies(sql: string): string {
  const { outputs } = flow(sql)
  const [first] = outputs === 'unknown' ? [] : outputs
  return first?.kind === 'phi' ? copiesIn(first.shape).join(' ') : (first?.kind ?? 'unknown')
}

function copiesIn(shape: OutputShape): readonly string[] {
  switch (shape.kind) {
    case 'column':
      return [`${shape.attnum}${shape.mixed === true ? '~' : ''}`]
    case 'object':
      return [...shape.members.map(([, member]) => member), shape.rest].flatMap(copiesIn)
    case 'elements':
      return copiesIn(shape.element)
    case 'fields':
      return shape.fields.flatMap(copiesIn)
    case 'clean':
      return []
    case 'whole':
    case 'year':
      return ['?']
    default:
      return shape satisfies never
  }
}

/** The server makes one type of them: that of the NULL may have fewer letters or digits. */
describe('a NULL of another type among copies of a column', () => {
  it.each([
    'SELECT ssn FROM people UNION ALL SELECT NULL::name',
    'SELECT NULL::bpchar UNION ALL SELECT ssn FROM people',
    'SELECT coalesce(NULL::name, ssn) FROM people',
    'SELECT CASE WHEN id = 1 THEN ssn ELSE NULL::float4 END FROM people',
    'SELECT ARRAY[ssn, NULL::name] FROM people',
    'SELECT ARRAY[ssn, NULL::no_such_type] FROM people',
    'SELECT lag(ssn, 1, NULL::name) OVER (ORDER BY id) FROM people',
    'SELECT ssn FROM people UNION ALL SELECT x FROM (SELECT NULL::name AS x) n',
  ])('%s', (sql) => {
    expect(copies(sql)).toBe('?')
  })

  it('leaves them as they are when it has theirs, or none', () => {
    for (const none of ['NULL', 'NULL::text', 'NULL::varchar(5)', 'NULL::name::text']) {
      expect([none, copies(`SELECT ssn FROM people UNION ALL SELECT ${none}`)]).toEqual([none, '3'])
    }
  })

  it('is a question where they are compared', () => {
    const sql = 'SELECT count(DISTINCT x) FROM (SELECT ssn FROM people UNION ALL SELECT NULL::name) n (x)'
    expect(flow(sql).questions.every(({ released }) => released)).toBe(false)
    const union = 'SELECT ssn FROM people UNION SELECT NULL::name'
    expect(flow(union).questions.every(({ released }) => released)).toBe(false)
  })
})

/** Of the type `name`, beside which the server cuts texts off after 63 bytes. */
describe('a column merged by USING with one of another type', () => {
  it.each(['people JOIN desks', 'desks RIGHT JOIN people', 'people FULL JOIN desks'])('%s', (join) => {
    expect(copies(`SELECT surname FROM ${join} USING (surname)`)).toBe('?')
    const { questions } = flow(`SELECT count(DISTINCT surname) FROM ${join} USING (surname)`)
    expect(questions.every(({ released }) => released)).toBe(false)
  })

  it('stays a copy beside one of its own type', () => {
    expect(copies('SELECT surname FROM people JOIN badges USING (surname)')).toBe('4')
    expect(copies('SELECT surname FROM desks JOIN badges USING (surname)')).toBe('?')
    expect(copies('SELECT p.surname FROM people p JOIN desks USING (surname)')).toBe('origin')
  })
})

/** Replacements that are alike for equal values would tell which row has the value that the client has put in. */
describe('a value of the client among copies of a column', () => {
  it.each([
    `SELECT ssn FROM people UNION ALL SELECT 'guess'`,
    `SELECT 'guess' UNION ALL SELECT ssn FROM people`,
    `SELECT ssn FROM people UNION ALL SELECT v FROM report.scratch`,
    `SELECT ssn FROM people UNION ALL SELECT '917-55-' || i FROM generate_series(1, 9999) i`,
    `SELECT ssn FROM people UNION ALL VALUES ('guess')`,
    `VALUES ('guess'), ((SELECT ssn FROM people))`,
    `SELECT x FROM (SELECT ssn AS x FROM people UNION ALL SELECT 'guess') s`,
    `WITH RECURSIVE r(n, x) AS (SELECT 1, ssn FROM people UNION ALL SELECT n + 1, 'guess' FROM r WHERE n < 2) SELECT x FROM r`,
    `SELECT coalesce(ssn, 'guess') FROM people`,
    `SELECT coalesce(NULL, 'guess', ssn) FROM people`,
    `SELECT coalesce(p.ssn, s.v) FROM report.scratch s LEFT JOIN people p ON p.id = s.id`,
    `SELECT coalesce(coalesce(ssn, 'guess'), ssn) FROM people`,
    `SELECT CASE WHEN id = 1 THEN 'guess' ELSE ssn END FROM people`,
    `SELECT CASE id WHEN 1 THEN ssn ELSE v END FROM people JOIN report.scratch USING (id)`,
    `SELECT coalesce(ssn, 'guess')::varchar FROM people`,
    `SELECT lag(ssn, 1, 'guess') OVER () FROM people`,
    `SELECT ARRAY[ssn, 'guess'] FROM people`,
    `SELECT (ARRAY['guess', ssn])[1] FROM people`,
    `SELECT unnest(ARRAY['guess', ssn]) FROM people`,
    `SELECT array_agg(coalesce(ssn, 'guess')) FROM people`,
    `SELECT jsonb_build_object('a', ssn) FROM people UNION ALL SELECT jsonb_build_object('a', 'guess')`,
    `SELECT jsonb_build_object('a', ssn) FROM people UNION ALL SELECT '{"a": "guess"}'`,
    `SELECT jsonb_build_object('a', jsonb_build_array(ssn)) FROM people UNION ALL SELECT '{"a": ["guess"]}'`,
    `SELECT jsonb_build_object('a', ssn) || '{"a": "guess"}' FROM people`,
    `SELECT json_build_object('a', ssn, 'a', 'guess') FROM people`,
    `SELECT json_build_object('a', ssn, v, 'guess') FROM people, report.scratch`,
    `SELECT json_build_object(v, ssn, 'a', 'guess') -> 'a' FROM people, report.scratch`,
    `SELECT (json_build_object('a', coalesce(ssn, 'guess')) -> 'a') FROM people`,
    `COPY (SELECT ssn FROM people UNION ALL SELECT 'guess') TO STDOUT`,
    `DECLARE c CURSOR FOR SELECT coalesce(ssn, 'guess') FROM people`,
  ])('%s', (sql) => {
    expect(copies(sql)).toMatch(/^(?:3~|\?)(?: (?:3~|\?))*$/)
  })
})

describe('copies alone', () => {
  it.each([
    [`SELECT ssn FROM people UNION ALL SELECT NULL`, '3'],
    [`SELECT ssn FROM people UNION ALL SELECT ssn FROM people`, '3'],
    [`SELECT coalesce(NULL, ssn) FROM people`, '3'],
    [`SELECT CASE WHEN id = 1 THEN ssn END FROM people`, '3'],
    [`SELECT lag(ssn) OVER () FROM people`, '3'],
    [`SELECT array_agg(ssn) FROM people`, '3'],
    [`SELECT jsonb_build_object('n', 'guess', 'a', ssn) FROM people`, '3'],
    [`SELECT jsonb_build_array('guess', ssn) FROM people`, '3'],
    [`SELECT to_jsonb(p) -> 'ssn' FROM people p`, '3'],
    [`SELECT ROW('guess', ssn) FROM people`, '3'],
    [`SELECT json_object_agg(sex, ssn) FROM people`, '3'],
  ])('%s', (sql, expected) => {
    expect(copies(sql)).toBe(expected)
  })
})
