import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anyStep, answersTo, type Step } from '../support/message-grammar.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, type Received, WireClient } from '../support/wire-client.ts'

// The same bytes, straight to the server and through the gateway, must have the same answers.

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
})
afterAll(() => bed?.stop())

/** Allowed for everybody, and without PHI. */
const STATEMENTS = [
  'select 1 as one',
  `select g, 'x' || g as t from generate_series(1, 3) g`,
  'select',
  'select 1/0',
  'selec 1',
  '',
  'begin',
  'commit',
  'rollback',
  'savepoint a',
  'rollback to savepoint a',
  'release savepoint a',
  `insert into scratch.item values (1, 'one')`,
  `insert into scratch.item select g, null from generate_series(10, 12) g returning id`,
  `update scratch.item set label = 'two' where id = 1`,
  'delete from scratch.item where id = 1',
  'insert into scratch.child values (1, 77)',
  'select id, label from scratch.item order by id',
  'select no_such_column from scratch.item',
  'set lock_timeout = 1000',
  'show lock_timeout',
  'prepare s1 as select 2 as two',
  'deallocate s1',
  'declare p1 cursor for select generate_series(1, 3) as n',
  'close p1',
  'copy (select 1, null) to stdout',
  'copy scratch.item from stdin',
] as const

const TEXTS = [
  // The gateway refuses to Parse these while the name is unknown; the server does so when they are executed.
  'execute s1',
  'fetch 1 from p1',
  'select 1 as a; select 2 as b',
  `insert into scratch.item values (2, ''); select 1/0`,
  `begin; insert into scratch.item values (3, '')`,
  `insert into scratch.item values (4, ''); commit; select 3`,
  'select 1; copy scratch.item from stdin; select count(*) from scratch.item',
  ';;',
] as const

/**
 * Unknown statement, unknown portal, failed transaction: the server keeps the portal of a failed simple query as a broken
 * one, so that it and the gateway can have different reasons.
 */
const UNUSABLE: ReadonlySet<string> = new Set(['26000', '34000', '25P02'])

/** What must be equal: everything but texts of errors, and the code of an unknown name. */
function shape(message: Received): unknown {
  const { kind } = message
  if (kind === 'ErrorResponse' || kind === 'NoticeResponse') {
    const code = message.fields.get('C') ?? ''
    return [kind, UNUSABLE.has(code) ? 'unusable' : code]
  }
  if (kind === 'RowDescription') {
    return [kind, message.columns.map(({ name: title, typeOid, format }) => [title, typeOid, format])]
  }
  if (kind === 'DataRow') return [kind, message.values.map((value) => value?.toString('hex') ?? null)]
  return kind === 'CopyData' ? [kind, message.data.toString('hex')] : message
}

async function run(client: WireClient, steps: readonly Step[]): Promise<readonly unknown[]> {
  const answers = await answersTo(client, steps)
  // Both end the session; what was on its way then may be lost.
  return errors(answers).some(({ code }) => code === '08P01') ? ['the session has ended'] : answers.map(shape)
}

describe.each(['officer', 'agent'] as const)('any sequence of messages, as %s', (who) => {
  it('has the answers that the server gives', async () => {
    const token = await bed.token(who)
    const admin = await bed.direct()
    const clean = () => admin.query('truncate scratch.item, scratch.child')
    const straight = () =>
      WireClient.login({
        port: bed.environment.postgres.port,
        ca: bed.ca,
        user: 'chaperone_app',
        database: DEMO_TARGET,
        password: bed.environment.appPassword,
      })
    const attempt = async (steps: readonly Step[]) => {
      await clean()
      const expected = await run(await straight(), steps)
      await clean()
      const found = await run(await bed.wire(who, { password: token }), steps)
      expect(found, steps.map(({ what }) => what).join(' | ')).toEqual(expected)
    }
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep(STATEMENTS, TEXTS), { minLength: 1, maxLength: 14 }), async (steps) =>
        attempt(steps),
      ),
      {
        numRuns: Number(process.env['DIFFERENTIAL_RUNS'] ?? 60),
        seed: Number(process.env['DIFFERENTIAL_SEED'] ?? 20_260),
        interruptAfterTimeLimit: 60_000,
      },
    )
  }, 120_000)
})
