import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { flow, hazards, letters } from './flow-test-support.ts'

beforeAll(() => loadModule())

describe('functions that are not known to be safe', () => {
  it.each([
    ['SELECT clinic.surname_of(id) FROM visits', 'clinic.surname_of'],
    ['SELECT surname_of(id) FROM visits', 'surname_of'],
    ["SELECT pg_read_file('/etc/passwd')", 'pg_read_file'],
    ["SELECT query_to_xml('select 1', true, true, '')", 'query_to_xml'],
    ["SELECT pg_catalog.table_to_xml('people', true, true, '')", 'pg_catalog.table_to_xml'],
    ["SELECT * FROM ts_stat('select 1')", 'ts_stat'],
    ['SELECT pg_stat_get_activity(NULL)', 'pg_stat_get_activity'],
    ['SELECT lo_get(1)', 'lo_get'],
    ["SELECT pg_notify('a', surname) FROM people", 'pg_notify'],
    ["SELECT pg_notify('a', $1)", 'pg_notify'],
    ["SELECT pg_notify(VARIADIC ARRAY['a', 'b'])", 'pg_notify'],
    ["SELECT setval('report.tickets', 5)", 'setval'],
    ["SELECT set_config('application_name', 'x', false)", 'set_config'],
    ["SELECT set_config('jit', (SELECT ssn FROM people LIMIT 1), false)", 'set_config'],
    ["SELECT set_config($1, 'off', false)", 'set_config'],
    ["SELECT current_setting('app.person')", 'current_setting'],
    ['SELECT pg_advisory_lock(record_no) FROM people', 'pg_advisory_lock'],
    ['SELECT 1 FROM visits v, people WHERE pg_advisory_lock(v.id) IS NULL AND v.id = record_no', 'pg_advisory_lock'],
    ['SELECT count(*) FROM generate_series(1, (SELECT record_no FROM people LIMIT 1))', 'generate_series'],
    ["SELECT * FROM dblink('x', 'y') AS t(v text)", 'dblink'],
    ['SELECT current_query()', 'current_query'],
    ['SELECT p.surname_of FROM people p', 'surname_of'],
    ['SELECT (p.id).surname_of FROM people p', 'surname_of'],
    ["SELECT ('/etc/passwd'::text).pg_read_file", 'pg_read_file'],
    ['SELECT ssn(p) FROM people p', 'ssn'],
    ['SELECT 1 FROM visits ORDER BY surname_of(id)', 'surname_of'],
    ['SELECT 1 FROM visits GROUP BY code HAVING surname_of(1) > $1', 'surname_of'],
    ['SELECT 1 FROM visits LIMIT surname_of(1)', 'surname_of'],
    ['SELECT sum(id) OVER (PARTITION BY surname_of(id)) FROM visits', 'surname_of'],
    ['WITH unused AS (SELECT surname_of(id) FROM visits) SELECT 1', 'surname_of'],
    ['INSERT INTO report.scratch (id) VALUES (surname_of(1))', 'surname_of'],
    ['DELETE FROM report.scratch WHERE surname_of(id) = k', 'surname_of'],
    ['EXECUTE q(surname_of(1))', 'surname_of'],
    ['CREATE INDEX ON visits (surname_of(id))', 'surname_of'],
    ['ALTER TABLE visits ADD COLUMN x text DEFAULT surname_of(1)', 'surname_of'],
    ['CREATE TRIGGER t BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION surname_of()', 'surname_of'],
    ['CALL surname_of(1)', 'surname_of'],
    ['EXPLAIN SELECT surname_of(1)', 'surname_of'],
  ])('%s', (sql, name) => {
    const found = flow(sql)
    expect(found.hazards).toContainEqual({ kind: 'function-not-known-safe', subject: name })
    expect(found.functions).toContain(name)
    expect(found.phiReachable).toBe(true)
  })

  it('a user function spoils a built-in name only where it can be found', () => {
    expect(hazards(flow("SELECT lower('A')", ['clinic']))).toBe('')
    expect(hazards(flow("SELECT lower('A')", ['clinic', 'report']))).toBe('function-not-known-safe lower')
    expect(hazards(flow("SELECT pg_catalog.lower('A')", ['report']))).toBe('')
    expect(hazards(flow("SELECT upper('A')"))).toBe('')
    expect(hazards(flow('SELECT max(code) FROM visits'))).toBe('')
  })
})

describe('operators that are not known to be safe', () => {
  it('by schema and by search path', () => {
    expect(hazards(flow('SELECT 1 <+> 2', ['report']))).toBe('operator-not-known-safe <+>')
    expect(hazards(flow('SELECT 1 OPERATOR(report.<+>) 2'))).toBe('operator-not-known-safe report.<+>')
    expect(hazards(flow("SELECT 'a' || 'b'", ['report']))).toBe('operator-not-known-safe ||')
    expect(hazards(flow("SELECT 'a' OPERATOR(pg_catalog.||) 'b'", ['report']))).toBe('')
    expect(hazards(flow("SELECT 'a' OPERATOR(public.%) 'b', 1 + 1"))).toBe('')
    expect(hazards(flow('SELECT 1 FROM visits ORDER BY id USING OPERATOR(report.<+>)'))).toBe(
      'operator-not-known-safe report.<+>',
    )
    expect(hazards(flow('SELECT 1 OPERATOR(report.<+>) ANY (SELECT 1)'))).toBe('operator-not-known-safe report.<+>')
  })
})

