import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { letters } from '../flow-test-support.ts'
import { beyond, hospitalSites, printedSites } from '../questions/questions-test-support.ts'

beforeAll(() => loadModule())

/** ? compared, = stored, ~ part of what is stored; the columns of the result. */
function short(sql: string): readonly [string, string] {
  const flow = hospitalSites(sql)
  const sites = printedSites(sql, flow)
    .replace(/^\? /, '')
    .replaceAll('assignment ', '= ')
    .replaceAll('embedded ', '~ ')
    .replaceAll('comparison ', '? ')
  return [sites, letters(flow)]
}

const untyped = (sql: string) => hospitalSites(sql).sites?.map(({ isUntyped = false }) => isUntyped)

const FROM_P = 'FROM patients p'

describe('columns of constants that are compared with columns that arrive as stand-ins', () => {
  it.each<readonly [sql: string, sites: string, outputs: string]>([
    [`SELECT id ${FROM_P} JOIN (VALUES ('a'), ($1), (NULL)) v (t) ON p.ssn = v.t`, "? ssn ssn 'a'; ? ssn ssn $1", 'o'],
    [`SELECT id ${FROM_P} JOIN (VALUES ('a'), (NULL::varchar)) v (t) ON p.ssn = v.t`, "? ssn ssn 'a'", 'o'],
    [`SELECT id FROM patients WHERE ssn IN (SELECT 'a' UNION ALL SELECT NULL::text)`, "? ssn ssn 'a'", 'o'],
    [`SELECT id ${FROM_P}, (VALUES ('a', 1), ('b', 2)) v WHERE column1 = ssn`, "? ssn ssn 'a'; ? ssn ssn 'b'", 'o'],
    [`SELECT id ${FROM_P} JOIN (VALUES ('a')) v (ssn) USING (ssn)`, "? ssn ssn 'a'", 'o'],
    [`SELECT id FROM patients NATURAL JOIN (VALUES ('a')) v (ssn)`, "? ssn ssn 'a'", 'o'],
    [`SELECT id FROM patients WHERE ssn IN (VALUES ('a'), ('b'))`, "? ssn ssn 'a'; ? ssn ssn 'b'", 'o'],
    [`SELECT id FROM patients WHERE (ssn, last) IN (VALUES ('a', $1))`, "? ssn ssn 'a'; ? last name $1", 'o'],
    ["WITH w (t) AS (VALUES ('a')) SELECT id FROM patients WHERE ssn IN (SELECT t FROM w)", "? ssn ssn 'a'", 'o'],
    ["WITH w (t) AS (VALUES ('a')) SELECT id FROM patients WHERE ssn = (TABLE w)", "? ssn ssn 'a'", 'o'],
    [`WITH q AS (SELECT $1::text AS s) SELECT id ${FROM_P}, q WHERE p.ssn = q.s`, '? ssn ssn $1', 'o'],
    [`SELECT id FROM patients WHERE ssn = (SELECT 'a')`, "? ssn ssn 'a'", 'o'],
    [`SELECT id FROM patients WHERE ssn IN (SELECT 'a' UNION SELECT 'b')`, "? ssn ssn 'a'; ? ssn ssn 'b'", 'o'],
    [`SELECT id FROM unnest($1::text[]) t JOIN patients ON ssn = t`, '? ssn ssn $1 []', 'o'],
    [
      `SELECT id, n FROM unnest('{a}'::varchar[]) WITH ORDINALITY u (t, n) JOIN patients ON ssn = t ORDER BY n`,
      "? ssn ssn '{a}' []",
      'oc',
    ],
    [
      `SELECT id FROM unnest($1::text[], ARRAY['b'], $2::int[]) u (a, b, c) JOIN patients ON (ssn, last) = (a, b)`,
      "? ssn ssn $1 []; ? last name 'b'",
      'o',
    ],
    [
      `SELECT id FROM ROWS FROM (unnest($1::text[], $2::text[])) u (a, b) JOIN patients ON ssn = a`,
      '? ssn ssn $1 []',
      'o',
    ],
    [`SELECT id FROM patients WHERE mrn_no = ANY (SELECT unnest($1::int[]))`, '? mrn_no mrn $1 []', 'o'],
    [
      `SELECT id FROM patients, unnest(ARRAY[5, -6]::int4[]) n WHERE mrn_no = n`,
      '? mrn_no mrn 5; ? mrn_no mrn -6',
      'o',
    ],
    [`SELECT id ${FROM_P}, (VALUES ('5')) v (t) WHERE p.mrn_no = v.t::int`, "? mrn_no mrn '5'", 'o'],
    [`SELECT id ${FROM_P}, (VALUES (-5::int8)) v (t) WHERE p.mrn_no = v.t`, '? mrn_no mrn -5', 'o'],
    [
      `SELECT c.id FROM contacts c, (VALUES ('a'::uuid, 'b')) v (u, n) WHERE c.person_ref = v.u AND v.n = ANY (c.numbers)`,
      "? person_ref other-id 'a'; ? numbers phone 'b'",
      'o',
    ],
    [
      `SELECT d.id FROM documents d, (VALUES ('a')) v (t) WHERE d.body ->> 'family' = v.t`,
      "? body.family name 'a'",
      'o',
    ],
    [`SELECT id ${FROM_P} LEFT JOIN (VALUES ('a')) v (t) ON p.ssn = v.t WHERE v.t IS NULL`, "? ssn ssn 'a'", 'o'],
    [
      `SELECT p.id FROM (VALUES ('a')) v (t) JOIN patients p ON p.ssn = v.t JOIN insurance i ON i.subscriber_ssn = v.t`,
      "? ssn ssn 'a'",
      'o',
    ],
    // They are PHI like the column, and come back like it.
    [`SELECT v.t, v.n FROM (VALUES ('a', 1)) v (t, n) JOIN patients p ON p.ssn = v.t`, "? ssn ssn 'a'", 'pc'],
    [`SELECT v.t, count(*) ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t GROUP BY v.t`, "? ssn ssn 'a'", 'pc'],
    [`SELECT v, row_to_json(v) FROM (VALUES ('a')) v (t) JOIN patients p ON p.ssn = v.t`, "? ssn ssn 'a'", 'pp'],
    [`SELECT upper(v.t), v.t || 'x' FROM (VALUES ('a')) v (t) JOIN patients p ON p.ssn = v.t`, "? ssn ssn 'a'", 'pp'],
    [`DELETE FROM patients p USING (VALUES ('a')) v (t) WHERE p.ssn = v.t RETURNING v.t`, "? ssn ssn 'a'", 'p'],
    [
      `WITH RECURSIVE r (t) AS (VALUES ('a') UNION ALL SELECT i.subscriber_ssn FROM insurance i, r WHERE i.subscriber_ssn = r.t) SELECT t FROM r`,
      "? subscriber_ssn ssn 'a'",
      'p',
    ],
  ])('%s', (sql, sites, outputs) => {
    expect([...short(sql), beyond(hospitalSites(sql))]).toEqual([sites, outputs, []])
    expect(hospitalSites(sql).questions.some(({ byStandIn, released }) => byStandIn === true && released)).toBe(true)
  })

  it.each<readonly [what: string, sql: string]>([
    ['ordered by', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t ORDER BY v.t`],
    [
      'ordered by elsewhere',
      `SELECT id FROM patients WHERE ssn IN (SELECT t FROM (VALUES ('a')) v (t) ORDER BY t LIMIT 1)`,
    ],
    ['ordered by its place', `SELECT id FROM patients WHERE ssn = (SELECT 'a' ORDER BY 1)`],
    ['ordered as VALUES', `SELECT id FROM patients WHERE ssn IN (VALUES ('a'), ('b') ORDER BY 1)`],
    ['compared in order', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t WHERE v.t < 'b'`],
    ['compared with a text', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t WHERE v.t = 'b' || ''`],
    ['matched', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t AND v.t LIKE '9%'`],
    [
      'compared with guesses',
      `SELECT k FROM agent_scratch s JOIN (VALUES ('a')) v (t) ON s.k = v.t JOIN patients p ON p.ssn = v.t`,
    ],
    ['compared with another class', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t AND p.last = v.t`],
    ['compared under a collation', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t COLLATE ci`],
    ['cut', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t::varchar(1)`],
    ['cut before', `SELECT id ${FROM_P} JOIN (VALUES ('a'::varchar(1))) v (t) ON p.ssn = v.t`],
    ['a char(n)', `SELECT id ${FROM_P} JOIN (VALUES ('a'::bpchar)) v (t) ON p.ssn = v.t`],
    ['made a number', `SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t AND v.t::int > 0`],
    ['lower case', `SELECT id ${FROM_P} JOIN (VALUES ('A')) v (t) ON p.ssn = lower(v.t)`],
    ['beside what is no constant', `SELECT id ${FROM_P} JOIN (VALUES ('a'), (lower('B'))) v (t) ON p.ssn = v.t`],
    ['beside another column', `SELECT id ${FROM_P}, LATERAL (VALUES (p.last), ('a')) v (t) WHERE p.ssn = v.t`],
    [
      'beside stored values',
      `SELECT id ${FROM_P}, (SELECT 'a' AS t UNION ALL SELECT k FROM agent_scratch) v WHERE p.ssn = v.t`,
    ],
    ['beside a number, whose type they get', `SELECT id FROM contacts JOIN (VALUES ('a'), (5)) v (t) ON big_no = v.t`],
    ['as a parameter beside a number', `SELECT id FROM contacts JOIN (VALUES ($1), (-5)) v (t) ON big_no = v.t`],
    ['in an array beside a number', `SELECT id FROM contacts JOIN unnest(ARRAY['a', 5]) t ON big_no = t`],
    ['in an array beside a number, compared with ANY', `SELECT id FROM contacts WHERE big_no = ANY (ARRAY['a', 5])`],
    [
      'beside a NULL of a smaller type',
      `SELECT id FROM contacts JOIN (VALUES ('a'), (NULL::int)) v (t) ON big_no = v.t`,
    ],
    ['beside a NULL that cuts texts off', `SELECT id ${FROM_P} JOIN (VALUES ('a'), (NULL::name)) v (t) ON p.ssn = v.t`],
    ['a branch beside such a NULL', `SELECT id FROM patients WHERE ssn IN (SELECT $1 UNION ALL SELECT NULL::bpchar)`],
    [
      'a branch beside a column of such NULLs',
      `SELECT id FROM patients WHERE ssn IN (SELECT 'a' UNION ALL SELECT n.x FROM (SELECT NULL::name AS x) n)`,
    ],
    ['a number among texts', `SELECT id ${FROM_P} JOIN (VALUES (5)) v (t) ON p.ssn = v.t`],
    [
      'stored where it is shown',
      `INSERT INTO agent_scratch (k) SELECT v.t FROM (VALUES ('a')) v (t) JOIN patients p ON p.ssn = v.t`,
    ],
    [
      'stored elsewhere and shown',
      `WITH v (t) AS (VALUES ('a')), s AS (INSERT INTO agent_scratch (k) SELECT t FROM v RETURNING k) SELECT k FROM s, v, patients p WHERE p.ssn = v.t`,
    ],
    [
      'a limit',
      'WITH w (t) AS (VALUES (5)) SELECT id FROM patients WHERE mrn_no IN (SELECT t FROM w) LIMIT (SELECT t FROM w)',
    ],
    ['NULLIF', `SELECT nullif(v.t, 'x') IS NULL FROM (VALUES ('a')) v (t) JOIN patients p ON p.ssn = v.t`],
    ['the other of a parameter', `SELECT id ${FROM_P} JOIN (VALUES ($1)) v (t) ON p.ssn = v.t WHERE $1 > 'x'`],
    ['split', `SELECT id ${FROM_P} JOIN string_to_table('a,b', ',') t ON p.ssn = t`],
    ['in JSON', `SELECT id ${FROM_P} JOIN jsonb_array_elements_text('["a"]') t ON p.ssn = t`],
    ['a slice', `SELECT id ${FROM_P} JOIN unnest(('{a,b}'::text[])[1:1]) t ON p.ssn = t`],
    ['arrays in arrays', `SELECT id ${FROM_P} JOIN unnest(ARRAY[ARRAY['a']]) t ON p.ssn = t`],
    ['parameters of PREPARE', `PREPARE q (text) AS SELECT id ${FROM_P} JOIN (VALUES ($1)) v (t) ON p.ssn = v.t`],
    ['explained', `EXPLAIN SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t`],
    ['a view', `CREATE VIEW x AS SELECT id ${FROM_P} JOIN (VALUES ('a')) v (t) ON p.ssn = v.t`],
  ])('but not when they are %s', (_, sql) => {
    const flow = hospitalSites(sql)
    expect(beyond(flow).length + flow.hazards.length).toBeGreaterThan(0)
  })

  it('are free of PHI where nothing is compared with them', () => {
    for (const sql of [
      "SELECT v.t, upper(v.t) FROM (VALUES ('a')) v (t) ORDER BY t",
      "SELECT p.gender, v.t FROM patients p JOIN (VALUES ('F')) v (t) ON p.gender = v.t ORDER BY v.t",
      "SELECT t FROM unnest('{a}'::text[]) t, patients WHERE ssn = 'b'",
    ]) {
      expect(beyond(hospitalSites(sql))).toEqual([])
      expect(letters(hospitalSites(sql))).not.toContain('p')
    }
  })
})

describe('columns of constants that are stored', () => {
  it.each([
    "UPDATE patients SET ssn = coalesce(v.t, 1.5) FROM (VALUES ('a')) v (t)",
    "UPDATE patients SET ssn = CASE WHEN gender = 'F' THEN v.t ELSE current_user END FROM (VALUES ('a')) v (t)",
    "UPDATE patients SET ssn = coalesce(v.t, NULL::name) FROM (VALUES ('a')) v (t)",
    "UPDATE patients SET ssn = v.t FROM (VALUES ('a'), (NULL::name)) v (t)",
  ])('stay what they are beside what could give them another type: %s', (sql) => {
    const uses = hospitalSites(sql).sites?.map(({ use }) => use)
    expect(uses).toEqual(uses?.map(() => 'embedded'))
    expect(uses?.length).toBeGreaterThan(0)
  })

  it.each<readonly [sql: string, sites: string, outputs: string]>([
    [
      "UPDATE patients p SET last = v.n FROM (VALUES ('t', 'n'), ($1, $2)) v (i, n) WHERE p.ssn = v.i",
      "? ssn ssn 't'; = last name 'n'; ? ssn ssn $1; = last name $2",
      '',
    ],
    [
      "UPDATE patients p SET last = coalesce(v.n, p.last) FROM (VALUES ('n'), (NULL)) v (n) WHERE p.gender = 'F'",
      "= last name 'n'",
      '',
    ],
    [
      `INSERT INTO patients (ssn, gender) SELECT a::varchar, b FROM (VALUES ($1, 'F', 0), ($2, 'M', 1)) v (a, b, n) ORDER BY n RETURNING id`,
      '= ssn ssn $1; = ssn ssn $2',
      'o',
    ],
    [
      `INSERT INTO patients (ssn, gender, last) SELECT a, 'F', 'b' FROM (VALUES ('a')) v (a) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn`,
      "= ssn ssn 'a'; = last name 'b'",
      '',
    ],
    [
      'INSERT INTO patients (ssn, last) SELECT * FROM unnest($1::text[], $2::text[])',
      '= ssn ssn $1 []; = last name $2 []',
      '',
    ],
    // Both: a stand-in that stands for nothing must not be stored.
    [
      `MERGE INTO patients p USING (VALUES ('t', 'n')) v (i, n) ON p.ssn = v.i WHEN MATCHED THEN UPDATE SET last = v.n WHEN NOT MATCHED THEN INSERT (ssn, last) VALUES (v.i, v.n)`,
      "? ssn ssn 't'; = ssn ssn 't'; = last name 'n'",
      '',
    ],
    [
      `INSERT INTO patients (last) SELECT v.n FROM (VALUES ('n')) v (n) WHERE NOT EXISTS (SELECT FROM patients p WHERE p.last = v.n)`,
      "? last name 'n'; = last name 'n'",
      '',
    ],
    [
      `INSERT INTO patients (maiden) SELECT upper(v.n) FROM (VALUES ('n')) v (n) JOIN patients p ON p.last = v.n`,
      "? last name 'n'; = last name 'n'",
      '',
    ],
    // A value may be among them, whose token must not be shown.
    [
      `WITH v (n) AS (VALUES ('n')), i AS (INSERT INTO patients (last) SELECT n FROM v) SELECT n FROM v`,
      "= last name 'n'",
      'p',
    ],
    // A part, or where a part is shown: as it is.
    [`UPDATE patients SET last = upper(v.n) FROM (VALUES ('n')) v (n)`, "~ last name 'n'", ''],
    [`UPDATE contacts SET initials = v.n FROM (VALUES ('n')) v (n)`, "~ initials name 'n'", ''],
    [`UPDATE contacts SET numbers[1] = v.n FROM (VALUES ('n')) v (n)`, "~ numbers phone 'n'", ''],
    [
      `INSERT INTO patients (ssn, zip) SELECT a, z FROM (VALUES ('a', '02139')) v (a, z)`,
      "= ssn ssn 'a'; ~ zip zip '02139'",
      '',
    ],
    [
      `WITH v (n) AS (VALUES ('n')), i AS (INSERT INTO patients (last) SELECT n FROM v) INSERT INTO agent_scratch (k) SELECT n FROM v`,
      "~ last name 'n'",
      '',
    ],
  ])('%s', (sql, sites, outputs) => {
    expect([...short(sql), beyond(hospitalSites(sql))]).toEqual([sites, outputs, []])
  })

  it('are shown without a replacement that tells which are equal', () => {
    const { outputs } = hospitalSites(
      `WITH v (n) AS (VALUES ('n')), i AS (INSERT INTO patients (last) SELECT n FROM v) SELECT n FROM v`,
    )
    expect(outputs).toMatchObject([{ shape: { kind: 'column', mixed: true } }])
  })

  it('say when nothing but the constant tells its type', () => {
    expect(untyped(`SELECT id ${FROM_P}, (VALUES (5), ($2::int), (-7::int8)) v (t) WHERE mrn_no = t`)).toEqual([
      true,
      false,
      false,
    ])
    expect(untyped(`SELECT id ${FROM_P}, (VALUES ($1), ('6')) v (t) WHERE mrn_no = t`)).toEqual([true, false])
    expect(untyped(`SELECT id ${FROM_P}, unnest(ARRAY[5, -6]) t WHERE mrn_no = t`)).toEqual([true, true])
    expect(untyped(`SELECT id ${FROM_P}, unnest(ARRAY[5, -6]::int8[]) t WHERE mrn_no = t`)).toEqual([false, false])
    expect(untyped(`SELECT id ${FROM_P} WHERE mrn_no IN (5, $1)`)).toEqual([false, false])
  })
})
