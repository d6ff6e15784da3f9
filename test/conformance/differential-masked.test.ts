import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { anyStep, answersTo, type Step } from '../support/message-grammar.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, type Received, WireClient } from '../support/wire-client.ts'

// Where nothing is PHI, the question about the catalog must not be noticed: the same bytes, straight to the server and
// through the gateway as a masked principal, have the same answers, in the same order, byte for byte.

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 5 })
})
afterAll(() => bed?.stop())

const ITEMS = 'select id, label from scratch.item order by id'

/** Each is asked about before it runs, or stands between such. */
const STATEMENTS = [
  ITEMS,
  `${ITEMS};`,
  `${ITEMS} -- to the end`,
  `/* é😀 */ select label as "é😀" from scratch.item where id = 1`,
  'select from scratch.item',
  'select id / (id - 1) as q from scratch.item order by id',
  'select no_such_column from scratch.item',
  `select count(*), 'x' from scratch.item`,
  'table scratch.item order by 1',
  `insert into scratch.item values (1, 'one')`,
  `insert into scratch.item select g, null from generate_series(10, 12) g returning id`,
  `update scratch.item set label = 'two' where id = 1 returning label`,
  'delete from scratch.item where id = 1',
  'insert into scratch.child values (1, 77)',
  'insert into scratch.child select id, id from scratch.item where id = 1',
  'set constraints all immediate',
  'begin',
  'begin isolation level serializable',
  'begin read only',
  'commit',
  'rollback',
  'savepoint a',
  'rollback to savepoint a',
  'release savepoint a',
  `prepare s1 as ${ITEMS}`,
  'deallocate s1',
  'reset all',
  `declare p1 cursor for ${ITEMS}`,
  `declare p2 scroll cursor with hold for ${ITEMS}`,
  'close p1',
  'close all',
  'copy scratch.item to stdout',
  'copy (select id, label from scratch.item order by id) to stdout with csv header',
  'copy scratch.item from stdin',
  `explain (costs off) ${ITEMS}`,
] as const

const TEXTS = [
  // By Execute they leave the unnamed statement to the server, and not to the gateway.
  'deallocate all',
  'discard all',
  'execute s1',
  'fetch 1 from p1',
  'fetch backward all from p2',
  'move 1 in p1',
  `select 1 as a; ${ITEMS}; select 2 as b -- to the end`,
  `${ITEMS}; select '😀', no_such_column from scratch.item`,
  `insert into scratch.item values (2, ''); select id / (id - 2) from scratch.item`,
  `begin; ${ITEMS}; commit`,
  `insert into scratch.item values (4, '') returning id; commit`,
  `${ITEMS}; rollback; begin`,
  `insert into scratch.item values (5, ''); commit; insert into scratch.item values (5, ''); select 1 as a`,
  `deallocate all; ${ITEMS}`,
  `copy scratch.item to stdout; copy (select 1 / (id - 1) from scratch.item order by id) to stdout; ${ITEMS}`,
  `insert into scratch.item values (6, ''); copy scratch.item from stdin; select 2 as b`,
  `declare p1 cursor for ${ITEMS}; fetch 1 from p1; close p1`,
  `prepare s2 as ${ITEMS}; execute s2; deallocate s2`,
  ';;',
  '-- nothing',
] as const

/** What is not there: the server and the gateway can have different reasons. */
const UNUSABLE: ReadonlySet<string> = new Set(['26000', '34000', '25P02', '55000'])

function shape(message: Received): unknown {
  const { kind } = message
  if (kind === 'ErrorResponse' || kind === 'NoticeResponse') {
    const code = message.fields.get('C') ?? ''
    return [kind, UNUSABLE.has(code) ? 'unusable' : code, message.fields.get('P')]
  }
  if (kind === 'RowDescription') {
    return [kind, ...message.columns.map(({ name, typeOid, format }) => [name, typeOid, format])]
  }
  if (kind === 'DataRow') return [kind, ...message.values.map((value) => value?.toString('utf8') ?? null)]
  return kind === 'CopyData' ? [kind, message.data.toString('utf8')] : message
}

/**
 * A query behind a batch without Sync leaves its transaction open since PostgreSQL 18, and does not before; what the gateway
 * sends for it ends it.
 */
const synced = (step: Step): Step =>
  step.what.startsWith('Query') ? { ...step, bytes: Buffer.concat([encodeSync(), step.bytes]) } : step

async function run(client: WireClient, steps: readonly Step[], pieces: boolean): Promise<readonly unknown[]> {
  const answers = await answersTo(client, steps, pieces)
  return errors(answers).some(({ code }) => code === '08P01') ? ['the session has ended'] : answers.map(shape)
}

const BEGIN: Step = { what: 'Query begin', bytes: encodeQuery('begin') }
const ends = (sql: string): boolean => /commit|^rollback$|discard/.test(sql)
const within = (texts: readonly string[]): readonly string[] => texts.filter((sql) => !ends(sql))

const anywhere = anyStep(STATEMENTS, TEXTS).map(synced)
/** Where a transaction is open, a query behind a batch without Sync is the same in every version. */
const inBlock = anyStep(within(STATEMENTS), within(TEXTS))
const sequences = (step: fc.Arbitrary<Step>) => fc.array(step, { minLength: 1, maxLength: 14 })

describe.each([
  ['in one flight', sequences(anywhere), false],
  ['in pieces', sequences(anywhere), true],
  ['in a transaction block', sequences(inBlock).map((steps) => [BEGIN, ...steps]), false],
  ['in a transaction block and in pieces', sequences(inBlock).map((steps) => [BEGIN, ...steps]), true],
] as const)('any sequence of messages without PHI, %s', (_, any, pieces) => {
  it('has the answers that the server gives', async () => {
    const token = await bed.token('agent')
    const admin = await bed.direct()
    const fill = () =>
      admin.query(`truncate scratch.item, scratch.child; insert into scratch.item values (0, 'zero'), (3, 'three')`)
    const straight = () =>
      WireClient.login({
        port: bed.environment.postgres.port,
        ca: bed.ca,
        user: 'chaperone_app',
        database: DEMO_TARGET,
        password: bed.environment.appPassword,
      })
    const attempt = async (steps: readonly Step[]) => {
      await fill()
      const expected = await run(await straight(), steps, pieces)
      await fill()
      const found = await run(await bed.wire('agent', { password: token }), steps, pieces)
      expect(found, steps.map(({ what }) => what).join(' | ')).toEqual(expected)
    }
    await fc.assert(
      fc.asyncProperty(any, (steps) => attempt(steps)),
      {
        numRuns: Number(process.env['DIFFERENTIAL_RUNS'] ?? 60),
        seed: Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261),
        interruptAfterTimeLimit: Number(process.env['DIFFERENTIAL_MS'] ?? 60_000),
      },
    )
  }, 600_000)
})
