import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { beyond, hospitalFlow } from './questions-test-support.ts'

beforeAll(() => loadModule())

/** What it tries, SQL, uses of the questions beyond the released form. */
type Attack = readonly [what: string, sql: string, uses: string]

function usesBeyond(sql: string): string {
  return [...new Set(beyond(hospitalFlow(sql)).map((question) => question.split(' ', 1)[0]))].join(' ')
}

describe('conditions that ask beyond the released form', () => {
  it.each<Attack>([
    [
      'prefix search, digit by digit',
      "SELECT count(*) FROM patients WHERE id = '1' AND ssn LIKE '999-0%'",
      'condition',
    ],
    ['bisecting a number', "SELECT count(*) FROM patients WHERE id = '1' AND mrn_no < 4200000", 'condition'],
    ['a guess', "SELECT count(*) FROM patients WHERE ssn = '999-00-0001'", 'condition'],
    ['many guesses', "SELECT id FROM patients WHERE ssn IN ('999-00-0001', '999-00-0002')", 'condition'],
    ['guesses in an array', "SELECT id FROM patients WHERE ssn = ANY (ARRAY['a', 'b'])", 'condition'],
    ['guesses in a parameter', 'SELECT id FROM patients WHERE ssn = ANY ($1)', 'condition'],
    [
      'texts that are equal to a collation',
      'SELECT p.id FROM patients p, insurance i WHERE p.ssn COLLATE ci = i.subscriber_ssn',
      'condition',
    ],
    ['guesses in VALUES', "SELECT p.id FROM patients p JOIN (VALUES ('a'), ('b')) v(x) ON v.x = p.ssn", 'condition'],
    ['guesses by IN', 'SELECT id FROM patients WHERE ssn IN (SELECT k FROM agent_scratch)', 'condition'],
    [
      'guesses by USING',
      'SELECT id FROM patients JOIN (SELECT k AS ssn FROM agent_scratch) s USING (ssn)',
      'condition',
    ],
    [
      'guesses by NATURAL JOIN',
      "SELECT 1 FROM (SELECT ssn FROM patients) p NATURAL JOIN (SELECT '1' AS ssn) s",
      'condition',
    ],
    ['a guess in a row', "SELECT id FROM patients WHERE (gender, ssn) = ('F', '1')", 'condition'],
    ['rows in order', "SELECT id FROM patients WHERE (birthdate, ssn) < ('1950-01-01', '1')", 'condition'],
    [
      'a generated guess',
      'SELECT g FROM generate_series(0, 9) g, patients p WHERE substr(ssn, 1, 1) = g::text',
      'condition',
    ],
    ['HAVING', "SELECT gender FROM patients GROUP BY gender HAVING max(ssn) > '999-2'", 'condition'],
    [
      'HAVING with FILTER',
      "SELECT gender FROM patients GROUP BY 1 HAVING max(ssn) FILTER (WHERE id = '1') > '9'",
      'condition',
    ],
    ['FILTER', "SELECT count(*) FILTER (WHERE ssn LIKE '9%') FROM patients", 'condition'],
    ['CASE', "SELECT CASE WHEN ssn LIKE '9%' THEN 1 END FROM patients", 'condition'],
    ['CASE of a value', "SELECT CASE ssn WHEN '1' THEN 1 END FROM patients", 'condition'],
    ['a delay', "SELECT CASE WHEN substr(phone, 5, 1) < '5' THEN pg_sleep(1) END FROM patients", 'condition'],
    ['a delay by AND', "SELECT ssn > '5' AND pg_sleep(1) IS NULL FROM patients", 'condition'],
    ['a failure by OR', "SELECT ssn > '5' OR 1 / (length(gender) - 1) > 0 FROM patients", 'condition'],
    ['a failure by IN', 'SELECT mrn_no IN (5, 1 / (length(gender) - 1)) FROM patients', 'condition'],
    ['a failure by BETWEEN', "SELECT ssn BETWEEN '5' AND (1 / (length(gender) - 1))::text FROM patients", 'condition'],
    ['a failure by row comparison', "SELECT (ssn, 1 / (length(gender) - 1)) = ('9', 1) FROM patients", 'condition'],
    [
      'a failure in a sub-select',
      'SELECT ssn = ANY (SELECT (1 / n::int)::text FROM agent_scratch) FROM patients',
      'condition',
    ],
    ['a delay by CASE of PHI', "SELECT CASE ssn WHEN '1' THEN pg_sleep(1) END FROM patients", 'condition'],
    ['NULLIF', "SELECT nullif(ssn, '999-00-0001') FROM patients", 'condition'],
    ['NULLIF and IS NULL', "SELECT nullif(ssn, '1') IS NULL FROM patients", 'condition'],
    ['a regular expression', "SELECT id FROM patients WHERE ssn ~ '^9'", 'computation condition'],
    ['SIMILAR TO', "SELECT id FROM patients WHERE ssn SIMILAR TO '9%'", 'computation condition'],
    ['negation', "SELECT id FROM patients WHERE NOT (ssn LIKE '9%')", 'condition'],
    ['IS TRUE', "SELECT id FROM patients WHERE (ssn LIKE '9%') IS TRUE", 'condition'],
    ['OR with something free of PHI', "SELECT id FROM patients WHERE gender = 'F' OR ssn LIKE '9%'", 'condition'],
    [
      'a correlated sub-select',
      "SELECT code FROM conditions c WHERE EXISTS (SELECT 1 FROM patients p WHERE p.id = c.patient AND p.ssn LIKE '9%')",
      'condition',
    ],
    ['a count of rows', "SELECT (SELECT count(*) FROM patients WHERE ssn LIKE '9%') > 0", 'condition'],
    [
      'a comparison in a common table',
      "WITH q AS (SELECT ssn LIKE '9%' AS c FROM patients) SELECT count(*) FROM q WHERE c",
      'condition',
    ],
    [
      'the order of PHI: who has the greatest',
      'SELECT id FROM patients WHERE ssn = (SELECT max(ssn) FROM patients)',
      'condition',
    ],
    ['unequal PHI of one class', 'SELECT p.id FROM patients p, patients q WHERE p.ssn < q.ssn', 'condition'],
    ['PHI of two classes', 'SELECT id FROM patients WHERE ssn = last', 'condition'],
    ['a guess in a temporary table', 'SELECT id FROM patients JOIN guesses ON other_secret = guess', 'condition'],
    ['PHI and a column without label', 'SELECT id FROM patients WHERE secret = ssn', 'condition'],
    [
      'a cut column',
      'SELECT p.id FROM patients p JOIN insurance i ON i.subscriber_ssn::varchar(1) = p.ssn::varchar(1)',
      'condition',
    ],
    ['a member of a document', "SELECT id FROM documents WHERE body ->> 'family' LIKE 'S%'", 'condition'],
    ['a document that contains', `SELECT id FROM documents WHERE body @> '{"family": "Smith"}'`, 'condition'],
    [
      'a path in a document',
      'SELECT id FROM documents WHERE body @? \'$.family ? (@ starts with "S")\'',
      'computation condition',
    ],
    ['DELETE', "DELETE FROM patients WHERE ssn LIKE '9%'", 'condition'],
    ['UPDATE … FROM', "UPDATE agent_scratch SET v = 'x' FROM patients p WHERE p.ssn LIKE '9%'", 'condition'],
    [
      'MERGE',
      "MERGE INTO agent_scratch s USING patients p ON p.id::text = s.k WHEN MATCHED AND p.ssn LIKE '9%' THEN UPDATE SET v = 'x'",
      'condition',
    ],
    [
      'RETURNING',
      "UPDATE patients SET gender = 'F' WHERE id = '1' RETURNING CASE WHEN ssn LIKE '9%' THEN 1 END",
      'condition',
    ],
    [
      'INSERT … SELECT',
      "INSERT INTO agent_scratch (id, v) SELECT 5000, 'x' FROM patients WHERE ssn LIKE '999-0%'",
      'condition',
    ],
    [
      'ON CONFLICT',
      "INSERT INTO patients (id) VALUES ('1') ON CONFLICT (id) DO UPDATE SET gender = 'F' WHERE patients.ssn LIKE '9%'",
      'condition',
    ],
    ['a cursor', "DECLARE o CURSOR FOR SELECT id FROM patients WHERE phone LIKE '555-0%'", 'condition'],
    ['a prepared statement', 'PREPARE q AS SELECT id FROM patients WHERE phone LIKE $1', 'computation condition'],
    [
      'rows removed by a filter',
      "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1 FROM patients WHERE id = '1' AND ssn LIKE '%0'",
      'condition',
    ],
    [
      'a delay, by way of a number',
      "SELECT CASE WHEN (substr(phone, 5, 1) BETWEEN '0' AND '4')::int::text = '1' THEN pg_sleep(0.4) END FROM patients",
      'computation condition',
    ],
    ['EXPLAIN', "EXPLAIN SELECT 1 FROM patients WHERE ssn LIKE '%0'", 'condition'],
    ['COPY', "COPY (SELECT id FROM patients WHERE ssn LIKE '9%') TO STDOUT", 'condition'],
    ['a new table', "CREATE TEMP TABLE t AS SELECT id FROM patients WHERE ssn LIKE '9%'", 'condition'],
    [
      'a guess that was written, in RETURNING of a common table',
      "WITH u AS (UPDATE patients SET ssn = 'guess' WHERE id = '1' RETURNING ssn) SELECT 1 FROM u JOIN patients p ON p.ssn = u.ssn",
      'condition',
    ],
    [
      'a guess that was to be written',
      "INSERT INTO patients (id, ssn) VALUES ('1', 'g') ON CONFLICT (id) DO UPDATE SET gender = 'F' WHERE patients.ssn = excluded.ssn",
      'condition',
    ],
    ['the least of two', 'SELECT p.id FROM patients p, patients q WHERE p.ssn = least(p.ssn, q.ssn)', 'condition'],
    [
      'the first of a window',
      'SELECT id FROM (SELECT id, ssn, max(ssn) OVER () m FROM patients) q WHERE ssn = m',
      'condition',
    ],
    ['one of several', "SELECT id FROM patients WHERE ssn = coalesce(maiden, '1')", 'condition'],
    ['a month', "SELECT id FROM patients WHERE birthdate >= '1950-02-01'", 'condition'],
    ['a day', "SELECT id FROM patients WHERE birthdate = '1950-01-01'", 'condition'],
    ['the first day of a year', "SELECT id FROM patients WHERE birthdate <= '1950-01-01'", 'condition'],
    ['the last day of a year', "SELECT id FROM patients WHERE birthdate >= '1950-12-31'", 'condition'],
    ['years that are not told apart', "SELECT id FROM patients WHERE birthdate < '1930-01-01'", 'condition'],
    ['one of them', 'SELECT id FROM patients WHERE extract(year FROM birthdate) = 1930', 'condition'],
    ['an age in days', "SELECT id FROM patients WHERE birthdate < now() - interval '65 years'", 'condition'],
    ['an age to the day', 'SELECT id FROM patients WHERE extract(year FROM age(birthdate)) > 65', 'condition'],
    ['a month by EXTRACT', 'SELECT id FROM patients WHERE extract(month FROM birthdate) = 2', 'condition'],
    ['a time of day', "SELECT id FROM patients WHERE registered_at < '2020-01-01 00:00:01'", 'condition'],
    ['an hour, by time zone', "SELECT id FROM patients WHERE registered_at < '2020-01-01 00:00:00+03'", 'condition'],
    [
      'the same of a date',
      "SELECT id FROM patients WHERE birthdate::timestamptz < '1950-01-01 00:00:00+03'",
      'condition',
    ],
    ['a constant with a time zone', "SELECT id FROM patients WHERE birthdate >= timestamptz '1950-01-01'", 'condition'],
    ['the last day of a year, with a time', "SELECT id FROM patients WHERE registered_at <= '2020-12-31'", 'condition'],
    ['a bind parameter', 'SELECT id FROM patients WHERE birthdate >= $1', 'condition'],
    ['another spelling', "SELECT id FROM patients WHERE birthdate >= '01/01/1950'", 'condition'],
    ['infinity', "SELECT id FROM patients WHERE birthdate < 'infinity'", 'condition'],
    [
      'a generated year',
      'SELECT y FROM generate_series(1940, 1990) y, patients WHERE extract(year FROM birthdate) = y',
      'condition',
    ],
    ['a prefix that is not released', "SELECT id FROM patients WHERE left(zip, 3) = '036'", 'condition'],
    ['a range of prefixes', "SELECT id FROM patients WHERE left(zip, 3) BETWEEN '021' AND '100'", 'condition'],
    ['a longer prefix', "SELECT id FROM patients WHERE left(zip, 4) = '0213'", 'condition'],
    ['a pattern that asks for more', "SELECT id FROM patients WHERE zip LIKE '021_9%'", 'condition'],
    ['a pattern that asks for less', "SELECT id FROM patients WHERE zip LIKE '02%'", 'condition'],
    ['a whole ZIP code', "SELECT id FROM patients WHERE zip = '02139'", 'condition'],
    ['a great age', 'SELECT id FROM patients WHERE age = 95', 'condition'],
    ['greater ages', 'SELECT id FROM patients WHERE age > 90', 'condition'],
  ])('%s: %s', (_, sql, uses) => {
    expect(usesBeyond(sql)).toBe(uses)
  })

  it('names the columns and classes that are asked about', () => {
    const { questions } = hospitalFlow("SELECT id FROM patients p WHERE p.first || p.ssn > 'x'")
    expect(questions).toEqual([
      {
        use: 'condition',
        classes: ['name', 'ssn'],
        columns: ['ehr.patients.first', 'ehr.patients.ssn'],
        released: false,
      },
    ])
  })
})

