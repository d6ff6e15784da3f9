import { describe, expect, it } from 'vitest'
import { rowQueries, type NamedStatement } from './row-queries.ts'

const spaces = (text: string): string => text.replaceAll(/\s+/g, ' ')

async function queries(sql: string, named: readonly NamedStatement[] = []): Promise<readonly string[] | undefined> {
  const found = await rowQueries(sql, named)
  return found?.map(spaces)
}

describe('rowQueries', () => {
  it.each<[string, readonly string[]]>([
    ['SELECT a FROM t', ['SELECT a FROM t']],
    ['COPY t TO STDOUT', ['SELECT * FROM t']],
    ['COPY s.t (a) TO STDOUT', ['SELECT * FROM s.t']],
    ['COPY (SELECT a FROM t) TO STDOUT', ['SELECT a FROM t']],
    ['COPY (DELETE FROM t RETURNING a) TO STDOUT', ['DELETE FROM t RETURNING a']],
    ['DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t', ['SELECT a FROM t']],
    ['CREATE TABLE k AS SELECT a FROM t', ['SELECT a FROM t']],
    ['CREATE MATERIALIZED VIEW k AS SELECT a FROM t', ['SELECT a FROM t']],
    ['CREATE VIEW k AS SELECT a FROM t', []],
    ['PREPARE p AS SELECT a FROM t', []],
    ['EXPLAIN SELECT a FROM t', []],
    ['EXPLAIN ANALYZE SELECT a FROM t', ['SELECT a FROM t']],
    ['EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t', ['DELETE FROM t']],
    ['BEGIN; SELECT a FROM t; SELECT b FROM u; COMMIT', ['SELECT a FROM t', 'SELECT b FROM u']],
    ['PREPARE p AS SELECT a FROM t; EXECUTE p; EXECUTE p', ['SELECT a FROM t', 'SELECT a FROM t']],
    ['DECLARE c CURSOR FOR SELECT a FROM t; FETCH ALL c; CLOSE c', ['SELECT a FROM t', 'SELECT a FROM t']],
  ])('gives what EXPLAIN can be asked: %s', async (sql, expected) => {
    expect(await queries(sql)).toEqual(expected)
  })

  it('finds what a text runs by names', async () => {
    const named = [
      { sql: 'SELECT 1; PREPARE p AS SELECT a FROM t WHERE b = $1', index: 1 },
      { sql: 'DECLARE c CURSOR FOR SELECT b FROM u', index: 0 },
      { sql: 'SELECT c FROM w', index: 0 },
    ]
    expect(await queries('EXECUTE p (1); FETCH 5 FROM c; CREATE TABLE k AS EXECUTE parsed', named)).toEqual([
      'SELECT a FROM t WHERE b = $1',
      'SELECT b FROM u',
      'SELECT c FROM w',
    ])
    // What the text has prepared itself is not looked for in what came before.
    expect(await queries('PREPARE q AS SELECT d FROM x; EXECUTE q; EXECUTE p', named)).toEqual([
      'SELECT d FROM x',
      'SELECT a FROM t WHERE b = $1',
    ])
  })

  it.each<[string, readonly NamedStatement[]]>([
    ['', []],
    ['SELECT FROM WHERE', []],
    ['COPY t FROM STDIN', []],
    ['DROP TABLE t', []],
    ['CALL f()', []],
    ['DO $$ BEGIN END $$', []],
    ['SELECT a FROM t; TRUNCATE t', []],
    ['EXECUTE p', []],
    ['FETCH c', []],
    ['EXECUTE p; EXECUTE q', [{ sql: 'PREPARE p AS SELECT 1', index: 0 }]],
    ['EXECUTE p', [{ sql: 'PREPARE p AS SELECT 1', index: 1 }]],
    ['EXECUTE p', [{ sql: 'EXECUTE p', index: 0 }]],
    ['CREATE TABLE k AS EXECUTE p', []],
    [`SELECT '${'x'.repeat(33_000)}'; SELECT 1`, []],
    ['EXECUTE p', [{ sql: `SELECT '${'x'.repeat(33_000)}'`, index: 0 }]],
  ])('says nothing of what it does not know: %.60s', async (sql, named) => {
    expect(await rowQueries(sql, named)).toBeUndefined()
  })
})
