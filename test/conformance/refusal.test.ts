import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import type { JournalHeader } from '../../src/record/format.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, first, kinds, rows, status, tags, type WireClient } from '../support/wire-client.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
})
afterAll(() => bed?.stop())

const REFUSED = 'delete from scratch.item'

const parse = encodeParse
const bind = encodeBind
const execute = encodeExecute
const sync = encodeSync
const query = encodeQuery
const insert = (id: number) => [parse('', `insert into scratch.item values (${id}, '')`), bind(), execute('')]

async function items(): Promise<number[]> {
  const app = await bed.direct('app')
  const { rows: found } = await app.query<{ id: number }>('select id from scratch.item order by id')
  return found.map(({ id }) => id)
}

const what = (header: JournalHeader | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(header?.what ?? {}))

const ofKind = (headers: readonly JournalHeader[], kind: JournalHeader['kind']): JournalHeader[] =>
  headers.filter((header) => header.kind === kind)

const isRefused = (code: { readonly code: string; readonly message: string } | undefined): void => {
  expect(code).toMatchObject({ code: '42501', message: expect.stringContaining('(rule guardrails.unbounded-write)') })
}

describe.each(['officer', 'agent'] as const)('a refusal, as %s', (who) => {
  let client: WireClient
  beforeEach(async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    client = await bed.wire(who)
  })
  afterEach(() => client.destroy())

  async function works(): Promise<void> {
    client.send(query('select 41 + 1'))
    const answer = await client.ready()
    expect(rows(answer)).toEqual([['42']])
    expect(status(answer)).toBe('I')
  }

  it('leaves the connection usable, with code, rule and hint', async () => {
    client.send(query(REFUSED))
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    const { fields } = first(answer, 'ErrorResponse')
    expect(fields.get('C')).toBe('42501')
    expect(fields.get('V')).toBe('ERROR')
    expect(fields.get('M')).toContain('[CHP-POLICY-REFUSED] (rule guardrails.unbounded-write)')
    expect(fields.get('H')).toContain('WHERE')
    await works()
  })

  it('in the extended protocol, too', async () => {
    client.send(parse('', REFUSED), bind(), encodeDescribe('P', ''), execute(''), sync())
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    isRefused(errors(answer)[0])
    await works()
  })

  it('behind an INSERT and before Sync commits nothing', async () => {
    client.send(
      [parse('', `insert into scratch.item values (1, 'one')`), bind(), execute('')],
      [parse('', REFUSED), bind(), execute('')],
      [parse('', `insert into scratch.item values (2, 'two')`), bind(), execute('')],
      sync(),
    )
    const answer = await client.ready()
    expect(tags(answer)).toEqual(['INSERT 0 1'])
    isRefused(errors(answer)[0])
    expect(errors(answer)).toHaveLength(1)
    expect(status(answer)).toBe('I')
    expect(await items()).toEqual([])
    await works()
  })

  it('between two Syncs spoils its own batch only', async () => {
    client.send(...insert(1), sync(), ...insert(2), parse('', REFUSED), sync(), ...insert(3), sync())
    expect(tags(await client.ready())).toEqual(['INSERT 0 1'])
    isRefused(errors(await client.ready())[0])
    expect(tags(await client.ready())).toEqual(['INSERT 0 1'])
    expect(await items()).toEqual([1, 3])
  })

  it('inside BEGIN aborts the transaction, and COMMIT rolls back', async () => {
    client.send(query('begin'))
    expect(status(await client.ready())).toBe('T')
    client.send(query(`insert into scratch.item values (1, 'one')`))
    expect(status(await client.ready())).toBe('T')
    client.send(query(REFUSED))
    const refused = await client.ready()
    isRefused(errors(refused)[0])
    expect(status(refused)).toBe('E')
    client.send(query('select 1'))
    expect(errors(await client.ready())[0]?.code).toBe('25P02')
    client.send(query('commit'))
    const commit = await client.ready()
    expect(tags(commit)).toEqual(['ROLLBACK'])
    expect(status(commit)).toBe('I')
    expect(await items()).toEqual([])
    await works()
  })

  it('inside a failed transaction is a refusal still', async () => {
    client.send(query('begin'), query('select 1/0'), query(REFUSED), query('rollback'))
    await client.ready()
    await client.ready()
    const refused = await client.ready()
    isRefused(errors(refused)[0])
    expect(status(refused)).toBe('E')
    expect(tags(await client.ready())).toEqual(['ROLLBACK'])
    await works()
  })

  it('can be undone by a savepoint, as any error', async () => {
    client.send(query(`begin; insert into scratch.item values (1, 'one'); savepoint before`))
    expect(status(await client.ready())).toBe('T')
    client.send(query(REFUSED))
    expect(status(await client.ready())).toBe('E')
    client.send(query('rollback to before'), query('commit'))
    expect(status(await client.ready())).toBe('T')
    expect(tags(await client.ready())).toEqual(['COMMIT'])
    expect(await items()).toEqual([1])
  })

  it('in the middle of several statements executes none of them', async () => {
    client.send(
      query(`insert into scratch.item values (1, 'one'); ${REFUSED}; insert into scratch.item values (2, 'two')`),
    )
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    isRefused(errors(answer)[0])
    expect(await items()).toEqual([])
    await works()
  })

  it('behind a COMMIT in one string does not keep what is before it', async () => {
    client.send(query(`begin; insert into scratch.item values (1, 'one'); commit; ${REFUSED}`))
    const answer = await client.ready()
    isRefused(errors(answer)[0])
    expect(await items()).toEqual([])
    await works()
  })

  it('keeps its position in a pipeline of simple queries', async () => {
    client.send(query('select 1'), query(REFUSED), query('select 3'))
    expect(rows(await client.ready())).toEqual([['1']])
    isRefused(errors(await client.ready())[0])
    expect(rows(await client.ready())).toEqual([['3']])
  })

  it('shows the position of a syntax error', async () => {
    client.send(query('select * form hospital.patients'))
    const answer = await client.ready()
    const { fields } = first(answer, 'ErrorResponse')
    expect(fields.get('C')).toBe('42601')
    expect(fields.get('P')).toBe('10')
    await works()
  })

  it('of text that is not UTF-8 is one', async () => {
    const text = Buffer.concat([Buffer.from(`select '`), Buffer.from([0xff, 0xfe]), Buffer.from(`'`)])
    const frame = Buffer.alloc(5 + text.length + 1)
    frame[0] = 0x51
    frame.writeInt32BE(4 + text.length + 1, 1)
    text.copy(frame, 5)
    client.send(frame)
    expect(errors(await client.toEndOrReady())[0]?.code).toMatch(/^(22021|08P01)$/)
  })

  it('of every kind leaves the session usable', async () => {
    for (const sql of [
      'truncate scratch.item',
      'drop table scratch.item',
      'create table scratch.other (id int)',
      'grant select on scratch.item to public',
      'lock table scratch.item',
      'do $$ begin null; end $$',
      `copy scratch.item to '/tmp/out'`,
      `copy scratch.item from program 'true'`,
      'alter system set work_mem = 1',
      `set client_encoding = 'latin1'`,
      'set standard_conforming_strings = off',
      'update scratch.item set label = null where true',
      'with gone as (delete from scratch.item returning 1) select count(*) from gone',
      `prepare sneaky as ${REFUSED}`,
      `explain analyze ${REFUSED}`,
    ]) {
      client.send(query(sql))
      const answer = await client.ready()
      expect([sql, kinds(answer)]).toEqual([sql, ['ErrorResponse', 'ReadyForQuery']])
      expect([sql, errors(answer)[0]?.message]).toEqual([sql, expect.stringMatching(/\[CHP-[A-Z-]+\]/)])
      expect([sql, status(answer)]).toEqual([sql, 'I'])
    }
    await works()
  })
})

