import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { SessionEffect } from './facts.ts'
import { sessionEffectOf, sessionHazards } from './session-effects.ts'
import { unwrap } from './syntax-tree.ts'
import { parseOne } from './test-parse.ts'

function hazards(sql: string): string {
  return sessionHazards(parseOne(sql), ['public', 'App'])
    .map((hazard) => `${hazard.kind}(${hazard.subject})`)
    .join(' ')
}

beforeAll(() => loadModule())

describe('sessionEffectOf', () => {
  const cases: readonly (readonly [string, SessionEffect])[] = [
    ['BEGIN', { kind: 'begin' }],
    ['START TRANSACTION', { kind: 'begin' }],
    ['BEGIN READ ONLY', { kind: 'begin' }],
    ['BEGIN READ WRITE', { kind: 'begin', comesFirst: true }],
    ['BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY', { kind: 'begin', comesFirst: true }],
    ['START TRANSACTION NOT DEFERRABLE', { kind: 'begin', comesFirst: true }],
    ['SET TRANSACTION READ ONLY', { kind: 'none' }],
    ['SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', { kind: 'transaction-modes' }],
    ["SET TRANSACTION SNAPSHOT '1-1'", { kind: 'transaction-modes' }],
    ["SET LOCAL transaction_isolation = 'serializable'", { kind: 'transaction-modes' }],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE', { kind: 'none' }],
    ['COMMIT', { kind: 'commit' }],
    ['END', { kind: 'commit' }],
    ['COMMIT AND CHAIN', { kind: 'commit' }],
    ["PREPARE TRANSACTION 'x'", { kind: 'commit' }],
    ["COMMIT PREPARED 'x'", { kind: 'none' }],
    ['ROLLBACK', { kind: 'rollback' }],
    ['ABORT', { kind: 'rollback' }],
    ['SAVEPOINT s', { kind: 'savepoint' }],
    ['RELEASE s', { kind: 'savepoint' }],
    ['ROLLBACK TO s', { kind: 'savepoint' }],
    ['PREPARE p AS SELECT 1', { kind: 'prepare', name: 'p' }],
    ['EXECUTE "P 1"(1)', { kind: 'execute', name: 'P 1' }],
    ['DEALLOCATE p', { kind: 'deallocate', name: 'p' }],
    ['DEALLOCATE ALL', { kind: 'deallocate', name: 'all' }],
    ['DECLARE c CURSOR WITH HOLD FOR SELECT 1', { kind: 'declare-cursor', name: 'c' }],
    ['FETCH ALL FROM c', { kind: 'fetch', name: 'c' }],
    ['MOVE c', { kind: 'fetch', name: 'c' }],
    ['CLOSE c', { kind: 'close-cursor', name: 'c' }],
    ['CLOSE ALL', { kind: 'close-cursor', name: 'all' }],
    ['DISCARD ALL', { kind: 'discard-all' }],
    ['DISCARD PLANS', { kind: 'none' }],
    ['SELECT 1', { kind: 'none' }],
    ['SET a = 1', { kind: 'none' }],
  ]
  it.each(cases)('%s', (sql, effect) => {
    const { name, body } = unwrap(parseOne(sql))
    expect(sessionEffectOf(name, body)).toEqual(effect)
  })
})

