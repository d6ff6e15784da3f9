import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { flow, hazards, letters } from './flow-test-support.ts'

beforeAll(() => loadModule())

type Row = readonly [sql: string, outputs: string, hazards: string]

function expectFlow(sql: string, outputs: string, expected: string): void {
  const found = flow(sql)
  expect({ outputs: letters(found), hazards: hazards(found) }).toEqual({ outputs, hazards: expected })
}

describe('PHI is not copied to where no label is', () => {
  it.each<Row>([
    ['INSERT INTO report.scratch (id, v) SELECT id, ssn FROM people', '', 'phi-copied report.scratch.v'],
    ['INSERT INTO report.scratch SELECT 1, sex, surname FROM people', '', 'phi-copied report.scratch.v'],
    ['INSERT INTO report.scratch (v) VALUES ((SELECT max(ssn) FROM people))', '', 'phi-copied report.scratch.v'],
    ['INSERT INTO report.scratch (id, v) SELECT id, sex FROM people RETURNING id, v', 'oo', ''],
    ['INSERT INTO people (ssn, sex) SELECT ssn, sex FROM people', '', ''],
    ['UPDATE people SET surname = upper(surname)', '', ''],
    ['UPDATE people SET surname = ssn', '', 'phi-copied clinic.people.surname'],
    ['UPDATE people SET surname = b.surname FROM badges b', '', ''],
    ['INSERT INTO badges (surname) SELECT ssn FROM people', '', 'phi-copied clinic.badges.surname'],
    ['INSERT INTO people (id, ssn) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn', '', ''],
    ['INSERT INTO people_cards SELECT id, ssn FROM people', '', 'phi-copied clinic.people_cards.card'],
    [
      'INSERT INTO report.scratch (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET v = (SELECT ssn FROM people)',
      '',
      'phi-copied report.scratch.v',
    ],
    [
      'INSERT INTO people (ssn) VALUES ($1) ON CONFLICT (id) DO UPDATE SET sex = excluded.ssn',
      '',
      'phi-copied clinic.people.sex',
    ],
    ['INSERT INTO report.scratch (id) SELECT 1 FROM people, unnest(phones)', '', 'phi-copied report.scratch'],
    ['UPDATE report.scratch SET v = surname FROM people', '', 'phi-copied report.scratch.v'],
    [
      'UPDATE report.scratch SET (k, v) = (SELECT sex, ssn FROM people)',
      '',
      'phi-copied report.scratch.k; phi-copied report.scratch.v',
    ],
    ['UPDATE people SET sex = ssn', '', 'phi-copied clinic.people.sex'],
    ["UPDATE people SET surname = $1, sex = 'F' WHERE id = 1 RETURNING id, ssn, ssn || sex", 'oop', ''],
    ['UPDATE people SET sex = $1 RETURNING WITH (OLD AS was) was.ssn, new.sex', 'oo', ''],
    ['DELETE FROM people WHERE id = 1 RETURNING *', 'oooooooo', ''],
    [
      'MERGE INTO report.scratch t USING people p ON t.id = p.id WHEN MATCHED THEN UPDATE SET v = p.ssn',
      '',
      'phi-copied report.scratch.v',
    ],
    [
      'MERGE INTO report.scratch t USING people p ON t.id = p.id WHEN NOT MATCHED THEN INSERT (id, k) VALUES (p.id, p.sex) RETURNING merge_action(), p.ssn, t.k',
      'coo',
      '',
    ],
    ['CREATE TEMP TABLE t1 AS SELECT id, ssn AS v FROM people', '', 'phi-copied t1'],
    ['CREATE TABLE t1 AS SELECT sex, count(*) FROM people GROUP BY 1', '', ''],
    ['CREATE TABLE t1 AS EXECUTE q', '', 'construct-not-analysed ExecuteStmt; phi-copied t1'],
    ['CREATE MATERIALIZED VIEW m AS SELECT upper(surname) FROM people', '', 'phi-copied m'],
    ['CREATE VIEW w AS SELECT p FROM people p', '', 'phi-copied w'],
    ['CREATE SCHEMA s CREATE VIEW w AS SELECT ssn FROM clinic.people', '', 'phi-copied w'],
    ['SELECT ssn INTO t1 FROM people', '', 'phi-copied t1'],
    ["SELECT 'x' AS v INTO t1 UNION SELECT ssn FROM people", '', 'phi-copied t1'],
    ['ALTER TABLE people ALTER COLUMN sex TYPE text USING ssn', '', 'phi-copied clinic.people.sex'],
    [
      'ALTER TABLE people ADD COLUMN x text GENERATED ALWAYS AS (surname || sex) STORED',
      '',
      'phi-copied clinic.people.x',
    ],
    ['ALTER TABLE people RENAME COLUMN ssn TO x', '', 'phi-copied clinic.people'],
    ['ALTER TABLE visits RENAME COLUMN code TO x', '', ''],
    ['ALTER TABLE people SET SCHEMA report', '', 'phi-copied clinic.people'],
    ['ALTER TABLE log DETACH PARTITION log_2026', '', 'phi-copied clinic.log_2026'],
  ])('%s', expectFlow)
})

