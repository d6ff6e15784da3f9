import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { letters } from '../flow-test-support.ts'
import { beyond, hospitalFlow, hospitalSites, printedSites } from '../questions/questions-test-support.ts'

beforeAll(() => loadModule())

describe('constants that are compared with columns that arrive as stand-ins', () => {
  it.each<readonly [condition: string, sites: string | null]>([
    ["ssn = 'a'", "ssn ssn 'a'"],
    ["'a' = ssn", "ssn ssn 'a'"],
    ["ssn <> 'a'", "ssn ssn 'a'"],
    ["ssn != 'it''s'", "ssn ssn 'it''s'"],
    // Nothing must depend on the constant, so the empty text is one, too.
    ["ssn = ''", "ssn ssn ''"],
    ['ssn = $1', 'ssn ssn $1'],
    ['ssn = $1::text', 'ssn ssn $1'],
    ["ssn = 'a'::varchar", "ssn ssn 'a'"],
    ["ssn = text 'a'", "ssn ssn 'a'"],
    ["ssn = 'a'::varchar::text", "ssn ssn 'a'"],
    ['mrn_no = $1::int4::INTEGER', 'mrn_no mrn $1'],
    ['ssn COLLATE "C" = \'a\'', "ssn ssn 'a'"],
    ["ssn::varchar = 'a'", "ssn ssn 'a'"],
    ["ssn IN ('a', $1)", "ssn ssn 'a'; ssn ssn $1"],
    ["ssn NOT IN ('a', 'b')", "ssn ssn 'a'; ssn ssn 'b'"],
    ["ssn IN ('a', maiden) OR ssn = 'b'", null],
    ["last IN ('a', maiden)", "last name 'a'"],
    // What a constant stands for must meet nothing else: `'tok_…' IN (ssn, 'guess')` would confirm the guess.
    ["'a' IN (ssn)", "ssn ssn 'a'"],
    ["'a' IN (ssn, gender)", null],
    ["'a' IN (gender, ssn)", null],
    ["'a' IN (ssn, 'b')", null],
    ['$1 IN (ssn, $2)', null],
    ["'a' = ANY (ARRAY[ssn, gender])", null],
    ["'a' <> ALL (ARRAY['b', ssn])", null],
    ["('a', 1) IN ((ssn, id), (gender, 2))", null],
    ["CASE 'a' WHEN ssn THEN true END", "ssn ssn 'a'"],
    ["CASE 'a' WHEN gender THEN true WHEN ssn THEN false END", null],
    ["CASE 'a' WHEN ssn THEN true WHEN 'b' THEN false END", null],
    ['CASE $1 WHEN ssn THEN true WHEN $2 THEN false END', null],
    ["CASE ('a', 1) WHEN (ssn, id) THEN true WHEN ('b', 1) THEN false END", null],
    ["ssn = ANY ('{a,b}')", "ssn ssn '{a,b}' []"],
    ["ssn = ANY ('{a,b}'::text[])", "ssn ssn '{a,b}' []"],
    ['ssn = ANY ($1)', 'ssn ssn $1 []'],
    ['ssn <> ALL ($1::varchar[])', 'ssn ssn $1 []'],
    ["ssn = ANY (ARRAY['a', $1])", "ssn ssn 'a'; ssn ssn $1"],
    ["ssn = ANY (ARRAY['a', 'b']::text[])", "ssn ssn 'a'; ssn ssn 'b'"],
    ["ssn IS DISTINCT FROM 'a'", "ssn ssn 'a'"],
    ['ssn IS NOT DISTINCT FROM $1', 'ssn ssn $1'],
    ["(ssn, last) = ('a', $1)", "ssn ssn 'a'; last name $1"],
    ["(ssn, gender) = ('a', 'F')", "ssn ssn 'a'"],
    ["(ssn, last) IN (('a', 'b'), ('c', 'd'))", "ssn ssn 'a'; last name 'b'; ssn ssn 'c'; last name 'd'"],
    ["CASE ssn WHEN 'a' THEN true WHEN $1 THEN false END", "ssn ssn 'a'; ssn ssn $1"],
    ["CASE WHEN ssn = 'a' THEN gender END = 'F'", "ssn ssn 'a'"],
    ["'a' IN (SELECT subscriber_ssn FROM insurance)", "subscriber_ssn ssn 'a'"],
    ['$1 <> ALL (SELECT subscriber_ssn FROM insurance)', 'subscriber_ssn ssn $1'],
    ["(SELECT subscriber_ssn FROM insurance LIMIT 1) = 'a'", "subscriber_ssn ssn 'a'"],
    ["EXISTS (SELECT FROM insurance i WHERE i.subscriber_ssn = 'a' AND i.patient = id)", "subscriber_ssn ssn 'a'"],
    ["NOT (ssn = 'a' AND gender = 'F' OR last = 'b')", "ssn ssn 'a'; last name 'b'"],
    ['mrn_no = -2000000000', 'mrn_no mrn -2000000000'],
    ['mrn_no = - 2000000000', 'mrn_no mrn -2000000000'],
    ['mrn_no IN (-3000000000, 5)', 'mrn_no mrn -3000000000; mrn_no mrn 5'],
    ["mrn_no = '-5'::int8", "mrn_no mrn '-5'"],
    ['mrn_no = $1::numeric', 'mrn_no mrn $1'],
    ['mrn_no = ANY ($1::int[])', 'mrn_no mrn $1 []'],
    ['mrn_no = -5::int8', 'mrn_no mrn -5'],
    ['mrn_no IN (- 5::int8, -(6::int4)::numeric)', 'mrn_no mrn -5; mrn_no mrn -6'],
    ["mrn_no::text = '5'", "mrn_no mrn '5'"],
    ["mrn_no::text::varchar IN ('5', $1)", "mrn_no mrn '5'; mrn_no mrn $1"],
    ['mrn_no::int8 = -5', 'mrn_no mrn -5'],
    ['mrn_no::int4 = $1::numeric', 'mrn_no mrn $1'],
  ])('%s', (condition, sites) => {
    const sql = `SELECT id FROM patients WHERE ${condition}`
    const flow = hospitalSites(sql)
    if (sites === null) {
      expect(beyond(flow)).not.toEqual([])
      return
    }
    expect({ sites: printedSites(sql, flow), beyond: beyond(flow) }).toEqual({
      sites: `? ${sites.replaceAll(/(?<=^|; )/g, 'comparison ')}`,
      beyond: [],
    })
  })

  it.each<readonly [sql: string, sites: string, outputs: string]>([
    [
      "SELECT ssn = 'a', count(*) FILTER (WHERE last = 'b') FROM patients GROUP BY 1",
      "ssn ssn 'a'; last name 'b'",
      'cc',
    ],
    ["SELECT gender FROM patients GROUP BY gender HAVING bool_or(ssn = 'a')", "ssn ssn 'a'", 'o'],
    [
      "SELECT p.id FROM patients p JOIN insurance i ON i.subscriber_ssn = 'a' AND i.patient = p.id",
      "subscriber_ssn ssn 'a'",
      'o',
    ],
    ["SELECT id FROM (SELECT id, ssn AS s FROM patients) t WHERE s = 'a'", "ssn ssn 'a'", 'o'],
    ["WITH t AS (SELECT id, ssn AS s FROM patients) SELECT id FROM t WHERE s = 'a'", "ssn ssn 'a'", 'o'],
    [
      "SELECT id FROM contacts WHERE person_ref = '74-6f'::uuid AND email = $1",
      "person_ref other-id '74-6f'; email email $1",
      'o',
    ],
    [
      "SELECT id FROM contacts WHERE 'a' = ANY (numbers) AND account_no = 12.50 AND big_no = 3000000000",
      "numbers phone 'a'; account_no account 12.50; big_no mrn 3000000000",
      'o',
    ],
    ["SELECT id FROM documents WHERE body ->> 'family' = 'a'", "body.family name 'a'", 'o'],
    [
      "SELECT id FROM documents WHERE body #>> '{family}' IN ('a', $1)",
      "body.family name 'a'; body.family name $1",
      'o',
    ],
    ["SELECT id FROM documents WHERE body -> 0 ->> 'family' = 'a'", "body.family name 'a'", 'o'],
    ["SELECT id FROM documents, jsonb_array_elements(body) e WHERE e ->> 'family' = $1", 'body.family name $1', 'o'],
    ["DELETE FROM patients WHERE ssn = 'a' RETURNING ssn = 'b'", "ssn ssn 'a'; ssn ssn 'b'", 'c'],
    ['DECLARE c CURSOR FOR SELECT id FROM patients WHERE ssn = $1', 'ssn ssn $1', 'o'],
    ["COPY (SELECT id FROM patients WHERE ssn = 'a') TO STDOUT", "ssn ssn 'a'", 'c'],
    ["PREPARE p AS SELECT id FROM patients WHERE ssn = 'a'", "ssn ssn 'a'", 'o'],
    // No skeleton: a comment, a letter beyond ASCII, an escape elsewhere
    ["/* by an ORM */ SELECT id FROM patients WHERE ssn = 'a'", "ssn ssn 'a' (span)", 'o'],
    [
      "SELECT id AS größe, '😀' FROM patients WHERE ssn = 'ä' AND mrn_no = - 5",
      "ssn ssn 'ä' (span); mrn_no mrn -5 (span)",
      'oc',
    ],
    [
      "SELECT E'\\n', id FROM patients WHERE ssn = 'a' AND last = 'b'",
      "ssn ssn 'a' (span); last name 'b' (span)",
      'co',
    ],
  ])('%s', (sql, sites, outputs) => {
    const flow = hospitalSites(sql)
    expect({ sites: printedSites(sql, flow), beyond: beyond(flow), outputs: letters(flow) }).toEqual({
      sites: `? ${sites.replaceAll(/(?<=^|; )/g, 'comparison ')}`,
      beyond: [],
      outputs,
    })
  })

  it('ties nothing, and lets nothing flow', () => {
    const sql = "SELECT d.title FROM digits d, patients p WHERE p.ssn = 'a' AND d.digit = '1'"
    expect(letters(hospitalSites(sql))).toBe('o')
  })

  it.each<readonly [what: string, sql: string]>([
    ['order', "SELECT id FROM patients WHERE ssn < 'a'"],
    ['BETWEEN', "SELECT id FROM patients WHERE ssn BETWEEN 'a' AND 'a'"],
    ['LIKE', "SELECT id FROM patients WHERE ssn LIKE 'a'"],
    ['LIKE of the constant', "SELECT id FROM patients WHERE 'a' LIKE ssn"],
    ['a regular expression', "SELECT id FROM patients WHERE ssn ~ 'a'"],
    ['concatenation', "SELECT id FROM patients WHERE ssn = 'a' || 'b'"],
    ['concatenation of a parameter', "SELECT id FROM patients WHERE ssn = $1 || ''"],
    ['a function of the constant', "SELECT id FROM patients WHERE ssn = lower('a')"],
    ['a function of the column', "SELECT id FROM patients WHERE lower(ssn) = 'a'"],
    ['a part of the column', "SELECT id FROM patients WHERE left(ssn, 1) = 'a'"],
    ['a shorter type', "SELECT id FROM patients WHERE ssn = 'a'::varchar(1)"],
    ['char(n) without n, which drops blanks', "SELECT id FROM patients WHERE ssn = 'a'::bpchar"],
    ['that between two casts', "SELECT id FROM patients WHERE ssn = 'a'::bpchar::text"],
    ['an array of these', "SELECT id FROM patients WHERE ssn = ANY ('{a}'::bpchar[])"],
    ['char(1)', "SELECT id FROM patients WHERE ssn = 'a'::char"],
    ['a type of another family', 'SELECT id FROM patients WHERE ssn = 5::text'.replace('5', "'5'::int")],
    ['a narrower number', "SELECT id FROM contacts WHERE big_no = '5'::int4"],
    ['a collation that may be blind to case', "SELECT id FROM patients WHERE last COLLATE ci = 'a'"],
    ['two casts', "SELECT id FROM patients WHERE ssn = '5'::int::text"],
    ['a number as text that shows its scale', "SELECT id FROM contacts WHERE account_no::text = '5'"],
    ['a shorter text of the column', "SELECT id FROM patients WHERE mrn_no::varchar(3) = '5'"],
    ['a text of the column in order', "SELECT id FROM patients WHERE mrn_no::text < '5'"],
    ['a text that becomes a number again', 'SELECT id FROM patients WHERE mrn_no::text::int = 5'],
    ['a sign twice around a cast', 'SELECT id FROM patients WHERE mrn_no = -(-5)::int8'],
    ['a sign before a text', "SELECT id FROM patients WHERE mrn_no = -'5'::int8"],
    ['a sign before a parameter', 'SELECT id FROM patients WHERE mrn_no = -$1'],
    ['a minus between two', 'SELECT id FROM patients WHERE mrn_no = 1 - 5::int8'],
    ['NULLIF', "SELECT nullif(ssn, 'a') IS NULL FROM patients"],
    ['COALESCE of the constant', "SELECT id FROM patients WHERE ssn = coalesce($1, 'a')"],
    ['COALESCE of the column', "SELECT id FROM patients WHERE coalesce(ssn, 'x') = 'a'"],
    ['CASE of the constant', "SELECT id FROM patients WHERE ssn = CASE WHEN gender = 'F' THEN 'a' END"],
    ['CASE with the constant first', "SELECT CASE 'a' WHEN ssn THEN 1 WHEN last THEN 2 END FROM patients"],
    ['GREATEST', "SELECT id FROM patients WHERE ssn = greatest('a', 'b')"],
    ['the largest', "SELECT gender FROM patients GROUP BY 1 HAVING max(ssn) = 'a'"],
    ['another column with it', "SELECT id FROM patients WHERE (ssn || last) = 'a'"],
    ['a row in order', "SELECT id FROM patients WHERE (ssn, last) < ('a', 'b')"],
    ['a row with more', "SELECT id FROM patients WHERE (ssn, phone) = ('a', 'b')"],
    ['a list with more', "SELECT id FROM patients WHERE ssn IN ('a', lower('b'))"],
    ['a list of columns of two classes', "SELECT id FROM patients WHERE 'a' IN (ssn, last)"],
    ['a list of two columns', "SELECT p.id FROM patients p, insurance i WHERE 'a' IN (p.ssn, i.subscriber_ssn)"],
    ['a split text', "SELECT id FROM patients WHERE ssn = ANY (string_to_array('a,b', ','))"],
    [
      'an array with a column, whose type it gets',
      "SELECT c.id FROM contacts c, patients p WHERE c.big_no = ANY (ARRAY['5', p.mrn_no])",
    ],
    ['an array with a number, whose type it gets', "SELECT id FROM contacts WHERE big_no = ANY (ARRAY['5', -6])"],
    ['a list in order', "SELECT id FROM patients WHERE ssn < ANY ('{a}')"],
    ['containment', "SELECT id FROM contacts WHERE numbers @> ARRAY['a']"],
    ['a whole array', "SELECT id FROM contacts WHERE numbers = ARRAY['a']"],
    ['an element of what is masked whole', "SELECT id FROM documents WHERE body -> 'family' ->> 0 = 'a'"],
    ['a place that is a name as well', "SELECT id FROM documents WHERE body #>> '{0,family}' = 'a'"],
    ['a column that is redacted', "SELECT id FROM patients WHERE maiden = 'a'"],
    ['a column without a label', "SELECT id FROM patients WHERE secret = 'a'"],
    ['a column that shows its first letters', "SELECT id FROM contacts WHERE initials = 'a'"],
    ['a part of a document that is redacted', "SELECT id FROM documents WHERE body ->> 'other' = 'a'"],
    ['a document', "SELECT id FROM documents WHERE body -> 'family' = '\"a\"'"],
    ['an escaped literal', "SELECT id FROM patients WHERE ssn = E'a'"],
    ['a dollar quote', 'SELECT id FROM patients WHERE ssn = $$a$$'],
    ['a unicode literal', "SELECT id FROM patients WHERE ssn = U&'a'"],
    ['a literal in two parts', "SELECT id FROM patients WHERE ssn = 'a'\n'b'"],
    ['a backslash', String.raw`SELECT id FROM patients WHERE ssn = 'a\b'`],
    ['a sign twice', 'SELECT id FROM patients WHERE mrn_no = -(-5)'],
    ['a number with an exponent', 'SELECT id FROM patients WHERE mrn_no = 5e0'],
    ['an operator of the user', "SELECT id FROM patients WHERE ssn OPERATOR(mine.=) 'a'"],
    ['VALUES', "SELECT id FROM patients JOIN (VALUES ('a'), ('b')) v(x) ON v.x > ssn"],
    ['UNION', "SELECT ssn FROM patients UNION SELECT 'a'"],
    ['EXCEPT', "SELECT 'a' EXCEPT SELECT ssn FROM patients"],
    ['a row that has just been written', "UPDATE patients SET ssn = 'a' RETURNING ssn = 'b'"],
    ['a row that was inserted', "INSERT INTO patients (ssn) VALUES ('a') RETURNING ssn = 'b'"],
    [
      'such a row in a common table',
      "WITH w AS (UPDATE patients SET ssn = 'a' RETURNING ssn) SELECT 1 FROM w WHERE ssn = 'b'",
    ],
    [
      'the row that was to be inserted',
      "INSERT INTO patients (ssn) VALUES ('a') ON CONFLICT (id) DO UPDATE SET gender = 'F' WHERE excluded.ssn = 'b'",
    ],
    [
      'a column that holds guesses, too',
      "SELECT 1 FROM (SELECT ssn AS s FROM patients UNION ALL SELECT 'guess') t WHERE s = 'a'",
    ],
    [
      'a recursive table that holds guesses',
      "WITH RECURSIVE r AS (SELECT ssn AS s FROM patients UNION ALL SELECT 'guess' FROM r WHERE r.s = 'a') SELECT 1 FROM r",
    ],
    ['EXPLAIN', "EXPLAIN SELECT id FROM patients WHERE ssn = 'a'"],
    ['EXPLAIN of a parameter', 'EXPLAIN SELECT id FROM patients WHERE ssn = $1'],
    ['a view', "CREATE VIEW v AS SELECT id FROM patients WHERE ssn = 'a'"],
    ['a table', "CREATE TABLE t AS SELECT id FROM patients WHERE ssn = 'a'"],
    ['an index', "CREATE INDEX ON patients (id) WHERE ssn = 'a'"],
    ['a parameter of PREPARE', 'PREPARE p (text) AS SELECT id FROM patients WHERE ssn = $1'],
    ['the argument of a function', "SELECT id FROM patients WHERE starts_with(ssn, 'a')"],
  ])('takes none for a stand-in: %s', (_, sql) => {
    const flow = hospitalSites(sql)
    expect(flow.sites?.filter(({ use }) => use === 'comparison') ?? []).toEqual([])
    expect(flow.questions.filter(({ byStandIn }) => byStandIn === true)).toEqual([])
    const isRefused = beyond(flow).length > 0 || flow.hazards.length > 0
    expect(isRefused || letters(flow).includes('p')).toBe(true)
  })

  it('takes none where what a statement sends is compared: COPY FROM … WHERE, the index of ON CONFLICT', () => {
    for (const sql of [
      "COPY patients FROM STDIN WHERE ssn = 'a'",
      "INSERT INTO patients (id) VALUES ('5') ON CONFLICT (id) WHERE ssn = 'a' DO NOTHING",
      "INSERT INTO patients (id) VALUES ('5') ON CONFLICT ((ssn = 'a')) DO NOTHING",
    ]) {
      expect(hospitalSites(sql).sites?.filter(({ use }) => use === 'comparison') ?? []).toEqual([])
    }
  })

  it('takes none of several statements for parameters, and literals of all', () => {
    const sql = "SELECT id FROM patients WHERE ssn = $1 AND last = 'a'; SELECT 1"
    expect(printedSites(sql, hospitalSites(sql))).toBe("? comparison last name 'a'")
    expect(beyond(hospitalSites(sql))).toEqual(['condition patients.ssn'])
  })
})

