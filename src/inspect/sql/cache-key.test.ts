import { loadModule } from 'libpg-query'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import { literalsOf, skeletonOf } from './skeleton.ts'
import { surroundingsOf } from './surroundings.ts'
import { TEST_CATALOG, TEST_PHI } from './test-catalog.ts'
import type { Verdict } from './worker-messages.ts'

const AROUND = surroundingsOf(TEST_CATALOG, TEST_PHI, ['public'])

function facts(sql: string): Verdict {
  return analyse(sql, AROUND, 10_000)
}

/** The cache key as SqlInspector makes it, from the liftable literals that analysing this very text reports. */
function keyOf(sql: string): string {
  const skeleton = skeletonOf(sql)
  const verdict = facts(sql)
  if (skeleton === null || verdict.kind !== 'analysed') return `whole ${sql}`
  const kept = literalsOf(sql, skeleton).filter((_, ordinal) => !verdict.liftable.includes(ordinal))
  return JSON.stringify([skeleton.text, verdict.liftable, kept.map((literal) => literal.text)])
}

beforeAll(() => loadModule())

const SAME_KEY: readonly (readonly [string, string])[] = [
  ['SELECT id FROM patients WHERE id = 1', 'SELECT id FROM patients WHERE id = 99'],
  ["SELECT id FROM notes WHERE body = 'a'", "SELECT id FROM notes WHERE body = 'it''s'"],
  ['SELECT id FROM patients WHERE id = 1', 'SELECT id FROM patients WHERE id = 1234567890'],
  ['SELECT id FROM patients WHERE id = -3000000000', 'SELECT id FROM patients WHERE id = -9007199254740991'],
  // Constants that stand-ins are resolved in, the empty text and the folded sign among them
  ["SELECT id FROM patients WHERE ssn = 'a'", "SELECT id FROM patients WHERE ssn = ''"],
  ["SELECT id, ssn IN ('a', $1) FROM patients", "SELECT id, ssn IN ('it''s', $1) FROM patients"],
  [
    "SELECT id FROM patients WHERE ssn = ANY ('{a}'::text[])",
    "SELECT id FROM patients WHERE ssn = ANY ('{b,c}'::text[])",
  ],
  [
    "SELECT CASE ssn WHEN 'a'::text THEN 1 END FROM patients",
    "SELECT CASE ssn WHEN 'b'::text THEN 1 END FROM patients",
  ],
  [
    "UPDATE patients SET ssn = coalesce('a', ssn) WHERE id = 1",
    "UPDATE patients SET ssn = coalesce('b', ssn) WHERE id = 2",
  ],
  ["INSERT INTO patients (ssn) SELECT 'a' FROM notes", "INSERT INTO patients (ssn) SELECT 'b' FROM notes"],
  [
    "DELETE FROM patients WHERE 'a' IN (SELECT ssn FROM patients)",
    "DELETE FROM patients WHERE '' IN (SELECT ssn FROM patients)",
  ],
  ["SELECT id FROM notes WHERE body = 'a'", "SELECT id FROM notes WHERE body = 'é -- /*'"],
  ['SELECT name FROM patients WHERE id = 1', 'SELECT name FROM patients WHERE id = 2'],
  ['SELECT id FROM patients WHERE 5 < id', 'SELECT id FROM patients WHERE 6 < id'],
  ['SELECT id FROM patients p WHERE p.id IN (1, 2)', 'SELECT id FROM patients p WHERE p.id IN (3, 4)'],
  ['SELECT id FROM patients WHERE id BETWEEN 1 AND 2', 'SELECT id FROM patients WHERE id BETWEEN 3 AND 9'],
  ['SELECT id FROM patients LIMIT 5 OFFSET 1', 'SELECT id FROM patients LIMIT 5 OFFSET 20'],
  ['SELECT 1 FROM (SELECT id FROM notes LIMIT 5) s', 'SELECT 1 FROM (SELECT id FROM notes LIMIT 6) s'],
  ["INSERT INTO notes VALUES (1, 'a'), (2, 'b')", "INSERT INTO notes VALUES (3, 'c'), (4, 'd')"],
  ["UPDATE notes SET body = 'a' WHERE id = 1", "UPDATE notes SET body = 'b' WHERE id = 2"],
  ['UPDATE notes SET id = id + 5 WHERE id = 1', 'UPDATE notes SET id = id + 6 WHERE id = 2'],
  ['UPDATE notes SET id = id + -5 WHERE id = -1', 'UPDATE notes SET id = id + -6 WHERE id = -2'],
  ['INSERT INTO notes VALUES (-1, -1.5)', 'INSERT INTO notes VALUES (-2, -2.5)'],
  ["SELECT 'é', id FROM patients WHERE id = 1", "SELECT 'é', id FROM patients WHERE id = 2"],
]

