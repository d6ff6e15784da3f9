import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { flow, hazards, letters } from '../flow-test-support.ts'

beforeAll(() => loadModule())

/** SQL, outputs. None of these statements is hazardous. */
type Row = readonly [sql: string, outputs: string]

function expectOutputs(sql: string, outputs: string): void {
  const found = flow(sql)
  expect({ outputs: letters(found), hazards: hazards(found) }).toEqual({ outputs, hazards: '' })
}

/** The server names their origin if the types and lengths of both sides are the same, which is not known. */
describe('columns merged by USING are copies of a side', () => {
  it.each([
    ['SELECT surname, colour FROM people LEFT JOIN badges USING (surname)', 'po'],
    ['SELECT j.surname FROM (people JOIN badges USING (surname)) j', 'p'],
    ['SELECT m.surname FROM people JOIN badges USING (surname) AS m', 'p'],
    ['SELECT id FROM visits LEFT JOIN notes USING (id)', 'c'],
    ['SELECT id, v.id FROM visits v NATURAL LEFT JOIN (SELECT id FROM badges) b', 'co'],
  ])('%s', expectOutputs)
})

describe('plain columns keep their origin', () => {
  it.each<Row>([
    ['SELECT id, ssn AS harmless FROM people', 'oo'],
    ['sElEcT "ssn" FrOm CLINIC."people"', 'o'],
    ['SELECT * FROM people', 'oooooooo'],
    ['SELECT v.*, p.sex FROM visits v JOIN people p ON p.id = v.person', 'oooooo'],
    ['SELECT b FROM (SELECT a AS b FROM (SELECT ssn AS a, id FROM people) q) r', 'o'],
    ['SELECT t.x FROM people AS t(a, b, x)', 'o'],
    ['SELECT t.y FROM (SELECT id, ssn FROM people) t(x, y)', 'o'],
    ['WITH p AS (SELECT id, ssn AS x FROM people) SELECT x FROM p', 'o'],
    ['WITH a AS (SELECT ssn FROM people), b(y) AS (SELECT * FROM a) SELECT y FROM b', 'o'],
    ['WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT ssn FROM people) SELECT * FROM a', 'o'],
    ['SELECT v.code, l.s FROM visits v, LATERAL (SELECT ssn AS s FROM people p WHERE p.id = v.person) l', 'oo'],
    ['SELECT clinic.people.ssn FROM clinic.people', 'o'],
    ['SELECT DISTINCT ON (surname) id FROM people ORDER BY surname LIMIT 5', 'o'],
    ['TABLE people', 'oooooooo'],
    ['SELECT ssn FROM (WITH q AS (SELECT ssn FROM people) SELECT * FROM q) x', 'o'],
    ['WITH d AS (DELETE FROM people WHERE id = 1 RETURNING ssn, sex) SELECT * FROM d', 'oo'],
    ['SELECT id FROM people FOR UPDATE', 'o'],
  ])('%s', expectOutputs)

  it('a common table expression hides a table of its name, a schema does not', () => {
    expect(letters(flow('WITH visits AS (SELECT surname AS code FROM people) SELECT code || $1 FROM visits'))).toBe('p')
    expect(letters(flow('WITH visits AS (SELECT 1) SELECT code || $1 FROM clinic.visits'))).toBe('c')
  })

  it('system columns hold nothing, whatever else has their name', () => {
    expectOutputs('SELECT ctid, p.tableoid FROM people p', 'cc')
    expectOutputs('SELECT ctid || $1 FROM (SELECT ssn AS ctid FROM people) q', 'p')
    expectOutputs('SELECT (SELECT ctid FROM report.visit_counts) FROM (SELECT ssn AS ctid FROM people) q', 'p')
  })
})