describe('utility statements', () => {
  it.each<Row>([
    ['COPY people TO STDOUT', 'ccpppppp', ''],
    ['COPY people (id, sex) TO STDOUT', 'cc', ''],
    ['COPY (SELECT sex, count(*) FROM people GROUP BY 1) TO STDOUT (FORMAT csv)', 'cc', ''],
    ['COPY (SELECT id, ssn AS x FROM people) TO STDOUT', 'cp', ''],
    ['COPY people (ssn) TO STDOUT WITH CSV HEADER', 'p', ''],
    ["COPY people (ssn) TO STDOUT (ENCODING 'LATIN1')", 'p', 'phi-in-utility COPY'],
    ["COPY people (ssn) TO STDOUT (FORMAT 'json')", 'p', 'phi-in-utility COPY'],
    ['COPY BINARY people (ssn) TO STDOUT', 'p', 'phi-in-utility COPY'],
    ["COPY people (ssn) TO '/tmp/x'", 'p', 'phi-in-utility COPY'],
    ["COPY people (ssn) TO PROGRAM 'cat'", 'p', 'phi-in-utility COPY'],
    ['COPY (SELECT * FROM report.costs) TO STDOUT', 'ccc', ''],
    ['COPY people (id, surname) FROM STDIN', '', ''],
    ["COPY visits FROM '/etc/passwd'", '', 'construct-not-analysed COPY FROM a file or program'],
    ["EXPLAIN SELECT 1 FROM people WHERE ssn = '1'", 'c', ''],
    ['EXPLAIN (FORMAT json, ANALYZE false) SELECT ssn FROM people', 'c', ''],
    ["EXPLAIN ANALYZE SELECT 1 FROM people WHERE ssn LIKE '9%'", 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN VERBOSE SELECT sex, ssn FROM people', 'c', ''],
    ['EXPLAIN ANALYZE SELECT sex, count(*) FROM people JOIN visits ON visits.person = people.id GROUP BY 1', 'c', ''],
    ['EXPLAIN ANALYZE SELECT count(*) FROM people p ORDER BY count(p)', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT ssn FROM people', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT * FROM people', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT p FROM people p', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT to_json(p.*) FROM people p', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT id FROM people p ORDER BY p', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT id FROM people NATURAL JOIN badges', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT id FROM people JOIN badges USING (id, surname)', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT id FROM people WHERE ssn IS NULL', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT 1 FROM (SELECT surname FROM people) q', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE SELECT id FROM people_cards', 'c', 'phi-in-utility EXPLAIN'],
    ["EXPLAIN ANALYZE UPDATE people SET sex = 'x' WHERE id = 1", 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN (ANALYZE, VERBOSE) SELECT ward, sum(amount) FROM report.costs GROUP BY 1', 'c', ''],
    ['EXPLAIN EXECUTE q', 'c', 'phi-in-utility EXPLAIN'],
    ['EXPLAIN ANALYZE EXECUTE q', 'c', 'phi-in-utility EXPLAIN'],
    ['DECLARE c CURSOR FOR SELECT sex, ssn, upper(ssn) FROM people', 'oop', ''],
    ['PREPARE q(int) AS SELECT ssn FROM people LIMIT $1', 'o', ''],
    ['PREPARE q AS DELETE FROM people', '', ''],
    ['FETCH 10 FROM c', '?', ''],
    ['MOVE 10 FROM c', '', ''],
    ['EXECUTE q(1)', '?', ''],
    ['SHOW search_path', 'c', ''],
    ['SHOW TIME ZONE', 'c', ''],
    ['SHOW ALL', 'ccc', ''],
    ['SHOW application_name', 'u', ''],
    ['BEGIN', '', ''],
    ['SET statement_timeout = 5', '', ''],
    ['LISTEN x', '', ''],
    ['CREATE TABLE fresh (LIKE people, x int REFERENCES visits (id))', '', ''],
    ['LOCK TABLE people', '', ''],
    ['VACUUM ANALYZE people', '', ''],
    ["COMMENT ON COLUMN people.ssn IS 'number'", '', ''],
    ['CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT surname_of(1); END', '', ''],
    ['SELECT detail, at FROM log_2026', 'oo', ''],
  ])('%s', expectFlow)

  it('knows when PHI cannot be reached', () => {
    expect(flow('SELECT 1').phiReachable).toBe(false)
    expect(flow('TRUNCATE visits').phiReachable).toBe(false)
    expect(flow('SELECT sex FROM people').phiReachable).toBe(true)
    expect(flow('SELECT at FROM log_2026').phiReachable).toBe(true)
    expect(flow('FETCH c').phiReachable).toBe(true)
    expect(flow('SELECT no_such_column FROM visits').phiReachable).toBe(true)
  })
})