const OTHER_KEY: readonly (readonly [string, string])[] = [
  ["SELECT id FROM patients WHERE born >= '1950-01-01'", "SELECT id FROM patients WHERE born >= '1950-01-02'"],
  ["SELECT id FROM patients WHERE name = 'a'", "SELECT id FROM patients WHERE name = ''"],
  ["SELECT id FROM patients WHERE id = 1 AND name = 'a'", "SELECT id FROM patients WHERE id = 1 AND name = ''"],
  ["SELECT data->>'ssn' FROM patients", "SELECT data->>'gender' FROM patients"],
  ["SELECT data->'ssn' FROM patients", "SELECT data->'gender' FROM patients"],
  ["SELECT id FROM patients WHERE data->>'a' = 'x'", "SELECT id FROM patients WHERE data->>'b' = 'x'"],
  ["SELECT to_char(born, 'YYYY') FROM patients", "SELECT to_char(born, 'YYYY-MM-DD') FROM patients"],
  ["SELECT set_config('a.b', 'x', false)", "SELECT set_config('role', 'x', false)"],
  ["SELECT set_config('role', 'a', false)", "SELECT set_config('role', 'none', false)"],
  ['SELECT lower(1)', "SELECT lower('1')"],
  ['SELECT lower(1)', 'SELECT lower(2)'],
  ['SELECT lower(1)', 'SELECT lower(1.0)'],
  ['SELECT id, ssn FROM patients ORDER BY 1', 'SELECT id, ssn FROM patients ORDER BY 2'],
  ['SELECT id, ssn FROM patients GROUP BY 1, 2', 'SELECT id, ssn FROM patients GROUP BY 2, 1'],
  ['SELECT id FROM patients WHERE id IN (1, 2)', 'SELECT id FROM patients WHERE id IN (1, 2, 3)'],
  ['SELECT id FROM patients WHERE id = 1', "SELECT id FROM patients WHERE id = '1'"],
  ['SELECT id FROM patients WHERE id = 1', 'SELECT id FROM patients WHERE id = 1.0'],
  ['SELECT id FROM patients WHERE id = 1', 'SELECT id FROM patients WHERE id = 3000000000'],
  ['SELECT id FROM patients WHERE id = 3000000000', 'SELECT id FROM patients WHERE id = 9223372036854775808'],
  ["SELECT id FROM patients WHERE name = 'a' 'b'", "SELECT id FROM patients WHERE name = 'a'"],
  ["SELECT id FROM patients WHERE name = 'a'\n'b'", "SELECT id FROM patients WHERE name = 'a'\n'c'"],
  ['SELECT id FROM patients WHERE id = 1e5', 'SELECT id FROM patients WHERE id = 1e6'],
  ['SELECT id FROM patients WHERE id = 1_000', 'SELECT id FROM patients WHERE id = 1_001'],
  ['SELECT id FROM patients WHERE id = 0x1F', 'SELECT id FROM patients WHERE id = 0x20'],
  ['SELECT id FROM patients WHERE id = -1', 'SELECT id FROM patients WHERE id = 1'],
  ["SELECT id FROM patients WHERE name = x'41'", "SELECT id FROM patients WHERE name = x'42'"],
  ["SELECT id FROM patients WHERE name = U&'a'", "SELECT id FROM patients WHERE name = U&'b'"],
  ['SELECT id FROM patients WHERE id = $1', 'SELECT id FROM patients WHERE id = $2'],
  ['SELECT t1.id FROM patients t1', 'SELECT t2.id FROM patients t2'],
  ['SELECT id AS "1" FROM patients', 'SELECT id AS "2" FROM patients'],
  ['SELECT id AS "a""1" FROM patients', 'SELECT id AS "a""2" FROM patients'],
  ["SELECT id FROM patients -- '1'", "SELECT id FROM patients -- '2'"],
  ["SELECT id FROM patients WHERE name LIKE '%'", "SELECT id FROM patients WHERE name LIKE 'a%'"],
  ["DELETE FROM patients WHERE name ~ '.*'", "DELETE FROM patients WHERE name ~ 'abc'"],
  [
    "SELECT id FROM patients WHERE born = '2020-01-01'::date",
    "SELECT id FROM patients WHERE born = '2021-01-01'::date",
  ],
  ["SELECT id FROM patients WHERE born = date '2020-01-01'", "SELECT id FROM patients WHERE born = date '2021-01-01'"],
  ["SELECT interval '1' DAY", "SELECT interval '2' DAY"],
  ["SELECT 'a' || name FROM patients", "SELECT 'b' || name FROM patients"],
  ['DELETE FROM patients WHERE 1 = 1', 'DELETE FROM patients WHERE 1 = 2'],
  ["DELETE FROM patients WHERE 'a' = 'a'", "DELETE FROM patients WHERE 'a' = 'b'"],
  ["UPDATE patients SET data = data - 'a'", "UPDATE patients SET data = data - 'b'"],
  ['SELECT -1 FROM patients', 'SELECT -2 FROM patients'],
  ['SELECT id FROM patients WHERE id - 1 = 5', 'SELECT id FROM patients WHERE id - 2 = 5'],
  ['SELECT id + 1 FROM patients', 'SELECT id + 2 FROM patients'],
  ['SELECT 1', 'SELECT 2'],
  ["SET search_path = 'a'", "SET search_path = 'b'"],
  ["COPY patients TO '/a'", "COPY patients TO '/b'"],
  ['PREPARE p AS SELECT id FROM patients WHERE id = 1', 'PREPARE p AS SELECT id FROM patients WHERE id = 2'],
  ['EXPLAIN SELECT id FROM patients WHERE id = 1', 'EXPLAIN SELECT id FROM patients WHERE id = 2'],
  ['SELECT id FROM patients LIMIT 1', 'SELECT id FROM patients OFFSET 1'],
  ['SELECT id FROM patients LIMIT 1', 'SELECT id FROM patients LIMIT 1000'],
  ['SELECT id FROM patients LIMIT 1', 'SELECT id FROM patients LIMIT 1 + 1'],
  ["SELECT id FROM patients WHERE data['a'] = 'x'", "SELECT id FROM patients WHERE data['b'] = 'x'"],
  [
    'SELECT id FROM patients WHERE id = 1 OPERATOR(public.=) 1',
    'SELECT id FROM patients WHERE id = 1 OPERATOR(public.=) 2',
  ],
]