describe('the journal', () => {
  let client: WireClient
  beforeEach(async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    client = await bed.wire('agent')
  })
  afterEach(() => client.destroy())

  it('has the intent before the outcome of a statement, and the transaction’s end', async () => {
    const headers = await bed.recorded(async () => {
      client.send(query(`insert into scratch.item values (1, 'one')`))
      await client.ready()
    })
    expect(headers.map(({ kind }) => kind)).toEqual(['facts', 'intent', 'outcome'])
    expect(what(headers[1])).toMatchObject({
      ...what(headers[0]),
      commands: ['INSERT'],
      decision: 'allow',
      relations: ['insert scratch.item'],
    })
    expect(what(headers[2])).toMatchObject({ result: 'ok', rows: 1, tag: 'INSERT', transaction: 'committed' })
    expect(headers[1]?.op).toBe(headers[2]?.op)
  })

  it('has a refusal with its rule and no intent', async () => {
    const headers = await bed.recorded(async () => {
      client.send(query(REFUSED))
      await client.ready()
    })
    expect(headers.map(({ kind }) => kind)).toEqual(['facts', 'refusal'])
    expect(what(headers[1])).toMatchObject({
      ...what(headers[0]),
      code: 'CHP-POLICY-REFUSED',
      rule: 'guardrails.unbounded-write',
    })
  })

  it('says that a transaction was rolled back', async () => {
    const headers = await bed.recorded(async () => {
      for (const sql of ['begin', `insert into scratch.item values (1, '')`, REFUSED, 'commit']) {
        client.send(query(sql))
        await client.ready()
      }
    })
    expect(ofKind(headers, 'outcome').map((header) => what(header)['transaction'])).toEqual([
      'open',
      'open',
      'rolled-back',
    ])
    expect(ofKind(headers, 'refusal')).toHaveLength(1)
  })

  it('says that a transaction was committed', async () => {
    const headers = await bed.recorded(async () => {
      for (const sql of ['begin', `insert into scratch.item values (1, '')`, 'commit']) {
        client.send(query(sql))
        await client.ready()
      }
    })
    expect(ofKind(headers, 'outcome').map((header) => what(header)['transaction'])).toEqual([
      'open',
      'open',
      'committed',
    ])
  })

  it('tells committed from rolled back for a batch of the extended protocol', async () => {
    const good = await bed.recorded(async () => {
      client.send(...insert(1), sync())
      await client.ready()
    })
    expect(ofKind(good, 'transaction').map(what)).toMatchObject([{ result: 'committed' }])
    const bad = await bed.recorded(async () => {
      client.send(...insert(2), parse('', REFUSED), sync())
      await client.ready()
    })
    expect(ofKind(bad, 'transaction').map(what)).toMatchObject([{ result: 'rolled-back' }])
    expect(ofKind(bad, 'refusal')).toHaveLength(1)
    expect(await items()).toEqual([1])
  })

  it('tells that a deferred constraint failed at COMMIT', async () => {
    const headers = await bed.recorded(async () => {
      client.send(query('begin'), query('insert into scratch.child values (1, 99)'), query('commit'))
      await client.ready()
      await client.ready()
      expect(errors(await client.ready())[0]?.code).toBe('23503')
    })
    expect(what(ofKind(headers, 'outcome').at(-1))).toMatchObject({
      result: 'error',
      sqlstate: '23503',
      transaction: 'rolled-back',
    })
  })

  it('tells that a deferred constraint failed at Sync', async () => {
    const headers = await bed.recorded(async () => {
      client.send(parse('', 'insert into scratch.child values (1, 99)'), bind(), execute(''), sync())
      expect(errors(await client.ready())[0]?.code).toBe('23503')
    })
    expect(what(ofKind(headers, 'transaction')[0])).toMatchObject({ result: 'rolled-back' })
  })

  it('has the error of a statement that failed', async () => {
    const headers = await bed.recorded(async () => {
      client.send(query('select 1/0'))
      await client.ready()
    })
    expect(what(headers.at(-1))).toMatchObject({ result: 'error', sqlstate: '22012' })
  })

  it('marks what was bound and never executed', async () => {
    const headers = await bed.recorded(async () => {
      client.send(parse('', 'select 1'), bind(), parse('', 'select 1/0'), bind(), execute(''), sync())
      await client.ready()
    })
    const results = ofKind(headers, 'outcome').map((header) => what(header)['result'])
    expect(ofKind(headers, 'intent')).toHaveLength(2)
    expect(new Set(results)).toEqual(new Set(['error', 'unused']))
  })

  it('marks what was running when the client went away as lost', async () => {
    const other = await bed.wire('agent')
    const headers = await bed.recorded(
      async () => {
        other.send(query('select pg_sleep(20)'))
        await new Promise((resolve) => setTimeout(resolve, 200))
        other.destroy()
      },
      (found) => found.some(({ kind }) => kind === 'session-end'),
    )
    expect(what(ofKind(headers, 'outcome')[0])).toMatchObject({ result: 'lost' })
    expect(what(ofKind(headers, 'session-end')[0])).toMatchObject({ reason: 'client-closed' })
    const admin = await bed.direct()
    for (let tries = 0; tries < 200; tries++) {
      const running = await admin.query(
        `select from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'`,
      )
      if (running.rowCount === 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('the statement still runs on the target')
  })
})