describe('sessionHazards', () => {
  it.each([
    "SET client_encoding TO 'UTF8'",
    "SET NAMES 'utf8'",
    'SET standard_conforming_strings = on',
    "SET DateStyle = 'ISO'",
    'SET datestyle TO ISO, DMY',
    "SET datestyle = 'ISO, DMY'",
    'SET enable_seqscan = on',
    "SET work_mem = '64MB'",
    "SET LOCAL work_mem TO '1GB'",
    'SET work_mem = 65536',
    "SET IntervalStyle = 'postgres'",
    'SET bytea_output = hex',
    'SET row_security = on',
    'SET ROLE NONE',
    'SET search_path = public, "App"',
    "SELECT set_config('search_path', 'public, \"App\"', false)",
    "SELECT set_config('app.user', name, true) FROM t",
    'SET session_replication_role = origin',
    'SET TimeZone = 5',
    "SET TIME ZONE 'UTC'",
    'SET extra_float_digits = 3',
    "SET application_name = 'x'",
    'SET statement_timeout = 0',
    'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    'RESET ALL',
    'RESET search_path',
    'SET search_path TO DEFAULT',
    'RESET ROLE',
    'RESET SESSION AUTHORIZATION',
    'DISCARD ALL',
    'SHOW search_path',
    "SELECT current_setting('search_path')",
  ])('none: %s', (sql) => {
    expect(hazards(sql)).toBe('')
  })

  it.each([
    ['SET search_path = public', 'setting-pinned(search_path)'],
    ['SET LOCAL search_path = "App", public', 'setting-pinned(search_path)'],
    ['SET "Search_Path" = x', 'setting-pinned(search_path)'],
    ["SET SCHEMA 'x'", 'setting-pinned(search_path)'],
    ["SET search_path = ''", 'setting-pinned(search_path)'],
    ['SET ROLE admin', 'setting-pinned(role)'],
    ['SET LOCAL ROLE admin', 'setting-pinned(role)'],
    ['SET SESSION AUTHORIZATION x', 'setting-pinned(session_authorization)'],
    ['SET row_security = off', 'setting-pinned(row_security)'],
    ['SET session_replication_role = replica', 'setting-pinned(session_replication_role)'],
    ['SET backslash_quote = on', 'setting-pinned(backslash_quote)'],
    ["SET DateStyle = 'SQL, DMY'", 'setting-pinned(datestyle)'],
    ['SET datestyle = DMY', 'setting-pinned(datestyle)'],
    ["SET datestyle = 'SQL, DMY'", 'setting-pinned(datestyle)'],
    ['SET enable_seqscan = off', 'setting-pinned(enable_seqscan)'],
    ['SET LOCAL enable_hashagg TO false', 'setting-pinned(enable_hashagg)'],
    ['SET random_page_cost = 0', 'setting-pinned(random_page_cost)'],
    ["SET work_mem = '64kB'", 'setting-pinned(work_mem)'],
    ['SET work_mem = 64', 'setting-pinned(work_mem)'],
    ["SET IntervalStyle = 'iso_8601'", 'setting-pinned(intervalstyle)'],
    ['SET bytea_output = escape', 'setting-pinned(bytea_output)'],
    ["SET client_encoding = 'SQL_ASCII'", 'setting-pinned(client_encoding) setting-required(client_encoding)'],
    ["SET NAMES 'sjis'", 'setting-pinned(client_encoding) setting-required(client_encoding)'],
    [
      'SET standard_conforming_strings = off',
      'setting-pinned(standard_conforming_strings) setting-required(standard_conforming_strings)',
    ],
    ["SELECT set_config('search_path', 'x', false)", 'setting-pinned(search_path)'],
    ["SELECT set_config('Role', $1, true)", 'setting-pinned(role)'],
    ["SELECT pg_catalog.set_config('role'::text, 'x', true)", 'setting-pinned(role)'],
    ['SELECT set_config($1, $2, true)', 'setting-pinned(set_config) setting-required(set_config)'],
    ["SELECT set_config('ro' || 'le', 'x', true)", 'setting-pinned(set_config) setting-required(set_config)'],
    [
      "SELECT set_config(is_local => true, setting_name => 'role', new_value => 'x')",
      'setting-pinned(set_config) setting-required(set_config)',
    ],
    ["SELECT 1 FROM t WHERE a = (SELECT set_config('role', 'x', true))", 'setting-pinned(role)'],
    [
      "WITH w AS (UPDATE pg_settings SET setting = 'x') SELECT 1",
      'setting-pinned(pg_settings) setting-required(pg_settings)',
    ],
  ])('%s: %s', (sql, expected) => {
    expect(hazards(sql)).toBe(expected)
  })
})