describe('orders and groupings that ask beyond the released form', () => {
  it.each<Attack>([
    [
      'sorting among known values',
      "SELECT k FROM (SELECT 'target' AS k, ssn AS v FROM patients UNION ALL SELECT 'ref' || g, '999-' || g FROM generate_series(1, 9) g) q ORDER BY v",
      'order',
    ],
    ['ORDER BY', 'SELECT id FROM patients ORDER BY ssn', 'order'],
    ['ORDER BY a position', 'SELECT birthdate FROM patients ORDER BY 1', 'order'],
    ['ORDER BY an output name', 'SELECT upper(last) AS x, id FROM patients ORDER BY x', 'order'],
    [
      'ORDER BY of a set operation',
      'SELECT last FROM patients UNION ALL SELECT last FROM insurance ORDER BY 1',
      'order',
    ],
    ['ORDER BY a position, by an operator', 'SELECT ssn, id FROM patients ORDER BY 1 USING <', 'order'],
    ['ORDER BY an output that hides an input', 'SELECT ssn AS id FROM patients ORDER BY id USING >', 'order'],
    [
      'ORDER BY of a set operation, by an operator',
      'SELECT last FROM patients UNION ALL SELECT last FROM insurance ORDER BY 1 USING <',
      'order',
    ],
    [
      'the first of VALUES',
      "SELECT v.x FROM patients p, LATERAL (VALUES (p.ssn, 1), ('5', 2) ORDER BY 1 LIMIT 1) v(s, x)",
      'order',
    ],
    [
      'the first of VALUES, by name',
      "SELECT (VALUES (p.ssn), ('5') ORDER BY column1 LIMIT 1) FROM patients p",
      'order',
    ],
    [
      'the first of VALUES, by an expression',
      "SELECT v.x FROM patients p, LATERAL (VALUES (p.ssn, 1), ('5', 2) ORDER BY column1 || 'x' LIMIT 1) v(s, x)",
      'order',
    ],
    ['order inside an aggregate', "SELECT string_agg(gender, ',' ORDER BY ssn) FROM patients", 'order'],
    ['order inside json_arrayagg', 'SELECT json_arrayagg(gender ORDER BY ssn) FROM patients', 'order'],
    ['order of a window', 'SELECT row_number() OVER (ORDER BY ssn) FROM patients', 'order'],
    ['order of a named window', 'SELECT rank() OVER w FROM patients WINDOW w AS (ORDER BY ssn)', 'order'],
    ['order of ZIP prefixes, between which the others are', 'SELECT id FROM patients ORDER BY left(zip, 3)', 'order'],
    [
      'the first by distance',
      'SELECT g FROM generate_series(1, 9) g, patients ORDER BY abs(g - mrn_no) LIMIT 1',
      'computation order',
    ],
    ['GROUP BY a digit', 'SELECT count(*) FROM patients GROUP BY substr(ssn, 1, 1)', 'group'],
    ['GROUP BY a digit, by name', 'SELECT substr(ssn, 1, 1) AS d, count(*) FROM patients GROUP BY d', 'group'],
    [
      'GROUP BY a digit that a name hides',
      'SELECT gender AS d, count(*) FROM (SELECT substr(ssn, 1, 1) AS d, gender FROM patients) q GROUP BY d, gender',
      'group',
    ],
    [
      'GROUP BY a sum',
      'SELECT count(*) FROM patients GROUP BY GROUPING SETS ((gender), (mrn_no % 10))',
      'computation group',
    ],
    ['PARTITION BY', 'SELECT count(*) OVER (PARTITION BY substr(ssn, 1, 1)) FROM patients', 'group order'],
    ['DISTINCT', 'SELECT DISTINCT substr(ssn, 1, 1) FROM patients', 'group'],
    ['DISTINCT ON', 'SELECT DISTINCT ON (substr(ssn, 1, 1)) id FROM patients', 'group order'],
    ['DISTINCT of a row', 'SELECT count(DISTINCT (gender, upper(last))) FROM patients', 'group'],
    ['DISTINCT in an aggregate', 'SELECT count(DISTINCT substr(ssn, 1, 1)) FROM patients', 'group'],
    ['UNION with a guess', "SELECT ssn FROM patients WHERE id = '1' UNION SELECT '999-00-0001'", 'group'],
    ['INTERSECT with a guess', "SELECT ssn FROM patients INTERSECT SELECT '999-00-0001'", 'group'],
    ['EXCEPT ALL with a guess', "SELECT ssn FROM patients EXCEPT ALL SELECT '999-00-0001'", 'group'],
    ['UNION inside UNION ALL', "SELECT ssn FROM patients UNION SELECT '1' UNION ALL SELECT '2'", 'group'],
    ['a part of a date', "SELECT count(*) FROM patients GROUP BY date_trunc('month', birthdate)", 'group'],
    ['the order of groups', 'SELECT json_agg(id) FROM patients GROUP BY ROLLUP (last)', 'group'],
    ['the order of groups', 'SELECT array_agg(id) FROM patients GROUP BY gender, CUBE (ssn)', 'group'],
    [
      'a decade, with years that are not told apart',
      "SELECT count(*) FROM patients GROUP BY date_trunc('decade', birthdate)",
      'group',
    ],
  ])('%s: %s', (_, sql, uses) => {
    expect(usesBeyond(sql)).toBe(uses)
  })
})

