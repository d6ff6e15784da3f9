import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import { completeExecution } from './execute.ts'
import type { SqlFacts } from './facts.ts'
import { surroundingsOf } from './surroundings.ts'
import { TEST_CATALOG, TEST_PHI } from './test-catalog.ts'

const AROUND = surroundingsOf(TEST_CATALOG, TEST_PHI, ['public'])

function facts(sql: string): SqlFacts {
  const verdict = analyse(sql, AROUND, 10_000)
  if (verdict.kind !== 'analysed') throw new Error(verdict.kind)
  const [first] = verdict.statements
  if (first === undefined) throw new Error('no statement')
  return first
}

function blockWith(variable: string): string {
  return `DO $$ declare ${variable} int := 1; begin delete from notes where id = ${variable}; end $$`
}

beforeAll(() => loadModule())

describe('analyse', () => {
  it.each([
    ['TRUNCATE patients', 'truncate', 'unbounded'],
    ['DROP TABLE public.patients', 'schema', 'unbounded'],
    ['DROP TRIGGER x ON patients', 'schema', 'unbounded'],
    ['ALTER TABLE patients ADD COLUMN x int', 'schema', 'not-applicable'],
    ['CREATE INDEX ON patients (ssn)', 'schema', 'not-applicable'],
    ['LOCK TABLE patients', 'lock', 'not-applicable'],
    ['GRANT SELECT ON patients TO x', 'schema', 'not-applicable'],
    ['COMMENT ON TABLE patients IS NULL', 'schema', 'not-applicable'],
    ['VACUUM patients', 'lock', 'not-applicable'],
  ])('%s', (sql, action, bounded) => {
    const found = facts(sql)
    expect(found.bounded).toBe(bounded)
    expect(found.relations).toContainEqual(
      expect.objectContaining({ schema: 'public', name: 'patients', oid: 1001, action, phi: true }),
    )
  })

  it.each([
    ['SELECT id FROM patients LIMIT 5', true],
    ['SELECT id FROM patients FETCH FIRST ROW ONLY', true],
    ['SELECT id FROM patients LIMIT $1', true],
    ['SELECT id FROM patients LIMIT ALL', false],
    ['SELECT id FROM patients LIMIT NULL', false],
    ['SELECT id FROM (SELECT id FROM patients LIMIT 5) s', false],
    ['SELECT 1 UNION SELECT 2 LIMIT 1', true],
    ['COPY (SELECT id FROM patients LIMIT 5) TO STDOUT', true],
    ['COPY patients TO STDOUT', false],
    ['PREPARE p AS SELECT 1 LIMIT 1', true],
    ['DECLARE c CURSOR FOR SELECT 1', false],
  ])('limited: %s: %s', (sql, limited) => {
    expect(facts(sql).limited).toBe(limited)
  })

  it('adds what a DO block does to its facts', () => {
    const found = facts("DO $$ begin if true then update notes set body = 'x'; end if; perform mine(1); end $$")
    expect(found.effects).toEqual(['code', 'read', 'write'])
    expect(found.bounded).toBe('unbounded')
    expect(found.functions).toEqual(['mine'])
    expect(found.outputs).toEqual([])
  })

  it('takes variables of a DO block for values, unless they could be columns', () => {
    expect(facts(blockWith('wanted')).bounded).toBe('bounded')
    expect(facts(blockWith('id')).bounded).toBe('unbounded')
  })

  it('marks a DO block over PHI, because notices and errors can carry it', () => {
    const found = facts("DO $$ begin perform ssn from patients; raise notice 'x'; end $$")
    expect(found.hazards).toContainEqual({ kind: 'phi-in-utility', subject: 'DO' })
    expect(found.phiReachable).toBe(true)
  })

  it('does not count a plan as a write', () => {
    expect(facts('EXPLAIN DELETE FROM notes')).toMatchObject({ effects: ['read'], bounded: 'not-applicable' })
  })

  it('marks procedures as code that is not analysed', () => {
    expect(facts('CALL mine(1)')).toMatchObject({
      effects: ['code'],
      outputs: 'unknown',
      hazards: expect.arrayContaining([{ kind: 'code-not-analysed', subject: 'mine' }]),
    })
  })

  it('does not count tokens of a text that is too long for the cap as a statement', () => {
    expect(analyse('SELECT 1, 2, 3', AROUND, 5)).toEqual({ kind: 'too-complex' })
  })
})

describe('completeExecution', () => {
  it('gives EXECUTE the facts of what it runs', () => {
    const prepared = facts('PREPARE p AS DELETE FROM notes WHERE id = $1')
    const complete = completeExecution(facts('EXECUTE p(1)'), prepared)
    expect(complete.effects).toEqual(['delete', 'session'])
    expect(complete.bounded).toBe('bounded')
    expect(complete.hazards).toEqual(prepared.hazards)
    expect(complete.session).toEqual({ kind: 'execute', name: 'p' })
    expect(complete.command).toBe('EXECUTE')
  })

  it('keeps what the arguments of EXECUTE do', () => {
    const complete = completeExecution(
      facts("EXECUTE p(set_config('role', 'x', true))"),
      facts('PREPARE p AS SELECT 1'),
    )
    expect(complete.hazards).toContainEqual({ kind: 'setting-pinned', subject: 'role' })
    expect(complete.functions).toContain('set_config')
  })

  it('refuses when it is left out', () => {
    expect(facts('EXECUTE p')).toMatchObject({
      effects: ['code', 'session'],
      outputs: 'unknown',
      hazards: [{ kind: 'construct-not-analysed', subject: 'EXECUTE' }],
    })
    expect(facts('FETCH ALL FROM c').hazards).toEqual([{ kind: 'construct-not-analysed', subject: 'FETCH' }])
  })

  it('gives FETCH the outputs of the cursor', () => {
    const cursor = facts('DECLARE c CURSOR FOR SELECT id FROM patients')
    expect(completeExecution(facts('FETCH 1 FROM c'), cursor).outputs).toEqual(cursor.outputs)
  })
})