describe('the cache key', () => {
  it.each(SAME_KEY)('%j and %j share one', (a, b) => {
    expect(keyOf(a)).toBe(keyOf(b))
  })

  it.each(OTHER_KEY)('%j and %j do not', (a, b) => {
    expect(keyOf(a)).not.toBe(keyOf(b))
  })

  const value = fc.oneof(
    fc.integer({ min: 0, max: 999_999_999 }).map(String),
    fc.constantFrom('0', '1', '2', '1.5', '0.0', '10', '-1', '-22', '-1.5', '$1', 'NULL', 'true', 'id', 'ssn'),
    fc.constantFrom(
      "''",
      "'a'",
      "'ssn'",
      "'gender'",
      "'%'",
      "'{}'",
      "'search_path'",
      "'it''s'",
      "'utf8'",
      "'2020-01-01'",
    ),
  )
  const template = fc.constantFrom(
    'SELECT id FROM patients WHERE id = ? AND name LIKE ?',
    'SELECT data->>? FROM patients WHERE id IN (?, ?)',
    'SELECT set_config(?, ?, false)',
    'SELECT id, ssn FROM patients ORDER BY ? LIMIT ?',
    'SELECT substr(ssn, ?, ?), ? FROM patients WHERE id BETWEEN ? AND ?',
    'DELETE FROM patients WHERE name LIKE ? OR id = ?',
    'DELETE FROM patients WHERE ? = ?',
    'DELETE FROM patients WHERE id = ?',
    'DELETE FROM patients WHERE id IN (SELECT id FROM notes LIMIT ?)',
    'DELETE FROM patients WHERE id >= ? OR id < ?',
    'UPDATE notes SET body = ?, id = ? WHERE id = ?',
    'INSERT INTO notes VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = ?',
    'SELECT * FROM (VALUES (?, ?)) v(a, b) WHERE a = ?',
    'UPDATE notes SET id = id + ?, body = body - ? WHERE id = ?',
    'VALUES (?, ?)',
    'SELECT id FROM patients WHERE ssn = ? AND born < ?',
    'SELECT ssn = ANY (ARRAY[?, ?]), ssn <> ?, id FROM patients WHERE ssn IN (?, ?) AND name = ?',
    'SELECT CASE ssn WHEN ? THEN ? END, data->>? FROM patients WHERE (ssn, id) = (?, ?) OR ssn BETWEEN ? AND ?',
    'UPDATE patients SET ssn = ?, name = coalesce(?, name), data = ? WHERE ssn = ? AND id = ?',
    'UPDATE patients SET (ssn, name) = (?, ?), born = ? WHERE ssn <> ALL (?::text[])',
    'INSERT INTO patients (ssn, name) SELECT ?, ? FROM notes WHERE id = ? AND body = ?',
    'DELETE FROM patients p USING notes n WHERE ? IN (SELECT ssn FROM patients) AND nullif(p.ssn, ?) = ?',
    'SELECT CASE WHEN id = ? THEN ssn ELSE ? END FROM patients',
    'SELECT coalesce(ssn, ?) FROM patients WHERE name <> ?',
    'MERGE INTO notes USING patients p ON notes.id = p.id AND p.id = ? WHEN MATCHED THEN UPDATE SET body = ?',
    'SELECT jsonb_build_object(?, ssn, ?, id) FROM patients',
    'SELECT id = ?, name > ? FROM patients GROUP BY id = ?, name',
    'SET search_path = ?',
    'EXPLAIN SELECT ? FROM patients WHERE id = ?',
    'SELECT id FROM patients FETCH FIRST ? ROWS ONLY; DELETE FROM notes WHERE id = ?',
  )
  const filled = (text: string): fc.Arbitrary<string> =>
    fc.array(value, { minLength: 8, maxLength: 8 }).map((values) => {
      let at = 0
      return text.replaceAll('?', () => values[at++] ?? '')
    })

  it('is shared only by texts with the same facts and the same redacted form', () => {
    fc.assert(
      fc.property(
        template.chain((text) => fc.tuple(filled(text), filled(text))),
        ([a, b]) => {
          if (keyOf(a) !== keyOf(b)) return
          expect(facts(a)).toEqual(facts(b))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('does not depend on the text that was analysed first', () => {
    fc.assert(
      fc.property(
        template.chain((text) => fc.tuple(filled(text), filled(text))),
        ([a, b]) => {
          const [x, y] = [skeletonOf(a), skeletonOf(b)]
          if (x === null || x.text !== y?.text) return
          const [left, right] = [facts(a), facts(b)]
          if (left.kind !== 'analysed' || right.kind !== 'analysed') return
          expect(left.liftable).toEqual(right.liftable)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
