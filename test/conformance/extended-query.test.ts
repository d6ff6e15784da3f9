import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeFunctionCall,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, kinds, of, rows, status, tags, type WireClient } from '../support/wire-client.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
})
afterAll(() => bed?.stop())

const parse = encodeParse
const bind = encodeBind
const execute = encodeExecute
const sync = encodeSync
const query = encodeQuery

async function works(client: WireClient): Promise<void> {
  client.send(query('select 41 + 1'))
  const answer = await client.ready()
  expect(rows(answer)).toEqual([['42']])
  expect(status(answer)).toBe('I')
}

describe.each(['officer', 'agent'] as const)('extended query, as %s', (who) => {
  let client: WireClient
  beforeEach(async () => {
    client = await bed.wire(who)
  })
  afterEach(() => client.destroy())

  it('parses, binds, describes and executes', async () => {
    client.send(
      parse('', 'select $1::int + 1 as next'),
      bind({ parameters: ['41'] }),
      encodeDescribe('P', ''),
      execute(''),
      sync(),
    )
    const answer = await client.ready()
    expect(kinds(answer)).toEqual([
      'ParseComplete',
      'BindComplete',
      'RowDescription',
      'DataRow',
      'CommandComplete',
      'ReadyForQuery',
    ])
    expect(of(answer, 'RowDescription')[0]?.columns.map(({ name }) => name)).toEqual(['next'])
    expect(rows(answer)).toEqual([['42']])
  })

  it('executes without Describe, and shows no RowDescription that was not asked for', async () => {
    client.send(parse('', 'select 7'), bind(), execute(''), sync())
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ParseComplete', 'BindComplete', 'DataRow', 'CommandComplete', 'ReadyForQuery'])
  })

  it('describes a statement without executing it', async () => {
    client.send(
      parse('described', 'select id, sex from hospital.patients where sex = $1'),
      encodeDescribe('S', 'described'),
      sync(),
    )
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ParseComplete', 'ParameterDescription', 'RowDescription', 'ReadyForQuery'])
    expect(of(answer, 'ParameterDescription')[0]?.parameterTypes).toEqual([25])
  })

  it('describes a portal twice and then executes it', async () => {
    client.send(parse('', 'select 1'), bind(), encodeDescribe('P', ''), encodeDescribe('P', ''), execute(''), sync())
    expect(kinds(await client.ready())).toEqual([
      'ParseComplete',
      'BindComplete',
      'RowDescription',
      'RowDescription',
      'DataRow',
      'CommandComplete',
      'ReadyForQuery',
    ])
  })

  it('answers NoData for a statement without a result', async () => {
    client.send(parse('', 'set lock_timeout = 0'), bind(), encodeDescribe('P', ''), execute(''), sync())
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ParseComplete', 'BindComplete', 'NoData', 'CommandComplete', 'ReadyForQuery'])
  })

  it('takes the empty statement', async () => {
    client.send(parse('', ''), bind(), execute(''), sync())
    expect(kinds(await client.ready())).toEqual([
      'ParseComplete',
      'BindComplete',
      'EmptyQueryResponse',
      'ReadyForQuery',
    ])
    client.send(query(''))
    expect(kinds(await client.ready())).toEqual(['EmptyQueryResponse', 'ReadyForQuery'])
    client.send(query(' -- nothing'))
    expect(kinds(await client.ready())).toEqual(['EmptyQueryResponse', 'ReadyForQuery'])
  })

  it('answers a lone Sync', async () => {
    client.send(sync(), sync())
    expect(kinds(await client.ready())).toEqual(['ReadyForQuery'])
    expect(kinds(await client.ready())).toEqual(['ReadyForQuery'])
  })

  it('keeps a named statement over transactions and executes it with other parameters', async () => {
    client.send(parse('kept', 'select $1::text || $2', [25, 25]), sync())
    await client.ready()
    for (const { a, b } of [
      { a: 'x', b: 'y' },
      { a: 'p', b: 'q' },
    ]) {
      client.send(bind({ statement: 'kept', parameters: [a, b] }), execute(''), sync())
      expect(rows(await client.ready())).toEqual([[`${a}${b}`]])
    }
    client.send(encodeClose('S', 'kept'), bind({ statement: 'kept', parameters: ['a', 'b'] }), execute(''), sync())
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['CloseComplete', 'ErrorResponse', 'ReadyForQuery'])
    expect(errors(answer)[0]?.code).toBe('26000')
  })

  it('refuses to prepare a name twice as the server does, and keeps the first', async () => {
    client.send(parse('twice', 'select 1'), sync())
    await client.ready()
    client.send(parse('twice', 'select 2'), sync())
    expect(errors(await client.ready())[0]?.code).toBe('42P05')
    client.send(bind({ statement: 'twice' }), execute(''), sync())
    expect(rows(await client.ready())).toEqual([['1']])
  })

  it('fetches a portal in pieces', async () => {
    client.send(
      query('begin'),
      parse('', 'select g from generate_series(1, 5) g'),
      bind({ portal: 'pieces' }),
      execute('pieces', 2),
      encodeFlush(),
    )
    await client.ready()
    const first = await client.upTo('PortalSuspended')
    expect(rows(first)).toEqual([['1'], ['2']])
    client.send(execute('pieces', 2), encodeFlush())
    expect(rows(await client.upTo('PortalSuspended'))).toEqual([['3'], ['4']])
    client.send(execute('pieces', 0), encodeClose('P', 'pieces'), sync())
    const last = await client.ready()
    expect(rows(last)).toEqual([['5']])
    expect(kinds(last)).toEqual(['DataRow', 'CommandComplete', 'CloseComplete', 'ReadyForQuery'])
    client.send(query('commit'))
    expect(tags(await client.ready())).toEqual(['COMMIT'])
  })

  it('goes on with a portal after a Sync inside a transaction', async () => {
    client.send(query('begin'))
    await client.ready()
    client.send(
      parse('', 'select g from generate_series(1, 3) g'),
      bind({ portal: 'over' }),
      execute('over', 1),
      sync(),
    )
    expect(rows(await client.ready())).toEqual([['1']])
    client.send(execute('over', 0), sync())
    expect(rows(await client.ready())).toEqual([['2'], ['3']])
    client.send(query('commit'))
    await client.ready()
    client.send(execute('over', 0), sync())
    expect(errors(await client.ready())[0]?.code).toMatch(/^(34000|26000)$/)
    await works(client)
  })

  it('takes any number of portals one after the other', async () => {
    for (let round = 0; round < 3; round++) {
      const some = Array.from({ length: 500 }, (_, index) => `portal_${round}_${index}`)
      client.send(parse('', 'select 1'), ...some.flatMap((portal) => [bind({ portal }), execute(portal)]), sync())
      const answer = await client.ready()
      expect(errors(answer)).toEqual([])
      expect(rows(answer)).toHaveLength(500)
    }
  })

  it('takes any number of portals that are never executed', async () => {
    for (let round = 0; round < 3; round++) {
      const some = Array.from({ length: 500 }, (_, index) => `portal_${round}_${index}`)
      client.send(parse('', 'select 1'), ...some.map((portal) => bind({ portal })), sync())
      expect(errors(await client.ready())).toEqual([])
    }
  })

  it('answers what was sent before a Flush without waiting for Sync', async () => {
    client.send(parse('', 'select 1'), encodeFlush())
    expect(kinds(await client.upTo('ParseComplete'))).toEqual(['ParseComplete'])
    client.send(bind(), encodeDescribe('P', ''), encodeFlush())
    expect(kinds(await client.upTo('RowDescription'))).toEqual(['BindComplete', 'RowDescription'])
    client.send(execute(''), encodeFlush())
    expect(kinds(await client.upTo('CommandComplete'))).toEqual(['DataRow', 'CommandComplete'])
    client.send(sync())
    expect(kinds(await client.ready())).toEqual(['ReadyForQuery'])
  })

  it('answers a long pipeline in order', async () => {
    const statements = Array.from({ length: 500 }, (_, index) => index)
    client.send(
      ...statements.flatMap((index) => [
        parse('', `select ${index} -- ${index % 7}`),
        bind(),
        encodeDescribe('P', ''),
        execute(''),
      ]),
      sync(),
    )
    expect(rows(await client.ready())).toEqual(statements.map((index) => [String(index)]))
  })

  it('answers several Syncs of one flight one by one', async () => {
    client.send(
      [parse('', 'select 1'), bind(), execute(''), sync()],
      [parse('', 'selec 2'), bind(), execute(''), sync()],
      [parse('', 'select 3'), bind(), execute(''), sync()],
    )
    expect(rows(await client.ready())).toEqual([['1']])
    const failed = await client.ready()
    expect(kinds(failed)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    expect(errors(failed)[0]?.code).toBe('42601')
    expect(rows(await client.ready())).toEqual([['3']])
  })

  it('passes over everything from an error to Sync', async () => {
    client.send(
      parse('before', 'select 1'),
      parse('', 'select 1/0'),
      bind(),
      execute(''),
      parse('after', 'select 2'),
      encodeDescribe('S', 'after'),
      sync(),
    )
    const answer = await client.ready()
    expect(errors(answer).map(({ code }) => code)).toEqual(['22012'])
    expect(kinds(answer).slice(-2)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    client.send(bind({ statement: 'before' }), execute(''), sync())
    expect(rows(await client.ready())).toEqual([['1']])
    client.send(bind({ statement: 'after' }), execute(''), sync())
    expect(errors(await client.ready())[0]?.code).toBe('26000')
    client.send(encodeClose('S', 'before'), sync())
    await client.ready()
  })

  it('passes over a simple query too while it waits for Sync', async () => {
    client.send(parse('', 'selec'), query(`select 'not run'`), sync())
    const answer = await client.ready()
    expect(kinds(answer)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    await works(client)
  })

  it('gives parameters and results in binary format', async () => {
    const int4 = Buffer.alloc(4)
    int4.writeInt32BE(41)
    client.send(
      parse('', 'select $1::int4 + 1, $2::text', [23, 25]),
      bind({ parameterFormats: [1, 0], parameters: [int4, null], resultFormats: [1] }),
      execute(''),
      sync(),
    )
    const [row] = of(await client.ready(), 'DataRow')
    expect(row?.values[0]?.readInt32BE()).toBe(42)
    expect(row?.values[1]).toBeNull()
  })

  it('refuses several statements in one Parse as the server does', async () => {
    client.send(parse('', 'select 1; select 2'), sync())
    expect(errors(await client.ready())[0]?.code).toBe('42601')
    await works(client)
  })

  it('tells an unknown statement and an unknown portal apart from a broken session', async () => {
    client.send(bind({ statement: 'nobody' }), sync())
    expect(errors(await client.ready())[0]?.code).toBe('26000')
    client.send(execute('nobody'), sync())
    expect(errors(await client.ready())[0]?.code).toMatch(/^(34000|26000)$/)
    client.send(encodeDescribe('S', 'nobody'), sync())
    expect(errors(await client.ready())[0]?.code).toBe('26000')
    client.send(encodeClose('S', 'nobody'), encodeClose('P', 'nobody'), sync())
    expect(kinds(await client.ready())).toEqual(['CloseComplete', 'CloseComplete', 'ReadyForQuery'])
  })

  it('refuses a fast-path function call and stays usable', async () => {
    client.send(encodeFunctionCall({ functionOid: 1598 }))
    const answer = await client.ready()
    expect(errors(answer)[0]).toMatchObject({
      code: '0A000',
      message: expect.stringContaining('[CHP-PROTOCOL-UNSUPPORTED]'),
    })
    await works(client)
  })

  it('takes messages byte by byte', async () => {
    const bytes = Buffer.concat([parse('', 'select 1'), bind(), execute(''), sync()])
    for (const byte of bytes) client.send(Buffer.from([byte]))
    expect(rows(await client.ready())).toEqual([['1']])
  })

  it('reports notices', async () => {
    client.send(query('rollback'))
    const answer = await client.ready()
    const notice = of(answer, 'NoticeResponse')[0]
    expect(notice?.fields.get('C')).toBe('25P01')
    expect(tags(answer)).toEqual(['ROLLBACK'])
  })

  it('reports a setting that changes during the session', async () => {
    client.send(query(`set timezone = 'Asia/Tokyo'`))
    const answer = await client.ready()
    expect(of(answer, 'ParameterStatus').map(({ name, value }) => [name, value])).toContainEqual([
      'TimeZone',
      'Asia/Tokyo',
    ])
  })

  it('keeps savepoints', async () => {
    client.send(query('begin; savepoint a'))
    expect(status(await client.ready())).toBe('T')
    client.send(query('select 1/0'))
    expect(status(await client.ready())).toBe('E')
    client.send(query('select 1'))
    const failed = await client.ready()
    expect(errors(failed)[0]?.code).toBe('25P02')
    client.send(query('rollback to savepoint a'))
    expect(status(await client.ready())).toBe('T')
    client.send(query('release savepoint a; commit'))
    const end = await client.ready()
    expect(tags(end)).toEqual(['RELEASE', 'COMMIT'])
    expect(status(end)).toBe('I')
  })

  it('forgets prepared statements that were discarded', async () => {
    client.send(parse('gone', 'select 1'), sync())
    await client.ready()
    client.send(query('deallocate all'))
    await client.ready()
    client.send(bind({ statement: 'gone' }), execute(''), sync())
    expect(errors(await client.ready())[0]?.code).toBe('26000')
    await works(client)
  })

  it('executes a statement that SQL PREPARE made', async () => {
    client.send(query('prepare sums(int, int) as select $1 + $2'))
    expect(tags(await client.ready())).toEqual(['PREPARE'])
    client.send(query('execute sums(20, 22)'))
    expect(rows(await client.ready())).toEqual([['42']])
    client.send(bind({ statement: 'sums', parameters: ['1', '2'] }), execute(''), sync())
    expect(rows(await client.ready())).toEqual([['3']])
    client.send(query('deallocate sums'))
    expect(tags(await client.ready())).toEqual(['DEALLOCATE'])
  })

  it('fetches from a cursor that SQL DECLARE made', async () => {
    client.send(query('begin; declare numbers cursor for select generate_series(1, 4)'))
    expect(status(await client.ready())).toBe('T')
    client.send(query('fetch 2 from numbers'))
    expect(rows(await client.ready())).toEqual([['1'], ['2']])
    client.send(execute('numbers', 1), sync())
    expect(rows(await client.ready())).toEqual([['3']])
    client.send(query('close numbers; commit'))
    expect(tags(await client.ready())).toEqual(['CLOSE CURSOR', 'COMMIT'])
  })
})

describe('what ends a session', () => {
  it.each([
    ['an unknown message type', Buffer.from([0x7e, 0, 0, 0, 4])],
    ['a length below four', Buffer.from([0x51, 0, 0, 0, 3])],
    ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff])],
    ['a server’s message', Buffer.from([0x5a, 0, 0, 0, 5, 0x49])],
    ['a Parse with bytes behind it', Buffer.from([0x50, 0, 0, 0, 10, 0, 0x3b, 0, 0, 0, 9])],
    ['a second password', Buffer.from([0x70, 0, 0, 0, 6, 0x61, 0])],
  ])('%s', async (_name, bytes) => {
    const client = await bed.wire('agent')
    client.send(bytes)
    const answer = await client.toEnd()
    expect(errors(answer).map(({ code }) => code)).toEqual(['08P01'])
    expect(of(answer, 'ErrorResponse')[0]?.fields.get('V')).toBe('FATAL')
  })

  it('answers what came before it', async () => {
    const client = await bed.wire('agent')
    client.send(query('select 5'), Buffer.from([0x7e, 0, 0, 0, 4]))
    const answer = await client.toEnd()
    expect(errors(answer).at(-1)?.code).toBe('08P01')
  })

  it('refuses a statement over the limit', async () => {
    const client = await bed.wire('agent')
    client.send(query(`select '${'x'.repeat(2 * 1024 * 1024)}'`))
    const answer = await client.toEnd()
    expect(errors(answer)[0]?.code).toMatch(/^54/)
  })

  it('says goodbye to Terminate by closing', async () => {
    const client = await bed.wire('agent')
    await client.close()
    expect(await client.next()).toBeUndefined()
  })
})

describe('notifications', () => {
  it('reach a listening client; a masked one gets no payload', async () => {
    const listener = await bed.wire('officer')
    const masked = await bed.wire('agent')
    for (const client of [listener, masked]) {
      client.send(query('listen ward'))
      expect(tags(await client.ready())).toEqual(['LISTEN'])
    }
    const sender = await bed.direct('app')
    await sender.query(`notify ward, 'Zebediah Quux'`)
    const heard = await listener.upTo('NotificationResponse')
    expect(of(heard, 'NotificationResponse')[0]).toMatchObject({ channel: 'ward', payload: 'Zebediah Quux' })
    const half = await masked.upTo('NotificationResponse')
    expect(of(half, 'NotificationResponse')[0]).toMatchObject({ channel: 'ward', payload: '' })
  })
})