describe('expressions carry what flows into them', () => {
  it.each<Row>([
    ['SELECT upper(ssn), upper(sex) FROM people', 'pc'],
    ["SELECT surname || ', ' || sex, sex || code FROM people, visits", 'pc'],
    ['SELECT ssn::text::int, sex::text FROM people', 'pc'],
    ['SELECT p, row_to_json(p), to_jsonb(p.*), ROW(p.*) FROM people p', 'pppp'],
    ['SELECT v, row_to_json(v) FROM visits v, people', 'cc'],
    ['SELECT (p).ssn, (p).sex, (home).street FROM people p', 'pcp'],
    ['SELECT (b).* FROM badges b', 'cpc'],
    ['SELECT ARRAY[sex, ssn], ARRAY[sex], phones[1] FROM people', 'pcp'],
    ["SELECT CASE sex WHEN 'F' THEN 1 END, CASE WHEN ssn LIKE '9%' THEN 1 END FROM people", 'cp'],
    ["SELECT ssn = '1', coalesce(sex, 'x'), coalesce(sex, surname), greatest(1, record_no) FROM people", 'pcpp'],
    ['SELECT (SELECT ssn FROM people LIMIT 1), ARRAY(SELECT sex FROM people), id FROM visits', 'pco'],
    ["SELECT code = ANY (SELECT ssn FROM people), 'F' IN (SELECT sex FROM people) FROM visits", 'pc'],
    ["SELECT json_object('a': sex), json_array(ssn), json_value(body, '$.a') FROM people, notes", 'cpp'],
    [
      'SELECT xmlelement(name a, sex), xmlforest(ssn), xmlserialize(content xmlelement(name b) AS text) FROM people',
      'cpc',
    ],
    ['SELECT substr(ssn, g, 1) FROM people, generate_series(1, 9) g', 'p'],
    ["SELECT encode(convert_to(ssn, 'UTF8'), 'hex'), md5(ssn), reverse(surname) FROM people", 'ppp'],
    ["SELECT body -> 'name' ->> 'family', body #>> '{a,b}' FROM notes", 'pp'],
    ["SELECT ts_headline('english', body, to_tsquery('called')) FROM notes", 'p'],
    ['SELECT extract(year FROM born), extract(year FROM began) FROM people, visits', 'pc'],
    ['SELECT card, upper(card) FROM people_cards', 'uu'],
    ["SELECT repeat('-', 1000000) || ssn FROM people", 'p'],
  ])('%s', expectOutputs)
})

describe('aggregates and windows', () => {
  it.each<Row>([
    ['SELECT count(*), count(ssn), count(DISTINCT surname), count(DISTINCT lower(surname)) FROM people', 'cccc'],
    ['SELECT max(ssn), min(sex), avg(record_no), string_agg(sex, $1) FROM people', 'pcpc'],
    ["SELECT string_agg(sex, ',' ORDER BY ssn), sum(id) FILTER (WHERE ssn LIKE '9%') FROM people", 'pp'],
    ["SELECT count(CASE WHEN ssn LIKE '9%' THEN 1 END), count(*) FILTER (WHERE ssn LIKE '9%') FROM people", 'pp'],
    ["SELECT count(nullif(ssn, '1')), count(*) FILTER (WHERE sex = 'F') FROM people", 'pc'],
    ['SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY record_no) FROM people', 'p'],
    ['SELECT row_number() OVER (ORDER BY id), rank() OVER w FROM people WINDOW w AS (PARTITION BY ssn)', 'cc'],
    ['SELECT lag(sex) OVER (ORDER BY id), sum(id) OVER (ORDER BY surname) FROM people', 'cp'],
    ['SELECT sex, count(*) FROM people GROUP BY ROLLUP (sex), surname HAVING max(ssn) > $1', 'oc'],
    ['SELECT ssn IS NULL, surname IS NOT NULL FROM people', 'cc'],
    ["SELECT nullif(ssn, '1') IS NULL, (CASE WHEN ssn > '5' THEN 1 END) IS NULL FROM people", 'pp'],
    ['SELECT GROUPING(sex), sex FROM people GROUP BY CUBE (sex)', 'co'],
  ])('%s', expectOutputs)
})

describe('sub-selects that answer a question', () => {
  it.each<Row>([
    ["SELECT EXISTS (SELECT 1 FROM people WHERE ssn = '1')", 'c'],
    ['SELECT id, EXISTS (SELECT 1 FROM people p WHERE p.id = v.person) FROM visits v', 'oc'],
    ["SELECT id, EXISTS (SELECT 1 FROM people p WHERE p.id = v.person AND p.ssn LIKE '9%') FROM visits v", 'op'],
    ["SELECT id, (SELECT count(*) FROM people p WHERE p.id = v.person AND ssn LIKE '9%') FROM visits v", 'op'],
    ['SELECT id, (SELECT count(*) FROM people p WHERE p.id = v.person) FROM visits v', 'oc'],
    ["SELECT id FROM people p WHERE EXISTS (SELECT 1 WHERE p.ssn LIKE '9%')", 'o'],
  ])('%s', expectOutputs)
})

