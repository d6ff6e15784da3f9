import { beforeAll, describe, expect, it } from 'vitest'
import { loadModule } from 'libpg-query'
import type { CatalogRelation } from './catalog.ts'
import { analyse } from './analyse.ts'
import { surroundingsOf } from './surroundings.ts'
import { NO_PHI } from './test-catalog.ts'

const relation = (oid: number, schema: string, name: string): CatalogRelation => ({
  oid,
  schema,
  name,
  kind: 'r',
  columns: [{ attnum: 1, name: 'a', typeOid: 23 }],
  dependsOn: [],
  usesWholeRows: false,
  callsUserFunctions: false,
  parents: [],
})

const CATALOG = {
  epoch: 'one',
  serverMajor: 18,
  relations: [
    relation(20001, 'pg_temp_3', 'scratch'),
    relation(20002, 'public', 'permanent'),
    relation(20003, 'pg_temp_4', 'permanent'),
  ],
  userFunctions: [],
  userOperators: [],
  userTypes: [],
}

describe('changesOnlyTemporary', () => {
  beforeAll(() => loadModule())

  it.each([
    ['CREATE TEMP TABLE t (a int)', true],
    ['CREATE TABLE pg_temp.t (a int)', true],
    ['CREATE TEMP TABLE t AS SELECT 1 AS a', true],
    ['SELECT 1 AS a INTO TEMP t', true],
    ['CREATE TEMP VIEW t AS SELECT 1 AS a', true],
    ['DROP TABLE scratch', true],
    ['DROP TABLE IF EXISTS pg_temp.missing', true],
    ['ANALYZE scratch', true],
    ['ANALYZE public.permanent', false],
    ['ALTER TABLE scratch ADD b int', true],
    ['TRUNCATE scratch', true],
    ['DELETE FROM scratch', true],
    ['WITH d AS (DELETE FROM scratch RETURNING a) SELECT a FROM d', true],
    ['CREATE TABLE t (a int)', false],
    ['DROP TABLE scratch, public.permanent', false],
    ['WITH d AS (DELETE FROM public.permanent RETURNING a) INSERT INTO scratch SELECT a FROM d', false],
    // Another session's temporary relation has the name: whose is meant is not known, so it may be the permanent one.
    ['DROP TABLE permanent', false],
    ['TRUNCATE permanent', false],
    ['DROP FUNCTION f()', false],
    ['SELECT 1', false],
    ['DROP TABLE missing', false],
    ['VACUUM scratch', false],
  ])('%s: %s', (sql, expected) => {
    const around = surroundingsOf(CATALOG, NO_PHI, ['public'])
    const verdict = analyse(sql, around, 1000)
    if (verdict.kind !== 'analysed') throw new Error(verdict.kind)
    expect(verdict.statements.map((facts) => facts.onlyTemporaryObjects)).toEqual([expected])
  })
})
