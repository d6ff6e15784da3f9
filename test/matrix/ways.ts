import {
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import type { Column } from './columns.ts'
import { queryOf, type Shape } from './shape.ts'

/** Messages that are answered with one ReadyForQuery. */
export type Step = readonly Buffer[]

/** A way in which the result of a statement gets to the client. */
export interface Way {
  readonly id: string
  /** Whether what has to be masked has to be masked here, too, and may not be refused. */
  readonly masked: boolean
  /** Undefined where the shape cannot be written this way. */
  readonly steps: (shape: Shape, column: Column) => readonly Step[] | undefined
}

const TEXT = [0]
const BINARY = [1]

const say = (sql: string): Step => [encodeQuery(sql)]
const execute = (sql: string, formats: readonly number[]): Step => [
  encodeParse('', sql),
  encodeBind({ resultFormats: formats }),
  encodeDescribe('P', ''),
  encodeExecute(''),
  encodeSync(),
]

const writes = (sql: string): boolean => /^with . as \((update|delete|insert)/.test(sql)

/** Ways that show every value in binary format, and in no other. */
const BINARY_WAYS = /binary|without describe|deallocate|execute extended/

/** For every query. */
const ofQuery = (id: string, steps: (sql: string) => readonly Step[]): Way => ({
  id,
  masked: true,
  steps: (shape, column) => {
    const sql = queryOf(shape, column)
    if (shape.textOnly === true && BINARY_WAYS.test(id)) return undefined
    if (writes(sql) && id.includes('discard')) return undefined
    return writes(sql) ? [say('begin'), ...steps(sql), say('rollback')] : steps(sql)
  },
})

/** For queries that may stand in DECLARE CURSOR and the like. */
const ofRead = (id: string, steps: (sql: string) => readonly Step[], masked = true): Way => ({
  id,
  masked,
  steps: (shape, column) => {
    const sql = queryOf(shape, column)
    if (shape.textOnly === true && BINARY_WAYS.test(id)) return undefined
    // PostgreSQL: DECLARE SCROLL CURSOR ... FOR SHARE is not supported.
    if (id.includes('scrolled') && (sql.endsWith('for share') || shape.textOnly)) return undefined
    return writes(sql) ? undefined : [say('begin'), ...steps(sql), say('rollback')]
  },
})

/** For queries of which a table can be made: one column each, of a type that tables may have. */
const ofStorable = (id: string, steps: (sql: string) => readonly Step[]): Way => ({
  id,
  masked: false,
  steps: (shape, column) => {
    const sql = queryOf(shape, column)
    const storable = !writes(sql) && shape.pseudoType !== true && !/(for share|tell|null as harmless)/.test(sql)
    return storable ? [say('begin'), ...steps(sql), say('rollback')] : undefined
  },
})

/** Set-returning functions, windows and aggregates may not stand in RETURNING. */
const NOT_IN_RETURNING = / over \(|unnest\(|_each|_elements|_keys\(|path_query\(/

/** For expressions over a row that is written. */
const returning = (id: string, statement: (expression: string, column: Column) => string, row = 'p'): Way => ({
  id,
  // INSERT … SELECT of PHI is a copy of it, which may be refused even to where the labels are the same.
  masked: id !== 'insert returning',
  steps: ({ text }, column) => {
    if (text.kind === 'query') return undefined
    const expression = text.sql(`${row}.${column.name}`, row, column)
    if (NOT_IN_RETURNING.test(expression)) return undefined
    return [say('begin'), say(statement(expression, column)), say('rollback')]
  },
})

const P = 'matrix.person'

export const WAYS: readonly Way[] = [
  ofQuery('simple', (sql) => [say(sql)]),
  ofQuery('extended text', (sql) => [execute(sql, TEXT)]),
  ofQuery('extended binary', (sql) => [execute(sql, BINARY)]),
  ofQuery('simple among others', (sql) => [say(`select 1; ${sql}; select 2`)]),
  ofQuery('execute without describe', (sql) => [
    [encodeParse('', sql), encodeBind({ resultFormats: BINARY }), encodeExecute(''), encodeSync()],
  ]),
  ofQuery('statement described', (sql) => [
    [encodeParse('m_one', sql), encodeDescribe('S', 'm_one'), encodeFlush(), encodeSync()],
    [encodeBind({ statement: 'm_one' }), encodeExecute(''), encodeClose('S', 'm_one'), encodeSync()],
  ]),
  ofQuery('statement run again', (sql) => [
    [encodeParse('m_two', sql), encodeBind({ statement: 'm_two' }), encodeExecute(''), encodeSync()],
    [encodeBind({ statement: 'm_two', resultFormats: BINARY }), encodeExecute(''), encodeSync()],
    [encodeBind({ statement: 'm_two' }), encodeExecute(''), encodeClose('S', 'm_two'), encodeSync()],
  ]),
  ofQuery('portal resumed', (sql) => [
    [
      encodeParse('', sql),
      encodeBind({ portal: 'm_portal' }),
      encodeDescribe('P', 'm_portal'),
      encodeExecute('m_portal', 1),
      encodeExecute('m_portal', 1),
      encodeExecute('m_portal'),
      encodeSync(),
    ],
  ]),
  ofQuery('name reused after discard all', (sql) => [
    [encodeParse('m_three', 'select 1'), encodeBind({ statement: 'm_three' }), encodeExecute(''), encodeSync()],
    say('discard all'),
    [encodeParse('m_three', sql), encodeBind({ statement: 'm_three' }), encodeExecute(''), encodeSync()],
    [encodeClose('S', 'm_three'), encodeSync()],
  ]),
  ofQuery('name reused after deallocate', (sql) => [
    [encodeParse('m_four', 'select 1'), encodeSync()],
    say('deallocate m_four'),
    [
      encodeParse('m_four', sql),
      encodeBind({ statement: 'm_four', resultFormats: BINARY }),
      encodeExecute(''),
      encodeSync(),
    ],
    [encodeClose('S', 'm_four'), encodeSync()],
  ]),
  ofQuery('prepare, execute', (sql) => [
    say(`prepare m_five as ${sql}`),
    say('execute m_five'),
    say('deallocate m_five'),
  ]),
  ofQuery('prepare, execute extended', (sql) => [
    say(`prepare m_six as ${sql}`),
    execute('execute m_six', BINARY),
    say('deallocate m_six'),
  ]),
  ofRead('cursor', (sql) => [say(`declare m_c cursor for ${sql}`), say('fetch all from m_c')]),
  ofRead('cursor scrolled, extended', (sql) => [
    say(`declare m_c scroll cursor for ${sql}`),
    say('move last in m_c'),
    execute('fetch backward all from m_c', BINARY),
    execute('fetch first from m_c', TEXT),
  ]),
  ofRead('cursor binary', (sql) => [say(`declare m_c binary cursor for ${sql}`), say('fetch all from m_c')]),
  ofRead('copy text', (sql) => [say(`copy (${sql}) to stdout`)]),
  ofRead('copy csv', (sql) => [say(`copy (${sql}) to stdout (format csv, header, delimiter ';', force_quote *)`)]),
  ofRead('copy extended', (sql) => [execute(`copy (${sql}) to stdout (delimiter '|', null '')`, TEXT)]),
  ofRead('copy binary', (sql) => [say(`copy (${sql}) to stdout (format binary)`)], false),
  returning('update returning', (e) => `update ${P} as p set grp = p.grp where p.id = 1 returning ${e}`),
  returning('update returning old', (e) => `update ${P} as p set grp = p.grp where p.id = 1 returning ${e}`, 'old'),
  returning('delete returning', (e) => `delete from ${P} as p where p.id = 1 returning ${e}`),
  returning('insert returning', (e) => `insert into matrix.part as p select * from ${P} where id = 1 returning ${e}`),
  returning(
    'upsert returning',
    (e) =>
      `insert into ${P} as p (id, grp) values (1, 1) on conflict (id) do update set grp = excluded.grp returning ${e}`,
  ),
  returning(
    'merge returning',
    (e) =>
      `merge into ${P} as p using (values (1)) v(k) on p.id = v.k when matched then update set grp = p.grp returning ${e}`,
  ),
  ofStorable('create temp table', (sql) => [say(`create temp table m_t as ${sql}`), say('select * from m_t')]),
  ofStorable('create table', (sql) => [say(`create table matrix.m_t as ${sql}`), say('copy matrix.m_t to stdout')]),
  ofStorable('create temp view', (sql) => [say(`create temp view m_v as ${sql}`), say('select * from m_v')]),
  ofStorable('create view', (sql) => [say(`create view matrix.m_v as ${sql}`), say('table matrix.m_v')]),
  ofStorable('create materialized view', (sql) => [
    say(`create materialized view matrix.m_m as ${sql}`),
    say('table matrix.m_m'),
  ]),
  ofStorable('text of a row into a table', (sql) => [
    say(`insert into matrix.sink select 1, q::text from (${sql}) q`),
    say('select v from matrix.sink'),
  ]),
  ofStorable('text of a row into a new table', (sql) => [
    say('create temp table m_t (v text)'),
    say(`insert into m_t select q::text from (${sql}) q`),
    execute('select * from m_t', TEXT),
  ]),
]
