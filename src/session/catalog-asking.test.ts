import { describe, expect, it } from 'vitest'
import type { SessionEffect, SqlFacts } from '../inspect/sql/facts.ts'
import { changesOwnNames, isExecutionAsked, waysToAsk } from './catalog-asking.ts'

const facts = (command: string, session: SessionEffect = { kind: 'none' }, rest: Partial<SqlFacts> = {}): SqlFacts => ({
  command,
  effects: ['read'],
  relations: [],
  functions: [],
  bounded: 'not-applicable',
  limited: false,
  hazards: [],
  outputs: [],
  phiReachable: false,
  questions: [],
  catalogUse: { relations: [20_001], names: [], functions: [], operators: [] },
  session,
  ...rest,
})

const into = (action: 'insert' | 'read') => [
  { schema: 'public', name: 'people', oid: 20_001, action, columns: '*', phi: false } as const,
]

const SELECT = facts('SELECT')
const FREE = facts('SELECT', undefined, { catalogUse: { relations: [], names: [], functions: [], operators: [] } })
const VALUES = facts('INSERT', undefined, { relations: into('insert') })
const INSERT_SELECT = facts('INSERT', undefined, { relations: [...into('insert'), ...into('read')] })
const RETURNING = facts('INSERT', undefined, { relations: into('insert'), outputs: 'unknown' })
const TOKEN = facts('INSERT', undefined, { relations: into('insert'), sites: [] })
const COPY_FROM = facts('COPY FROM')
const PREPARE = facts('PREPARE', { kind: 'prepare', name: 'q' })
const BEGIN = facts('BEGIN', { kind: 'begin' })
const SERIALIZABLE = facts('BEGIN', { kind: 'begin', comesFirst: true })
const MODES = facts('SET', { kind: 'transaction-modes' })
const COMMIT = facts('COMMIT', { kind: 'commit' })
const ROLLBACK = facts('ROLLBACK', { kind: 'rollback' })
const SAVEPOINT = facts('SAVEPOINT', { kind: 'savepoint' })
const ROLLBACK_TO = facts('ROLLBACK', { kind: 'savepoint' })

const rests = ({ catalogUse }: SqlFacts): boolean => catalogUse.relations.length > 0

describe('asking about a text', () => {
  it.each<readonly [string, ReturnType<typeof waysToAsk>, readonly SqlFacts[]]>([
    ['a query', 'in front', [SELECT]],
    ['one among several statements', 'in front', [facts('SET'), SELECT]],
    ['PREPARE, which runs nothing', 'not needed', [PREPARE]],
    ['a change of the catalog', 'not needed', [facts('CREATE INDEX')]],
    ['rows from the client', 'not needed', [COPY_FROM]],
    ['rows from the client beside a query', 'impossible', [COPY_FROM, SELECT]],
    ['rows from the client beside values', 'not needed', [VALUES, COPY_FROM]],
    ['a transaction that begins', 'in front', [BEGIN, SELECT]],
    ['a whole transaction', 'in front', [BEGIN, SELECT, SAVEPOINT, SELECT, COMMIT]],
    ['a transaction that ends', 'in front', [SELECT, ROLLBACK]],
    ['what comes behind the end', 'impossible', [SELECT, COMMIT, SELECT]],
    ['what comes behind the end, and rests on nothing', 'in front', [SELECT, COMMIT, BEGIN, FREE]],
    ['what comes behind the end, and gives only', 'not needed', [COMMIT, BEGIN, VALUES]],
    ['what comes behind the end, and gives what a token stands for', 'impossible', [COMMIT, BEGIN, TOKEN]],
    ['what comes behind the end, and takes from elsewhere', 'impossible', [COMMIT, INSERT_SELECT]],
    ['what comes behind the end, and returns rows', 'impossible', [COMMIT, RETURNING]],
    ['what comes behind a savepoint that takes locks away', 'impossible', [ROLLBACK_TO, SELECT]],
    ['modes alone', 'not needed', [BEGIN, MODES]],
    ['modes that have to come first', 'impossible', [SERIALIZABLE, SELECT]],
    ['modes that have to come first, otherwise', 'impossible', [MODES, SELECT]],
    ['modes behind the end', 'in front', [SELECT, COMMIT, SERIALIZABLE]],
    ['modes in front of what gives only', 'not needed', [SERIALIZABLE, VALUES, COMMIT]],
  ])('%s: %s', (_, ways, statements) => {
    expect(waysToAsk(statements, rests)).toBe(ways)
  })
})

it('asks about what SQL has prepared when a message executes it', () => {
  expect([SELECT, PREPARE, COPY_FROM, COMMIT].map(isExecutionAsked)).toEqual([true, true, false, false])
})

describe('names that the text itself changes', () => {
  const use = { relations: [20_001], names: [{ name: 'people', oid: 20_001 }], functions: [], operators: [] }
  const NAMED = facts('SELECT', undefined, { catalogUse: use })
  const EXECUTE = facts('EXECUTE', { kind: 'execute', name: 'q' }, { catalogUse: use })
  const CREATE = facts('CREATE VIEW', undefined, { effects: ['schema'] })
  const INTO = facts('SELECT INTO', undefined, { effects: ['read', 'schema', 'write'] })
  it.each<readonly [string, boolean, readonly SqlFacts[]]>([
    ['a change alone', false, [CREATE]],
    ['a change behind what uses the name', false, [NAMED, CREATE]],
    ['a change before it', true, [CREATE, NAMED]],
    ['a change before what was prepared with it', true, [BEGIN, CREATE, EXECUTE]],
    ['a table made by a query', true, [INTO, NAMED]],
    ['a name with its schema', false, [CREATE, SELECT]],
    ['PREPARE, which runs nothing yet', false, [CREATE, PREPARE]],
  ])('%s: %s', (_, expected, statements) => {
    expect(changesOwnNames(statements)).toBe(expected)
  })
})