describe('parameters that are compared', () => {
  it.each<readonly [what: string, sql: string, sites: string]>([
    ['twice with one column', 'SELECT ssn = $1 FROM patients WHERE ssn = $1', 'ssn ssn $1'],
    [
      'with two columns of a class',
      'SELECT p.id FROM patients p, insurance i WHERE p.ssn = $1 AND i.subscriber_ssn = $1',
      'ssn ssn $1; subscriber_ssn ssn $1',
    ],
    [
      'in a sub-select, too',
      'SELECT id FROM patients WHERE ssn = $1 AND EXISTS (SELECT FROM insurance WHERE subscriber_ssn = $1)',
      'ssn ssn $1; subscriber_ssn ssn $1',
    ],
    ['and tested for NULL', 'SELECT id FROM patients WHERE $1 IS NULL OR ssn = $1', 'ssn ssn $1'],
    [
      'and tested for NULL as text',
      'SELECT id FROM patients WHERE ($1::text IS NULL OR ssn = $1) AND $1 IS NOT NULL',
      'ssn ssn $1',
    ],
    ['beside others that are not', 'SELECT $2, id FROM patients WHERE ssn = $1 AND state = $3', 'ssn ssn $1'],
    [
      'in a window that is used twice',
      'SELECT count(*) OVER w, rank() OVER w FROM patients WINDOW w AS (PARTITION BY ssn = $1)',
      'ssn ssn $1',
    ],
  ])('%s', (_, sql, sites) => {
    const flow = hospitalSites(sql)
    expect(beyond(flow)).toEqual([])
    expect(new Set(printedSites(sql, flow).slice(2).split('; '))).toEqual(
      new Set(sites.split('; ').map((site) => `comparison ${site}`)),
    )
  })

  it.each<readonly [what: string, sql: string]>([
    ['returned', 'SELECT $1, id FROM patients WHERE ssn = $1'],
    ['returned by another branch', 'SELECT id::text FROM patients WHERE ssn = $1 UNION ALL SELECT $1'],
    ['returned by RETURNING', 'DELETE FROM patients WHERE ssn = $1 RETURNING $1'],
    ['returned by a sub-select', 'SELECT (SELECT $1::text) FROM patients WHERE ssn = $1'],
    ['returned by VALUES', 'SELECT v.x FROM patients, (VALUES ($1)) v(x) WHERE ssn = $1'],
    ['returned by a function in FROM', 'SELECT u FROM patients, unnest(ARRAY[$1]) u WHERE ssn = $1'],
    ['compared in order', 'SELECT id FROM patients WHERE ssn = $1 OR $1 < state'],
    ['compared with a column that is free of PHI', 'SELECT id FROM patients WHERE ssn = $1 OR state = $1'],
    ['compared with another constant', "SELECT id FROM patients WHERE ssn = $1 AND $1 = 'guess'"],
    ['compared with another parameter', 'SELECT id FROM patients WHERE ssn = $1 AND $1 = $2'],
    ['compared with a column of another class', 'SELECT id FROM patients WHERE ssn = $1 OR last = $1'],
    ['compared with a column that is redacted', 'SELECT id FROM patients WHERE last = $1 OR maiden = $1'],
    ['compared with a column of guesses', 'SELECT p.id FROM patients p, agent_scratch s WHERE p.ssn = $1 AND s.k = $1'],
    ['matched', "SELECT id FROM patients WHERE ssn = $1 AND $1 LIKE '9%'"],
    ['IS NULL of a number', 'SELECT id FROM patients WHERE ssn = $1 OR $1::int IS NULL'],
    ['IS NULL of what is made of it', 'SELECT id FROM patients WHERE ssn = $1 OR nullif($1, state) IS NULL'],
    ['IS UNKNOWN', 'SELECT id FROM patients WHERE ssn = $1 OR ($1 = state) IS UNKNOWN'],
    ['measured', 'SELECT id FROM patients WHERE ssn = $1 AND length($1) > 5'],
    ['a limit', 'SELECT id FROM patients WHERE mrn_no = $1 LIMIT $1'],
    ['an offset', 'SELECT id FROM patients WHERE mrn_no = $1 OFFSET $1'],
    ['a sample', 'SELECT id FROM patients TABLESAMPLE system ($1) WHERE mrn_no = $1'],
    ['a frame', 'SELECT sum(1) OVER (ORDER BY state ROWS $1 PRECEDING) FROM patients WHERE mrn_no = $1'],
    ['a window that nobody uses', 'SELECT id FROM patients WHERE ssn = $1 WINDOW w AS (ORDER BY $1)'],
    ['a key', 'SELECT id FROM patients WHERE ssn = $1 ORDER BY $1 || state'],
    [
      'stored where it is shown',
      'WITH w AS (INSERT INTO agent_scratch (k) VALUES ($1)) SELECT id FROM patients WHERE ssn = $1',
    ],
    ['stored by UPDATE where it is shown', 'UPDATE agent_scratch SET k = $1 FROM patients WHERE ssn = $1'],
    ['stored in a column of another class', 'UPDATE patients SET last = $1 WHERE ssn = $1'],
    ['stored in a part', "UPDATE patients SET ssn = 'x' || $1 WHERE ssn = $1"],
    ['stored where its first letters are shown', 'UPDATE contacts SET initials = $1 FROM patients WHERE last = $1'],
    [
      'in a join that is USING',
      'SELECT id FROM patients JOIN (SELECT $1::text AS state) s USING (state) WHERE ssn = $1',
    ],
    ['in a common table that nobody uses', 'WITH t AS (SELECT $1) SELECT id FROM patients WHERE ssn = $1'],
    ['in GROUP BY by position', 'SELECT $1, count(*) FROM patients WHERE ssn = $1 GROUP BY 1'],
    [
      'in the index of ON CONFLICT',
      "INSERT INTO patients (ssn) VALUES ($1) ON CONFLICT (id) WHERE ssn = $1 DO UPDATE SET gender = 'F' WHERE patients.ssn = $1",
    ],
    ['as an array and as one of its elements', 'SELECT $1[1] FROM patients WHERE ssn = ANY ($1)'],
    ['unnested', 'SELECT * FROM unnest($1::text[]) u JOIN patients ON ssn = ANY ($1::text[])'],
    ['NULLIF', 'SELECT nullif(state, $1) FROM patients WHERE ssn = $1'],
    ['in JSON', "SELECT jsonb_build_object('a', $1::text) FROM patients WHERE ssn = $1"],
    ['a path', 'SELECT body ->> $1 FROM documents, patients WHERE ssn = $1'],
    [
      'in JSON_TABLE',
      "SELECT j.x FROM patients, JSON_TABLE('{}'::jsonb, '$' PASSING $1 AS a COLUMNS (x text PATH '$.x')) j WHERE ssn = $1",
    ],
    ['a default of LAG', 'SELECT lag(state, 1, $1) OVER (ORDER BY state) FROM patients WHERE ssn = $1'],
    ['the argument of a function that is not known', 'SELECT nobody_knows($1) FROM patients WHERE ssn = $1'],
  ])('are none when they are also: %s', (_, sql) => {
    const flow = hospitalSites(sql)
    expect(flow.sites?.filter(({ use }) => use !== 'embedded') ?? []).toEqual([])
    expect(flow.questions.filter(({ byStandIn }) => byStandIn === true)).toEqual([])
    expect(beyond(flow).length + flow.hazards.length).toBeGreaterThan(0)
  })
})

describe('without places', () => {
  it('no constant may be replaced', () => {
    const flow = hospitalFlow("SELECT id FROM patients WHERE ssn = 'a' AND last = $1")
    expect(flow.sites).toBeUndefined()
    expect(beyond(flow)).toEqual(['condition patients.last', 'condition patients.ssn'])
  })
})
