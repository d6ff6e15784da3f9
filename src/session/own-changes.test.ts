import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from '../inspect/sql/analyse.ts'
import type { Catalog } from '../inspect/sql/catalog.ts'
import { buildPhiView } from '../inspect/sql/flow/phi-view.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { surroundingsOf } from '../inspect/sql/surroundings.ts'
import { TEST_CATALOG } from '../inspect/sql/test-catalog.ts'
import { OwnChanges } from './own-changes.ts'

beforeAll(() => loadModule())

const PLAIN = {
  columns: [{ attnum: 1, name: 'a', typeOid: 25 }],
  dependsOn: [],
  callsUserFunctions: false,
  parents: [],
}
const CATALOG: Catalog = {
  ...TEST_CATALOG,
  relations: [
    ...TEST_CATALOG.relations,
    { ...PLAIN, schema: 'pg_temp_3', name: 'scratch', oid: 2001, kind: 'r' },
    {
      ...PLAIN,
      schema: 'public',
      name: 'patient_names',
      oid: 2002,
      kind: 'v',
      dependsOn: [{ oid: 1001, attnum: 3 }],
      definition: 'SELECT patients.name AS a FROM public.patients;',
    },
  ],
}

function factsOf(sql: string): readonly SqlFacts[] {
  const view = buildPhiView(CATALOG, { labelOf: () => 'none', trustedFunctions: new Set() })
  const verdict = analyse(sql, surroundingsOf(CATALOG, view, ['public']), 1000)
  if (verdict.kind !== 'analysed') throw new Error(sql)
  return verdict.statements
}

function after(...texts: readonly string[]): OwnChanges {
  const changes = new OwnChanges()
  for (const text of texts) changes.add(factsOf(text))
  return changes
}

const F = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"

describe('a new reading of the catalog is waited for after a session’s own', () => {
  it.each([
    ['CREATE TABLE made (a int)', 'SELECT a FROM made'],
    ['CREATE TABLE made (a int)', 'DROP TABLE made'],
    ['CREATE TABLE made (a int)', 'TRUNCATE made'],
    // What is not known can have been made by something that does not say so.
    ['CREATE TABLE made (a int)', 'ALTER TABLE other ADD b int'],
    ['CREATE TABLE made (a int)', 'DELETE FROM public.other'],
    // A new table can hide one that is known.
    ['CREATE TABLE other.made (a int)', 'DELETE FROM made WHERE a = 1'],
    ['CREATE TABLE other.patients (a int)', 'DELETE FROM patients WHERE a = 1'],
    ['ALTER TABLE patients RENAME TO p', 'SELECT 1 FROM p'],
    ['ALTER TABLE patients RENAME name TO n', 'SELECT name FROM patients'],
    ['ALTER TABLE notes ADD note text', 'COPY notes TO STDOUT'],
    ['ALTER TABLE patients ADD note text', 'SELECT 1 FROM patient_names'],
    ['CREATE OR REPLACE VIEW patient_names AS SELECT 1 AS a', 'DELETE FROM patient_names'],
    ['CREATE TABLE s.pg_class (a int)', 'SELECT 1 FROM pg_class'],
    [F, 'SELECT f()'],
    [F, "SELECT lower('A')"],
    ['DROP FUNCTION f()', 'SELECT f()'],
    ['CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq)', 'SELECT 1 = 1'],
    ['CREATE SCHEMA s', 'DELETE FROM patients WHERE id = 1'],
    ['ALTER SCHEMA public RENAME TO s', 'ALTER TABLE patients ADD b int'],
    ['CREATE EXTENSION e', 'SELECT 1'],
    ["DO 'BEGIN NULL; END'", 'SELECT 1'],
    ['CREATE TABLE made (a int)', 'DROP TABLE scratch'],
    ['CREATE TABLE made (a int)', 'ALTER TABLE scratch ADD b int'],
    ['CREATE TABLE made (a int)', 'SELECT 1; SELECT 1 FROM made'],
  ])('%s: %s', (change, next) => {
    expect(after(change).concern(factsOf(next))).toBe(true)
  })

  it.each([
    ['CREATE TABLE made (a int)', 'CREATE TABLE more (b int)'],
    ['CREATE TABLE made (a int)', 'CREATE INDEX ON made (a)'],
    ['CREATE TABLE made (a int)', 'ALTER TABLE made ADD b int'],
    ['CREATE TABLE made (a int)', 'ALTER TABLE patients ADD b int'],
    ['CREATE TABLE made (a int)', 'CREATE TEMP TABLE t (a int)'],
    ['CREATE TABLE made (a int)', 'SELECT name FROM patients WHERE id = 1'],
    ['CREATE TABLE made (a int)', "SELECT lower('A')"],
    ['CREATE TABLE made (a int)', 'DROP TABLE notes'],
    ['CREATE TABLE made (a int)', "SELECT relname FROM pg_class WHERE relname = 'made'"],
    ['CREATE TABLE made (a int)', 'SELECT 1 FROM information_schema.columns'],
    ['CREATE INDEX ON patients (id)', 'SELECT name FROM patients WHERE id = 1'],
    ['ALTER TABLE notes ADD b int', 'ALTER TABLE notes ADD c int'],
    ['ALTER TABLE notes ADD b int', 'SELECT name FROM patients'],
    [F, F.replace('f()', 'g()')],
    [F, 'SELECT name FROM patients'],
    ['CREATE SCHEMA s', 'COMMIT'],
  ])('but not %s: %s', (change, next) => {
    expect(after(change).concern(factsOf(next))).toBe(false)
  })

  it('never after a statement that changes nothing', () => {
    const changes = new OwnChanges()
    expect(changes.add(factsOf('SELECT name FROM patients; DELETE FROM notes WHERE id = 1'))).toBe(false)
    expect(changes.add(factsOf(F))).toBe(true)
    changes.clear()
    expect(changes.concern(factsOf('SELECT f(); DELETE FROM patients WHERE id = 1'))).toBe(false)
  })

  it('when there are too many to remember', () => {
    const changes = new OwnChanges()
    const [facts] = factsOf('CREATE TABLE made (a int)')
    const [relation] = facts?.relations ?? []
    if (facts === undefined || relation === undefined) throw new Error('a relation is made')
    const relations = Array.from({ length: 10_001 }, (_, at) => ({ ...relation, name: `made${at}` }))
    changes.add([{ ...facts, relations }])
    expect(changes.concern(factsOf('SELECT 1'))).toBe(true)
  })
})