describe('computations that tell PHI by failing, by NULL or by time', () => {
  it.each<Attack>([
    // Names of members that nobody has declared are masked, too.
    ['a name in a document', "SELECT body -> 'Jane Doe' FROM documents", 'computation'],
    ['a name on a path', "SELECT body #> '{family,Jane}' FROM documents", 'computation'],
    ['a name in SQL/JSON', "SELECT jsonb_path_query(body, '$.family.Jane') FROM documents", 'computation'],
    ['a name from elsewhere', 'SELECT body -> gender FROM documents, patients', 'computation'],
    ['a name as a subscript', "SELECT body['Jane'] FROM documents", 'computation'],
    ['a number as a name', "SELECT body #> '{family,999001234}' FROM documents", 'computation'],
    ['names, one by one', 'SELECT k FROM documents, jsonb_object_keys(body) k', 'computation'],
    ['a filter on PHI', `SELECT jsonb_path_query(body, '$ ? (@.family == "x").gender') FROM documents`, 'computation'],
    ['division by zero', 'SELECT 1 / (length(ssn) - 11) FROM patients', 'computation'],
    [
      'division by zero, by CASE',
      "SELECT 1 / (CASE WHEN substr(ssn, 5, 1) = '0' THEN 0 ELSE 1 END) FROM patients",
      'computation condition',
    ],
    ['a cast to a number', 'SELECT substr(ssn, 1, 1)::int FROM patients', 'computation'],
    ['a cast to a date', 'SELECT last::date FROM patients', 'computation'],
    ['a cast to a short number', 'SELECT mrn_no::smallint FROM patients', 'computation'],
    ['a cast to a domain', 'SELECT birthdate::mine.date FROM patients', 'computation'],
    ['a cast to an array', 'SELECT last::text[] FROM patients', 'computation'],
    ['a cast to JSON', 'SELECT last::jsonb FROM patients', 'computation'],
    ['overflow', 'SELECT mrn_no + 2143000000 FROM patients', 'computation'],
    ['overflow of a date', 'SELECT birthdate + 2147000000 FROM patients', 'computation'],
    ['overflow of a sum', 'SELECT sum(ratio) FROM patients', 'computation'],
    ['a square root', 'SELECT sqrt(4200000 - mrn_no) FROM patients', 'computation'],
    ['a hash', 'SELECT abs(hashtext(ssn)) % 7 FROM patients', 'computation'],
    ['edit distance', "SELECT levenshtein(last, 'Smith') FROM patients", 'computation'],
    ['a regular expression that takes long', "SELECT regexp_replace(last, '(a+)+$', '') FROM patients", 'computation'],
    ['NULL from a regular expression', "SELECT substring(last FROM '^S.*') FROM patients", 'computation'],
    ['NULL from a search in an array', "SELECT array_position(phones, '555') FROM patients", 'computation'],
    ['a shorter array', "SELECT array_remove(phones, '555') FROM patients", 'computation'],
    ['a number of parts', "SELECT string_to_array(ssn, '9') FROM patients", 'computation'],
    ['a number of rows', "SELECT regexp_split_to_table(ssn, '9') FROM patients", 'computation'],
    ['a subscript', "SELECT (ARRAY['a', 'b'])[mrn_no] FROM patients", 'computation'],
    ['repetition', "SELECT repeat('x', mrn_no) FROM patients", 'computation'],
    ['a width', 'SELECT lpad(gender, mrn_no) FROM patients', 'computation'],
    ['a long width', 'SELECT lpad(last, 1000000000) FROM patients', 'computation'],
    ['a pattern that fails', "SELECT last LIKE 'S\\' FROM patients", 'computation'],
    ['a pattern with an escape', "SELECT last LIKE 'S!' ESCAPE '!' FROM patients", 'computation'],
    ['bytes that are no text', "SELECT convert_from(photo, 'UTF8') FROM patients", 'computation'],
    ['bytes that are not there', 'SELECT get_byte(photo, 5) FROM patients', 'computation'],
    [
      'a JSON path with a filter',
      'SELECT json_value(body, \'$ ? (@.family == "x").id\') FROM documents',
      'computation',
    ],
    [
      'a JSON path function',
      'SELECT jsonb_path_query_first(body, \'$ ? (@.family == "x")\') FROM documents',
      'computation',
    ],
    ['a call by dot', 'SELECT (mrn_no).factorial FROM patients', 'computation'],
    ['SET', 'UPDATE patients SET mrn_no = mrn_no / 0', 'computation'],
    ['VALUES', 'VALUES ((SELECT ssn::int FROM patients LIMIT 1))', 'computation'],
    ['a function in FROM', "SELECT 1 FROM patients, regexp_matches(ssn, '9', 'g') m", 'computation'],
    ['ORDER BY a cast', 'SELECT id FROM patients ORDER BY ssn::int', 'computation order'],
    ['a key of JSON that is there or not', "SELECT jsonb_build_object(ssn, 1) -> '999' FROM patients", 'computation'],
    ['the same by path', 'SELECT json_value(jsonb_build_object(ssn, 1), \'$."999"\') FROM patients', 'computation'],
    ['the same by subscript', "SELECT (jsonb_build_object(ssn, 1))['999'] FROM patients", 'computation'],
    [
      'keys of JSON that become one',
      "SELECT k FROM patients, jsonb_object_keys(jsonb_build_object(ssn, 1, '999', 2)) k",
      'computation',
    ],
    [
      'a text that is too long with it',
      "SELECT length(v || replace(ssn, '9', '99')) FROM patients, (SELECT repeat('x', 1073741812) AS v) q",
      'computation',
    ],
    ['two keys of JSON that are equal', 'SELECT json_object_agg_unique(last, id) FROM patients', 'computation'],
  ])('%s: %s', (_, sql, uses) => {
    expect(usesBeyond(sql)).toBe(uses)
  })
})

