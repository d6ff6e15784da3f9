import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Node } from '@pgsql/types'
import { effectsOf } from './effects.ts'
import { STATEMENT_RULES } from './effects-statements.ts'
import { parseOne } from './test-parse.ts'

const AROUND = { isUserFunction: (_schema: string | null, name: string) => name === 'mine' }

// A node of a grammar that does not exist yet.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const FUTURE = { FutureStmt: {} } as unknown as Node

beforeAll(() => loadModule())

const CASES: readonly (readonly [sql: string, command: string, effects: string])[] = [
  ['SELECT 1', 'SELECT', 'read'],
  ['VALUES (1)', 'VALUES', 'read'],
  ['TABLE t', 'SELECT', 'read'],
  ['SELECT * FROM t FOR UPDATE', 'SELECT', 'lock read'],
  ['SELECT * INTO x FROM t', 'SELECT INTO', 'read schema write'],
  ['SELECT 1 INTO x UNION SELECT 2', 'SELECT INTO', 'read schema write'],
  ['INSERT INTO t VALUES (1)', 'INSERT', 'write'],
  ['INSERT INTO t SELECT * FROM u', 'INSERT', 'read write'],
  ['INSERT INTO t VALUES (1) RETURNING a', 'INSERT', 'read write'],
  ['UPDATE t SET a = 1', 'UPDATE', 'write'],
  ['DELETE FROM t', 'DELETE', 'delete'],
  ['MERGE INTO t USING s ON a = b WHEN MATCHED THEN DELETE', 'MERGE', 'delete'],
  [
    'MERGE INTO t USING s ON a = b WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)',
    'MERGE',
    'delete write',
  ],
  ['WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d', 'SELECT', 'delete read'],
  ['WITH d AS (INSERT INTO t VALUES (1)) SELECT 1', 'SELECT', 'read write'],
  ['SELECT (SELECT 1 FROM t FOR SHARE)', 'SELECT', 'lock read'],
  ['EXPLAIN SELECT 1', 'EXPLAIN', 'read'],
  ['EXPLAIN DELETE FROM t', 'EXPLAIN', 'read'],
  ['EXPLAIN ANALYZE DELETE FROM t', 'EXPLAIN', 'delete read'],
  ['EXPLAIN (ANALYZE) DELETE FROM t', 'EXPLAIN', 'delete read'],
  ['EXPLAIN (ANALYZE true) DELETE FROM t', 'EXPLAIN', 'delete read'],
  ['EXPLAIN (ANALYZE 1) DELETE FROM t', 'EXPLAIN', 'delete read'],
  ['EXPLAIN (ANALYZE off) DELETE FROM t', 'EXPLAIN', 'read'],
  ['EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1', 'EXPLAIN', 'read schema write'],
  ['PREPARE p AS DELETE FROM t', 'PREPARE', 'delete session'],
  ['EXECUTE p', 'EXECUTE', 'code session'],
  ['EXECUTE p(pg_read_file(1))', 'EXECUTE', 'code server session'],
  ['DEALLOCATE p', 'DEALLOCATE', 'session'],
  ['DECLARE c CURSOR FOR SELECT 1', 'DECLARE CURSOR', 'read session'],
  ['FETCH c', 'FETCH', 'read session'],
  ['MOVE c', 'MOVE', 'read session'],
  ['CLOSE c', 'CLOSE CURSOR', 'session'],
  ['COPY t FROM STDIN', 'COPY FROM', 'write'],
  ['COPY t TO STDOUT', 'COPY TO', 'read'],
  ["COPY t FROM '/x'", 'COPY FROM', 'server write'],
  ["COPY t TO '/x'", 'COPY TO', 'read server'],
  ["COPY t TO PROGRAM 'x'", 'COPY TO', 'read server'],
  ["COPY t FROM PROGRAM 'x'", 'COPY FROM', 'server write'],
  ['COPY (SELECT 1) TO STDOUT', 'COPY TO', 'read'],
  ['COPY (DELETE FROM t RETURNING a) TO STDOUT', 'COPY TO', 'delete read'],
  ['TRUNCATE t', 'TRUNCATE TABLE', 'delete'],
  ['DROP TABLE t', 'DROP TABLE', 'schema'],
  ['DROP POLICY p ON t', 'DROP POLICY', 'privilege schema'],
  ['DROP EXTENSION e', 'DROP EXTENSION', 'schema server'],
  ['DROP MATERIALIZED VIEW v', 'DROP MATERIALIZED VIEW', 'schema'],
  ['DROP OWNED BY x', 'DROP OWNED', 'privilege schema'],
  ['CREATE TABLE t (a int)', 'CREATE TABLE', 'schema'],
  ['CREATE TABLE t AS SELECT 1', 'CREATE TABLE AS', 'read schema write'],
  ['CREATE MATERIALIZED VIEW v AS SELECT 1', 'CREATE MATERIALIZED VIEW', 'read schema write'],
  ['CREATE TABLE t AS EXECUTE p', 'CREATE TABLE AS', 'code read schema session write'],
  ['CREATE VIEW v AS SELECT 1 FROM t', 'CREATE VIEW', 'read schema'],
  ['CREATE INDEX ON t (a)', 'CREATE INDEX', 'schema'],
  ['CREATE SCHEMA s CREATE TABLE t (a int) GRANT SELECT ON t TO x', 'CREATE SCHEMA', 'privilege schema'],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", 'CREATE FUNCTION', 'schema'],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x'", 'CREATE FUNCTION', 'schema server'],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'x'", 'CREATE FUNCTION', 'schema server'],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'x'", 'CREATE FUNCTION', 'privilege schema'],
  ['ALTER FUNCTION f() SECURITY DEFINER', 'ALTER FUNCTION', 'privilege schema'],
  ['ALTER TABLE t ADD COLUMN a int', 'ALTER TABLE', 'schema'],
  ['ALTER TABLE t OWNER TO x', 'ALTER TABLE', 'privilege schema'],
  ['ALTER TABLE t DISABLE ROW LEVEL SECURITY', 'ALTER TABLE', 'privilege schema'],
  ['ALTER TABLE t SET TABLESPACE x', 'ALTER TABLE', 'schema server'],
  ['ALTER TABLE t RENAME TO u', 'ALTER TABLE', 'schema'],
  ['ALTER SCHEMA s OWNER TO x', 'ALTER SCHEMA', 'privilege schema'],
  ['ALTER ROLE x SET a = 1', 'ALTER ROLE', 'privilege'],
  ['ALTER SYSTEM SET a = 1', 'ALTER SYSTEM', 'server'],
  ['ALTER DATABASE d SET a = 1', 'ALTER DATABASE', 'privilege server'],
  ['GRANT SELECT ON t TO x', 'GRANT', 'privilege'],
  ['REVOKE SELECT ON t FROM x', 'REVOKE', 'privilege'],
  ['GRANT a TO b', 'GRANT ROLE', 'privilege'],
  ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x', 'ALTER DEFAULT PRIVILEGES', 'privilege'],
  ['CREATE ROLE x', 'CREATE ROLE', 'privilege'],
  ['CREATE POLICY p ON t USING (true)', 'CREATE POLICY', 'privilege schema'],
  ['REASSIGN OWNED BY a TO b', 'REASSIGN OWNED', 'privilege schema'],
  ["SECURITY LABEL ON TABLE t IS 'x'", 'SECURITY LABEL', 'privilege'],
  ['CREATE EXTENSION x', 'CREATE EXTENSION', 'schema server'],
  ['CREATE DATABASE x', 'CREATE DATABASE', 'schema server'],
  ["CREATE TABLESPACE x LOCATION '/y'", 'CREATE TABLESPACE', 'server'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", 'CREATE SUBSCRIPTION', 'schema server'],
  ['CREATE PUBLICATION p FOR ALL TABLES', 'CREATE PUBLICATION', 'schema server'],
  ["LOAD 'x'", 'LOAD', 'server'],
  ['CHECKPOINT', 'CHECKPOINT', 'server'],
  ['VACUUM t', 'VACUUM', 'server'],
  ['ANALYZE t', 'ANALYZE', 'schema'],
  ['ANALYZE t (a), u', 'ANALYZE', 'schema'],
  ['ANALYZE', 'ANALYZE', 'server'],
  ['REINDEX TABLE t', 'REINDEX', 'server'],
  ['SET a = 1', 'SET', 'session'],
  ['SET TRANSACTION READ ONLY', 'SET', 'transaction'],
  ['RESET a', 'RESET', 'session'],
  ['SHOW a', 'SHOW', 'session'],
  ['DISCARD ALL', 'DISCARD', 'session'],
  ['LISTEN x', 'LISTEN', 'session'],
  ["NOTIFY x, 'y'", 'NOTIFY', 'session'],
  ['BEGIN', 'BEGIN', 'transaction'],
  ['COMMIT', 'COMMIT', 'transaction'],
  ['ROLLBACK TO s', 'ROLLBACK', 'transaction'],
  ["COMMIT PREPARED 'x'", 'COMMIT PREPARED', 'server transaction'],
  ['LOCK TABLE t', 'LOCK TABLE', 'lock'],
  ['CALL p()', 'CALL', 'code'],
  ['DO $$ begin end $$', 'DO', 'code'],
  ["SELECT nextval('s')", 'SELECT', 'read write'],
  ["SELECT set_config('a', 'b', true)", 'SELECT', 'read session'],
  ["SELECT pg_notify('a', 'b')", 'SELECT', 'read session'],
  ['SELECT pg_advisory_lock(1)', 'SELECT', 'lock read'],
  ['SELECT pg_try_advisory_xact_lock(1)', 'SELECT', 'lock read'],
  ['SELECT pg_terminate_backend(1)', 'SELECT', 'read server'],
  ["SELECT pg_catalog.pg_read_file('x')", 'SELECT', 'read server'],
  ["SELECT lo_import('x')", 'SELECT', 'read server write'],
  ["SELECT lo_export(1, 'x')", 'SELECT', 'read server'],
  ["SELECT * FROM pg_ls_dir('/')", 'SELECT', 'read server'],
  ["SELECT query_to_xml('delete from t', true, true, '')", 'SELECT', 'code read'],
  ["SELECT * FROM dblink('x', 'y') AS t(a int)", 'SELECT', 'code read server'],
  ['SELECT mine(1)', 'SELECT', 'code read'],
  ['SELECT lower(a) FROM t', 'SELECT', 'read'],
  ["UPDATE t SET a = 1 WHERE b = (SELECT pg_read_file('x'))", 'UPDATE', 'server write'],
]

