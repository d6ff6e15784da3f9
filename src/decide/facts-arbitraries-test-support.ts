import * as fc from 'fast-check'
import type { Effect, Hazard, PhiQuestion, Reading, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { READ } from './decide-test-support.ts'

const name = fc.oneof(fc.string(), fc.constantFrom('patients', '__proto__', 'pg_temp', ''))
const effect = fc.constantFrom<Effect>(
  'read',
  'write',
  'delete',
  'schema',
  'privilege',
  'session',
  'server',
  'transaction',
  'lock',
  'code',
)
export const anyUse: fc.Arbitrary<RelationUse> = fc.record(
  {
    schema: fc.option(name),
    name,
    oid: fc.option(fc.nat()),
    action: fc.constantFrom('read', 'insert', 'update', 'delete', 'truncate', 'schema', 'lock'),
    columns: fc.oneof(fc.constant('*' as const), fc.array(name, { maxLength: 3 })),
    phi: fc.boolean(),
    touchesPhi: fc.boolean(),
  },
  { requiredKeys: ['schema', 'name', 'oid', 'action', 'columns', 'phi'] },
)
export const anyHazard = fc.record({
  kind: fc.constantFrom<Hazard['kind']>('function-not-known-safe', 'setting-pinned', 'phi-copied', 'code-not-analysed'),
  subject: name,
})
export const anyQuestion: fc.Arbitrary<PhiQuestion> = fc.record({
  use: fc.constantFrom('condition', 'order', 'group', 'computation'),
  classes: fc.uniqueArray(fc.constantFrom('ssn', 'name', 'zip', 'unlabelled'), { maxLength: 2 }),
  columns: fc.constant(['s.t.c']),
  released: fc.boolean(),
})

const anyReading: fc.Arbitrary<Reading> = fc.record(
  {
    bound: fc.constantFrom('keyed', 'filtered', 'all'),
    limit: fc.constantFrom<number | 'unknown'>('unknown', 1, 1000, 1001),
    isPage: fc.boolean(),
  },
  { requiredKeys: ['bound', 'isPage'] },
)

export const anyFacts: fc.Arbitrary<SqlFacts> = fc.record(
  {
    command: fc.oneof(name, fc.constantFrom('SELECT', 'DELETE', 'TRUNCATE', 'COPY TO', 'DO')),
    effects: fc.uniqueArray(effect, { minLength: 1, maxLength: 3 }),
    relations: fc.array(anyUse, { maxLength: 3 }),
    functions: fc.array(name, { maxLength: 3 }),
    bounded: fc.constantFrom('not-applicable', 'bounded', 'unbounded'),
    limited: fc.boolean(),
    hazards: fc.array(anyHazard, { maxLength: 2 }),
    outputs: fc.constant('unknown' as const),
    phiReachable: fc.boolean(),
    questions: fc.array(anyQuestion, { maxLength: 2 }),
    reading: anyReading,
    catalogUse: fc.constant(READ.catalogUse),
    onlyTemporaryObjects: fc.boolean(),
    session: fc.constant({ kind: 'none' as const }),
  },
  {
    requiredKeys: [
      'command',
      'effects',
      'relations',
      'functions',
      'bounded',
      'limited',
      'hazards',
      'outputs',
      'phiReachable',
      'questions',
      'catalogUse',
      'session',
    ],
  },
)