describe('relations', () => {
  it.each([
    ['SELECT histogram_bounds FROM pg_stats', 'relation-not-allowed pg_catalog.pg_stats'],
    ['SELECT * FROM pg_catalog.pg_statistic', 'relation-not-allowed pg_catalog.pg_statistic'],
    ['SELECT query FROM pg_stat_activity', 'relation-not-allowed pg_catalog.pg_stat_activity'],
    ['SELECT query FROM public.pg_stat_statements', 'relation-not-allowed public.pg_stat_statements'],
    ['SELECT data FROM pg_largeobject', 'relation-not-allowed pg_catalog.pg_largeobject'],
    ['SELECT * FROM pg_catalog.pg_not_yet_invented', 'relation-not-allowed pg_catalog.pg_not_yet_invented'],
    ['SELECT * FROM pg_toast.pg_toast_20001', 'relation-not-allowed pg_toast.pg_toast_20001'],
    [
      'SELECT * FROM information_schema.user_mapping_options',
      'relation-not-allowed information_schema.user_mapping_options',
    ],
    ['SELECT * FROM nowhere', 'relation-unresolved nowhere'],
    ['SELECT * FROM report.nowhere', 'relation-unresolved report.nowhere'],
    ['SELECT * FROM costs', ''],
    ['INSERT INTO nowhere VALUES (1)', 'relation-unresolved nowhere'],
    ["UPDATE pg_class SET relname = 'x'", 'relation-not-allowed pg_class'],
    ['COPY pg_authid TO STDOUT', 'relation-not-allowed pg_catalog.pg_authid; phi-in-utility COPY'],
  ])('%s', (sql, expected) => {
    const found = flow(sql)
    expect(hazards(found)).toBe(expected)
    if (expected !== '') expect(found.phiReachable).toBe(true)
  })

  it('names are looked up as the server does', () => {
    expect(letters(flow('SELECT * FROM costs', ['report']))).toBe('?') // perhaps the temporary one of this session
    expect(flow('SELECT month FROM costs', ['report']).phiReachable).toBe(true)
    expect(letters(flow('SELECT * FROM report.costs'))).toBe('ooo')
    expect(letters(flow('SELECT a FROM own'))).toBe('o')
    expect(letters(flow('SELECT a FROM pg_temp.own'))).toBe('o')
    expect(hazards(flow('SELECT * FROM people', ['report']))).toBe('relation-unresolved people')
    expect(hazards(flow('SELECT * FROM tables', ['information_schema']))).toBe('')
  })

  it('are listed with what is done to them', () => {
    const sql = `WITH x AS (SELECT sex, count(*) FROM people WHERE surname = $1 GROUP BY 1)
      INSERT INTO report.scratch (id, v) SELECT 1, sex FROM x RETURNING k`
    expect(flow(sql).relations).toEqual([
      { schema: 'report', name: 'scratch', oid: 20_011, action: 'insert', columns: ['id', 'v'], phi: false },
      { schema: 'clinic', name: 'people', oid: 20_001, action: 'read', columns: ['sex', 'surname'], phi: true },
      { schema: 'report', name: 'scratch', oid: 20_011, action: 'read', columns: ['k'], phi: false },
    ])
    expect(flow('UPDATE visits SET code = $1 WHERE id = 2').relations).toMatchObject([
      { name: 'visits', action: 'read', columns: ['id'] },
      { name: 'visits', action: 'update', columns: ['code'] },
    ])
    expect(
      flow('TRUNCATE visits, people').relations.map(({ name, action, phi }) => `${action} ${name} ${phi}`),
    ).toEqual(['truncate visits false', 'truncate people true'])
    expect(flow('DROP TABLE IF EXISTS clinic.notes, fresh').relations).toMatchObject([
      { oid: 20_003, action: 'schema', phi: true },
      { oid: null, schema: null, name: 'fresh', action: 'schema' },
    ])
    expect(flow('GRANT SELECT ON ALL TABLES IN SCHEMA report TO someone').relations).toHaveLength(6)
  })
})

describe('what is not covered', () => {
  it.each([
    ['SELECT id FROM people LIMIT (SELECT record_no FROM people LIMIT 1)', 'construct-not-analysed LIMIT over PHI'],
    ['SELECT 1 FROM visits TABLESAMPLE own_method (1)', 'construct-not-analysed TABLESAMPLE own_method'],
    ["SELECT 'x'::nowhere.thing", 'construct-not-analysed type nowhere.thing'],
    ['INSERT INTO report.ruled VALUES (1)', 'code-not-analysed rules of report.ruled'],
    ['DO $$ BEGIN END $$', 'code-not-analysed DO'],
    ['CREATE RULE r AS ON INSERT TO visits DO ALSO NOTIFY x', 'code-not-analysed CREATE RULE'],
  ])('%s', (sql, expected) => expect(hazards(flow(sql))).toContain(expected))

  it('ends on nested recursion that would multiply the work', () => {
    let sql = 'SELECT 1 AS a'
    for (let i = 0; i < 30; i += 1) sql = `WITH RECURSIVE t${i} AS (${sql} UNION ALL SELECT 1) SELECT * FROM t${i}`
    expect(hazards(flow(sql))).toContain('construct-not-analysed too many nested queries')
  })

  it('a common table expression that refers to itself where it must not', () => {
    expect(letters(flow('WITH RECURSIVE t AS (SELECT * FROM t UNION ALL SELECT 1) SELECT * FROM t'))).toBe('?')
    expect(letters(flow('WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a'))).toBe('?')
  })
})
