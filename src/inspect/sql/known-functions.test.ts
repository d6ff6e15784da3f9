import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { factsOf } from './analyse.ts'
import type { Catalog, SqlRoutine } from './catalog.ts'
import type { SqlFacts } from './facts.ts'
import { surroundingsOf } from './surroundings.ts'
import { TEST_CATALOG, TEST_PHI } from './test-catalog.ts'

beforeAll(loadModule)

const TEXT = 25

function sql(body: string): SqlRoutine {
  return {
    body,
    parsed: false,
    argumentNames: ['x'],
    argumentTypes: [TEXT],
    defaults: 0,
    variadic: false,
    outputNames: [],
    returnType: TEXT,
    returnsSet: false,
    volatility: 'v',
    settings: [],
  }
}

const CATALOG: Catalog = {
  ...TEST_CATALOG,
  userFunctions: [
    {
      schema: 'public',
      name: 'known',
      builtInNamesake: false,
      sql: sql('select name from patients where id::text = x'),
    },
    {
      schema: 'public',
      name: 'writes',
      builtInNamesake: false,
      sql: sql("insert into notes values (1, x) returning 'a'"),
    },
    { schema: 'public', name: 'locks', builtInNamesake: false, sql: sql('select pg_advisory_lock(1)::text') },
    { schema: 'public', name: 'mine', builtInNamesake: false },
    { schema: 'public', name: 'vouched', builtInNamesake: false },
  ],
}

function facts(text: string): SqlFacts {
  const statement = parseSync(text).stmts?.[0]?.stmt
  if (statement === undefined) throw new Error('no statement')
  return factsOf(
    statement,
    surroundingsOf(CATALOG, { ...TEST_PHI, trustedFunctions: new Set(['public.vouched']) }, ['public']),
  )
}

describe('the effects of a call', () => {
  it.each([
    ["SELECT known('1')", 'read'],
    ["SELECT * FROM public.known('1')", 'read'],
    ["SELECT vouched('1')", 'read'],
    ["INSERT INTO notes SELECT 1, known('1')", 'read write'],
    ["EXPLAIN SELECT known('1')", 'read'],
    ["SELECT mine('1')", 'code read'],
    ["SELECT writes('1')", 'code read'],
    ["SELECT locks('1')", 'code read'],
    ["SELECT known('1'), mine('1')", 'code read'],
    ["SELECT known('1', '2')", 'code read'],
    ["CALL known('1')", 'code'],
  ])('%s', (text, expected) => {
    expect(facts(text).effects.join(' ')).toBe(expected)
  })

  it('in a DO block are those of its statements', () => {
    expect(facts("DO $$ BEGIN PERFORM known('1'); END $$").effects).toEqual(
      facts('DO $$ BEGIN PERFORM 1; END $$').effects,
    )
  })

  it('are reads of what the body reads', () => {
    expect(facts("SELECT known('1')").relations).toMatchObject([
      { schema: 'public', name: 'patients', action: 'read', columns: ['id', 'name'], phi: true },
    ])
  })
})