describe('set operations, VALUES and recursion', () => {
  it.each<Row>([
    ['SELECT code FROM visits UNION ALL SELECT ssn FROM people', 'p'],
    ['SELECT code, id FROM visits UNION SELECT sex, id FROM people', 'cc'],
    ['SELECT x FROM (SELECT id, code AS x FROM visits EXCEPT SELECT id, surname FROM people) q', 'p'],
    ["VALUES (1, 'a'), (2, 'b')", 'cc'],
    ["VALUES (1, 'a'), (2, (SELECT ssn FROM people LIMIT 1))", 'cp'],
    ['SELECT v.y FROM (VALUES (1, 2)) v(x, y)', 'c'],
    ['WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r', 'c'],
    ['WITH RECURSIVE r(n, s) AS (SELECT 1, sex FROM people UNION ALL SELECT n + 1, s FROM r) SELECT n, s FROM r', 'cc'],
    [
      `SELECT l.* FROM people p, LATERAL (WITH RECURSIVE r(a, b) AS
       (SELECT p.ssn, sex FROM (VALUES ('x')) v(sex) UNION ALL SELECT b, a FROM r) SELECT b FROM r) l`,
      'p',
    ],
    ['(SELECT code FROM visits LIMIT 1) UNION ALL (SELECT ward FROM report.costs ORDER BY 1) ORDER BY 1', 'c'],
  ])('%s', expectOutputs)
})

describe('FROM items that are not stored', () => {
  it.each<Row>([
    ['SELECT u, p.sex FROM people p, unnest(p.phones) u', 'po'],
    ['SELECT e.key, e.value FROM people p, jsonb_each(to_jsonb(p)) e', 'cp'],
    ["SELECT e.* FROM json_each_text('{}') e, people", 'cc'],
    ["SELECT x.a FROM people, jsonb_to_recordset('[]') AS x(a int, b text)", 'c'],
    [
      'SELECT n, o FROM people, ROWS FROM (generate_series(1, 2), generate_series(1, 3)) WITH ORDINALITY t(n, m, o)',
      'cc',
    ],
    ["SELECT j.a, j.b FROM notes, json_table(body, '$' COLUMNS (a int, NESTED '$.x' COLUMNS (b text))) j", 'pp'],
    ["SELECT x.a FROM people, xmltable('/a' PASSING '<a/>' COLUMNS a int PATH '.') x", 'c'],
    ['SELECT id FROM people TABLESAMPLE SYSTEM (10)', 'o'],
    ['SELECT * FROM unnest(ARRAY[1, 2])', 'c'],
    ["SELECT v, p.sex FROM people p, unnest(ARRAY['x', 'y']) AS t(v)", 'co'],
    ["SELECT v FROM people p, unnest('{1,2}'::int[]) v", 'c'],
    ['SELECT v FROM people p, unnest($1::uuid[]) v', 'c'],
    ["SELECT * FROM unnest(ARRAY['(1,2)']::clinic.address[])", '?'],
    ["SELECT * FROM unnest('{}'::clinic.address[])", '?'],
    ['SELECT * FROM unnest(ARRAY[row(1, 2)])', '?'],
  ])('%s', expectOutputs)
})

describe('nothing PHI in reach', () => {
  it.each<Row>([
    ['SELECT month, sum(amount) OVER (PARTITION BY ward ORDER BY month) FROM report.costs', 'oc'],
    ['SELECT $1::int + 1, now(), current_user, NULL, ARRAY[1]', 'ccccc'],
    ['SELECT code, n + 1 FROM report.visit_counts', 'cc'],
    [
      "SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' END FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pg_catalog.pg_table_is_visible(c.oid)",
      'ooc',
    ],
    ['SELECT table_name, data_type FROM information_schema.columns', 'oo'],
    [
      'SELECT (information_schema._pg_expandarray(i.indkey)).n, pg_get_expr(d.adbin, d.adrelid) FROM pg_index i, pg_attrdef d',
      'cc',
    ],
    ['SELECT * FROM pg_class', '?'],
    ["SELECT nextval('report.tickets'), last_value FROM report.tickets", 'co'],
    ["SELECT current_setting('server_version'), set_config('jit', 'off', false)", 'cc'],
    ["SELECT similarity(code, $1), code % $1, max(code), code = 'a' FROM visits GROUP BY code", 'cccc'],
    ["SELECT NULL::address, 'f'::clinic.sex, 'people'::regclass", 'ccc'],
  ])('%s', (sql, outputs) => {
    expectOutputs(sql, outputs)
    expect(flow(sql).phiReachable).toBe(false)
  })
})