describe('definitions that are tried on the rows that are there', () => {
  it.each<Attack>([
    ['the size of an index', "CREATE INDEX ON patients (id) WHERE ssn LIKE '9%'", 'condition'],
    ['an index that fails', 'CREATE INDEX ON patients ((ssn::int))', 'computation'],
    ['an index that is not unique', 'CREATE UNIQUE INDEX ON patients (substr(ssn, 1, 1))', 'group'],
    ['statistics that fail', 'CREATE STATISTICS s ON (ssn::int), gender FROM patients', 'computation'],
    ['a constraint', "ALTER TABLE patients ADD CHECK (ssn <> '999-00-0001')", 'condition'],
    ['the constraint of a new column', "ALTER TABLE patients ADD COLUMN x int CHECK (ssn <> '1')", 'condition'],
    ['a constraint of a domain', "ALTER DOMAIN ssn_t ADD CHECK (value <> '999-00-0001')", 'condition'],
    ['a reference', 'ALTER TABLE patients ADD FOREIGN KEY (ssn) REFERENCES agent_scratch (k)', 'condition'],
    ['an exclusion', "ALTER TABLE patients ADD EXCLUDE USING btree (id WITH =) WHERE (ssn LIKE '9%')", 'condition'],
    ['a type', 'ALTER TABLE patients ALTER COLUMN ssn TYPE int USING ssn::int', 'computation'],
    ['nothing', 'CREATE INDEX ON patients (ssn)', ''],
    ['nothing but which are equal', 'CREATE UNIQUE INDEX ON patients (ssn)', ''],
    ['nothing of PHI', "ALTER TABLE patients ADD CHECK (gender <> 'X')", ''],
  ])('%s: %s', (_, sql, uses) => {
    expect(usesBeyond(sql)).toBe(uses)
  })
})

describe('views', () => {
  it('ask nothing by themselves: their conditions are the owner’s', () => {
    expect(hospitalFlow('SELECT patient_id FROM v_people').questions).toEqual([])
  })

  it.each<readonly [sql: string, beyond: readonly string[]]>([
    ["SELECT patient_id FROM v_people WHERE dob >= '1950-01-01'", []],
    ['SELECT extract(year FROM dob), count(*) FROM v_people GROUP BY 1 ORDER BY 1', []],
    ['SELECT count(DISTINCT dob) FROM v_people JOIN patients ON birthdate = dob', []],
    ["SELECT patient_id FROM v_people WHERE dob = '1950-03-01'", ['condition patients.birthdate']],
    ["SELECT patient_id FROM v_people WHERE label LIKE 'A%'", ['condition patients.first, patients.last']],
    ['SELECT patient_id FROM v_people ORDER BY label', ['order patients.first, patients.last']],
    ['SELECT count(*) FROM v_people GROUP BY label', ['group patients.first, patients.last']],
    ['SELECT patient_id FROM v_people WHERE nines IS NULL', ['condition patients.ssn']],
  ])('%s', (sql, expected) => {
    expect(beyond(hospitalFlow(sql))).toEqual(expected)
  })
})