describe('effectsOf', () => {
  it.each(CASES)('%s', (sql, command, effects) => {
    const found = effectsOf(parseOne(sql), AROUND)
    expect(found.command).toBe(command)
    expect([...found.effects].toSorted().join(' ')).toBe(effects)
    expect(found.hazards.filter((hazard) => hazard.subject !== 'EXECUTE')).toEqual([])
  })

  it('marks what destroys without a predicate', () => {
    for (const sql of ['TRUNCATE t', 'DROP TABLE t', 'DROP SCHEMA s CASCADE', 'DROP OWNED BY x', 'DROP DATABASE d']) {
      expect(effectsOf(parseOne(sql), AROUND).destroys, sql).toBe(true)
    }
    expect(effectsOf(parseOne('EXPLAIN DELETE FROM t'), AROUND).destroys).toBe(false)
  })

  it('takes a statement that it does not know for one that touches the server', () => {
    const found = effectsOf(FUTURE, AROUND)
    expect([...found.effects]).toEqual(['server'])
    expect(found.hazards).toEqual([{ kind: 'construct-not-analysed', subject: 'FutureStmt' }])
    expect(found.destroys).toBe(true)
  })

  it('takes an unknown statement inside a known one likewise', () => {
    const found = effectsOf({ PrepareStmt: { query: FUTURE } }, AROUND)
    expect([...found.effects].toSorted()).toEqual(['server', 'session'])
  })

  it('names functions with their schema as written', () => {
    const found = effectsOf(parseOne("SELECT pg_catalog.lower(upper('x')), public.f() OVER ()"), AROUND)
    expect([...found.functions].toSorted()).toEqual(['pg_catalog.lower', 'public.f', 'upper'])
  })
})

describe('STATEMENT_RULES', () => {
  it('covers every statement node of the grammar', () => {
    const types = join(dirname(createRequire(import.meta.url).resolve('@pgsql/types')), 'types.d.ts')
    const names = [...readFileSync(types, 'utf8').matchAll(/^export interface (\w+Stmt) /gm)].map((match) => match[1])
    expect(names.length).toBeGreaterThan(100)
    expect(Object.keys(STATEMENT_RULES).toSorted()).toEqual(names.toSorted((a = '', b = '') => (a < b ? -1 : 1)))
  })

  it('gives every statement an effect, at the latest by its details', () => {
    for (const [name, rule] of Object.entries(STATEMENT_RULES)) {
      expect(rule.effects.length > 0 || rule.more !== undefined || name === 'ReturnStmt', name).toBe(true)
    }
  })
})