describe('conditions over PHI', () => {
  it.each<Row>([
    ["SELECT id, sex FROM people WHERE ssn LIKE '9%' ORDER BY surname", 'oo'],
    ["SELECT code, person FROM visits WHERE person IN (SELECT id FROM people WHERE surname = 'x')", 'oo'],
    ['SELECT code, person FROM visits WHERE person = (SELECT id FROM people WHERE ssn = $1)', 'oo'],
    ['SELECT * FROM visits v WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.id = v.person AND p.ssn = $1)', 'ooooo'],
    ['SELECT count(*) FROM people p JOIN badges b ON b.surname = p.surname', 'c'],
    ['SELECT v.code FROM visits v, people p WHERE v.person = p.id AND (p.surname = $1 OR p.ssn = $2)', 'o'],
    ["SELECT id, sex FROM (SELECT id, sex, upper(surname) AS n FROM people) q WHERE n = 'X' ORDER BY n", 'oo'],
    ['SELECT sex, count(*) FROM people GROUP BY ROLLUP ((sex, surname)) ORDER BY sex, min(surname)', 'oc'],
    ['SELECT DISTINCT id, sex FROM people ORDER BY id', 'oo'],
    ['SELECT q.* FROM (SELECT id, ssn, sex FROM people) q WHERE q.ssn > $1', 'ooo'],
  ])('leave other columns alone: %s', expectOutputs)

  it.each<Row>([
    ['SELECT g FROM generate_series(0, 9) g, people WHERE substr(ssn, 1, 1) = g::text', 'p'],
    ['SELECT d.digit FROM report.digits d JOIN people ON ssn LIKE d.digit || $1', 'p'],
    ['SELECT b.digit FROM report.digits a JOIN report.digits b USING (digit), people WHERE a.digit = ssn', 'p'],
    ["SELECT digit FROM (SELECT '1' AS digit) d NATURAL JOIN (SELECT ssn AS digit FROM people) p", 'p'],
    ['SELECT digit FROM report.digits WHERE digit IN (SELECT ssn FROM people)', 'p'],
    ['SELECT digit FROM report.digits d WHERE EXISTS (SELECT 1 FROM people WHERE ssn LIKE d.digit || $1)', 'p'],
    ['SELECT d.h FROM (SELECT g, g * 2 AS h FROM generate_series(0, 9) g) d, people WHERE record_no = g', 'p'],
    ['SELECT g, h FROM generate_series(0, 9) g, LATERAL (SELECT g AS h) x, people WHERE ssn = g::text', 'pp'],
    ['SELECT g, h FROM generate_series(0, 9) g, LATERAL (SELECT g AS h) x, people WHERE ssn = h::text', 'pp'],
    [
      "SELECT v.id, p.sex FROM visits v, people p WHERE (p.ssn LIKE '1%' AND v.id = 1) OR (p.ssn LIKE '2%' AND v.id = 2)",
      'po',
    ],
    ['SELECT max(v.id) FROM visits v, people p WHERE v.id <= p.record_no', 'p'],
    ['SELECT count(*) FROM generate_series(1, 999999) g WHERE g <= (SELECT record_no FROM people WHERE id = 1)', 'p'],
    ["SELECT count(*) FROM regexp_split_to_table((SELECT repeat('x', record_no) FROM people LIMIT 1), '')", 'p'],
    ['SELECT g FROM generate_series(1, 9) g, people p ORDER BY abs(g - p.record_no) LIMIT 1', 'p'],
    ['SELECT g, abs(g - record_no) AS d FROM generate_series(1, 9) g, people ORDER BY d', 'pp'],
    ['SELECT g, abs(g - record_no) AS d FROM generate_series(1, 9) g, people ORDER BY 2', 'pp'],
    ['SELECT DISTINCT ON (abs(v.id - record_no)) v.id FROM visits v, people', 'p'],
    ['SELECT max(v.id) FROM visits v, people p GROUP BY v.id <= p.record_no', 'p'],
    ['SELECT max(v.id) FROM visits v, people p GROUP BY GROUPING SETS ((), (v.id <= p.record_no))', 'p'],
    [
      'SELECT g FROM (SELECT g, row_number() OVER (ORDER BY abs(g - record_no)) n FROM generate_series(1, 9) g, people) q WHERE n = 1',
      'p',
    ],
    ['SELECT id FROM (SELECT v.id, v.id = p.record_no AS eq FROM visits v, people p) q WHERE eq', 'p'],
    ['SELECT v.id FROM visits v, people p, LATERAL (VALUES (v.id = p.record_no)) x(eq) WHERE x.eq', 'p'],
    [
      'WITH q AS (SELECT v.id, v.id - p.record_no AS d FROM visits v, people p) SELECT id FROM q ORDER BY d LIMIT 1',
      'p',
    ],
    ['SELECT id, id - record_no AS d FROM people UNION SELECT 1, 1 ORDER BY d', 'pp'],
    ['SELECT g FROM generate_series(1, 9) g, people GROUP BY g HAVING count(*) FILTER (WHERE record_no = g) > 0', 'p'],
    ['SELECT array_length(ARRAY(SELECT 1 FROM regexp_split_to_table(repeat($1, record_no), $2)), 1) FROM people', 'p'],
  ])('taint what they tie to it: %s', expectOutputs)
})
