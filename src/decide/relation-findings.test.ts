import { describe, expect, it } from 'vitest'
import type { GrantedRelation } from '../config/config.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { ask, accessOf, facts, grant, relation } from './decide-test-support.ts'
import { relationFindings } from './relation-findings.ts'

const LABS: GrantedRelation = { schema: 'ehr', table: 'labs', columns: '*' }
const SOME: GrantedRelation = { schema: 'ehr', table: 'patients', columns: ['id', 'sex'] }
const LIST = [LABS, SOME]

const message = (fields: Partial<SqlFacts>, ...lists: readonly (readonly GrantedRelation[])[]) =>
  relationFindings(facts(fields), lists.length === 0 ? [LIST] : lists, 3)[0]?.message.replace(/^.*: /, '')

describe('relationFindings', () => {
  it.each<readonly [string, Partial<SqlFacts>, string | undefined]>([
    ['nothing', {}, undefined],
    ['a table', { relations: [relation({ name: 'labs' })] }, undefined],
    ['another table', { relations: [relation({ name: 'notes', columns: [] })] }, 'ehr.notes'],
    ['another schema', { relations: [relation({ schema: 'public', name: 'labs' })] }, 'public.labs'],
    ['columns', { relations: [relation({ columns: ['id', 'sex'] })] }, undefined],
    ['no column', { relations: [relation({ columns: [] })] }, undefined],
    ['another column', { relations: [relation({ columns: ['id', 'ssn'] })] }, 'ehr.patients.ssn'],
    ['columns that are not known', { relations: [relation({})] }, 'ehr.patients.*'],
    ['an update of a column', { relations: [relation({ action: 'update', columns: ['ssn'] })] }, 'ehr.patients.ssn'],
    ['a delete', { relations: [relation({ action: 'delete' })] }, 'ehr.patients.*'],
    ['a name that is not known', { relations: [relation({ schema: null, name: 'labs', oid: null })] }, 'labs'],
    ['a system catalog', { relations: [relation({ schema: 'pg_catalog', name: 'pg_class', oid: null })] }, undefined],
    [
      'a system catalog with values',
      {
        relations: [relation({ schema: 'pg_catalog', name: 'pg_stats', oid: null })],
        hazards: [{ kind: 'relation-not-allowed', subject: 'pg_stats' }],
      },
      'pg_catalog.pg_stats, pg_stats',
    ],
    [
      'a change of a system catalog',
      { relations: [relation({ schema: 'pg_catalog', name: 'pg_class', action: 'update' })] },
      'pg_catalog.pg_class',
    ],
    ['its own temporary table', { relations: [relation({ schema: 'pg_temp_3', name: 'notes' })] }, undefined],
    [
      'a schema that only sounds temporary',
      { relations: [relation({ schema: 'pg_tempting' })] },
      'pg_tempting.patients',
    ],
    [
      'creating a temporary table',
      { relations: [relation({ schema: null, name: 'mine', action: 'schema' })], onlyTemporaryObjects: true },
      undefined,
    ],
    [
      'creating one from what is not granted',
      {
        relations: [relation({ schema: null, name: 'mine', action: 'schema' }), relation({ name: 'notes' })],
        onlyTemporaryObjects: true,
      },
      'ehr.notes',
    ],
    ['a function', { hazards: [{ kind: 'function-not-known-safe', subject: 'ehr.f' }] }, 'ehr.f'],
    ['code', { command: 'DO', effects: ['code'] }, 'whatever DO reaches'],
    ['a setting', { hazards: [{ kind: 'setting-pinned', subject: 'role' }] }, undefined],
  ])('%s', (_, fields, expected) => {
    expect(message(fields)).toBe(expected)
    expect(relationFindings(facts(fields), [], 0)).toEqual([])
    // One more list never lets more be named.
    if (expected !== undefined)
      expect(message(fields, LIST, [{ schema: 'ehr', table: '*', columns: '*' }])).toBeDefined()
  })

  it('asks every list', () => {
    const all: GrantedRelation = { schema: 'ehr', table: '*', columns: '*' }
    const relations = [relation({ name: 'labs', columns: ['code'] })]
    expect(message({ relations }, LIST, [all])).toBeUndefined()
    expect(message({ relations }, LIST, [SOME])).toBe('ehr.labs')
    expect(message({ relations }, LIST, [])).toBe('ehr.labs')
  })

  it('refuses whatever the clearance, with a code of its own', () => {
    const clear = { default: 'clear', classes: {} } as const
    for (const clearance of [clear, { default: 'masked', classes: {} } as const]) {
      const held = accessOf(grant('g', { relations: LIST, clearance }))
      const decision = ask([], [facts({}), facts({ relations: [relation({ name: 'notes' })] })], held)
      expect(decision).toMatchObject({
        outcome: 'refuse',
        code: 'CHP-POLICY-UNGRANTED',
        rule: 'grants.tables',
        statement: 1,
        message: expect.stringContaining('ehr.notes'),
      })
    }
  })
})
