import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, kinds, of, type Received, rows, status, tags, type WireClient } from '../support/wire-client.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
})
afterAll(() => bed?.stop())

const query = encodeQuery
const data = (text: string): Buffer => encodeCopyData(Buffer.from(text))
const copied = (messages: readonly Received[]): Buffer =>
  Buffer.concat(of(messages, 'CopyData').map((message) => message.data))

function int2(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

/** COPY BINARY (PostgreSQL documentation, COPY, "Binary Format"): signature, flags, extension, rows, trailer. */
function binaryRows(values: readonly (readonly (Buffer | null)[])[]): Buffer {
  const parts: Buffer[] = [Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]
  for (const row of values) {
    parts.push(int2(row.length))
    for (const value of row) parts.push(...(value === null ? [int4(-1)] : [int4(value.length), value]))
  }
  return Buffer.concat([...parts, int2(-1)])
}

function int4(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

async function items(): Promise<unknown[][]> {
  const app = await bed.direct('app')
  const { rows: found } = await app.query('select id, label from scratch.item order by id')
  return found.map(({ id, label }) => [id, label])
}

describe.each(['officer', 'agent'] as const)('COPY, as %s', (who) => {
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

  it('takes text', async () => {
    client.send(query('copy scratch.item from stdin'))
    const begun = await client.upTo('CopyInResponse')
    expect(of(begun, 'CopyInResponse')[0]).toMatchObject({ format: 0, columnFormats: [0, 0] })
    client.send(data('1\tone\n2\t'), data('two\n'), encodeCopyDone())
    const answer = await client.ready()
    expect(tags(answer)).toEqual(['COPY 2'])
    expect(await items()).toEqual([
      [1, 'one'],
      [2, 'two'],
    ])
    await works()
  })

  it('takes the data in the same flight as the query', async () => {
    client.send(
      query('copy scratch.item (id, label) from stdin (format csv)'),
      data('7,"a,b"\n'),
      encodeCopyDone(),
      query('select 3'),
    )
    expect(tags(await client.ready())).toEqual(['COPY 1'])
    expect(rows(await client.ready())).toEqual([['3']])
    expect(await items()).toEqual([[7, 'a,b']])
  })

  it('takes binary rows', async () => {
    client.send(query('copy scratch.item from stdin (format binary)'))
    expect(of(await client.upTo('CopyInResponse'), 'CopyInResponse')[0]).toMatchObject({
      format: 1,
      columnFormats: [1, 1],
    })
    client.send(
      encodeCopyData(
        binaryRows([
          [int4(5), Buffer.from('five')],
          [int4(6), null],
        ]),
      ),
      encodeCopyDone(),
    )
    expect(tags(await client.ready())).toEqual(['COPY 2'])
    expect(await items()).toEqual([
      [5, 'five'],
      [6, null],
    ])
  })

  it('takes the extended protocol, with a Sync behind the data', async () => {
    client.send(encodeParse('', 'copy scratch.item from stdin'), encodeBind(), encodeExecute(''), encodeFlush())
    expect(kinds(await client.upTo('CopyInResponse'))).toEqual(['ParseComplete', 'BindComplete', 'CopyInResponse'])
    client.send(data('3\tthree\n'), encodeCopyDone(), encodeSync())
    const answer = await client.ready()
    expect(tags(answer)).toEqual(['COPY 1'])
    expect(await items()).toEqual([[3, 'three']])
    await works()
  })

  it('is given up by CopyFail', async () => {
    client.send(query('copy scratch.item from stdin'))
    await client.upTo('CopyInResponse')
    client.send(data('1\tone\n'), encodeCopyFail('changed my mind'))
    const answer = await client.ready()
    expect(errors(answer)[0]?.code).toBe('57014')
    expect(await items()).toEqual([])
    await works()
  })

  it('fails on bad data, and the rest of the data is passed over', async () => {
    client.send(query('copy scratch.item from stdin'))
    await client.upTo('CopyInResponse')
    client.send(data('not a number\tone\n'), data('2\ttwo\n'), encodeCopyDone(), query('select 8'))
    const answer = await client.ready()
    expect(errors(answer)[0]?.code).toBe('22P02')
    expect(rows(await client.ready())).toEqual([['8']])
    expect(await items()).toEqual([])
  })

  it('passes over data without a COPY', async () => {
    client.send(data('1\tone\n'), encodeCopyDone(), query('select 8'))
    expect(rows(await client.ready())).toEqual([['8']])
  })

  it('gives text and binary', async () => {
    await (await bed.direct()).query(`insert into scratch.item values (1, 'one'), (2, null)`)
    client.send(query('copy (select id, label from scratch.item order by id) to stdout'))
    const text = await client.ready()
    expect(kinds(text)).toEqual([
      'CopyOutResponse',
      'CopyData',
      'CopyData',
      'CopyDone',
      'CommandComplete',
      'ReadyForQuery',
    ])
    expect(copied(text).toString()).toBe('1\tone\n2\t\\N\n')
    client.send(query('copy scratch.item to stdout (format binary)'))
    const binary = await client.ready()
    expect(of(binary, 'CopyOutResponse')[0]).toMatchObject({ format: 1 })
    expect(copied(binary)).toEqual(
      binaryRows([
        [int4(1), Buffer.from('one')],
        [int4(2), null],
      ]),
    )
    expect(tags(binary)).toEqual(['COPY 2'])
    await works()
  })

  it('gives many rows, in the extended protocol', async () => {
    const sql = 'copy (select g from generate_series(1, 20000) g) to stdout'
    client.send(encodeParse('', sql), encodeBind(), encodeExecute(''), encodeSync())
    const answer = await client.ready()
    expect(copied(answer).toString().split('\n')).toHaveLength(20_001)
    expect(tags(answer)).toEqual(['COPY 20000'])
  })

  it('behind other statements of one string', async () => {
    client.send(
      query(
        `insert into scratch.item values (1, 'one'); copy scratch.item from stdin; insert into scratch.item values (3, 'three')`,
      ),
    )
    await client.upTo('CopyInResponse')
    client.send(data('2\ttwo\n'), encodeCopyDone())
    const answer = await client.ready()
    expect(tags(answer)).toEqual(['COPY 1', 'INSERT 0 1'])
    expect(await items()).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ])
  })

  it('is recorded with its rows', async () => {
    const headers = await bed.recorded(async () => {
      client.send(query('copy scratch.item from stdin'))
      await client.upTo('CopyInResponse')
      client.send(data('1\tone\n2\ttwo\n'), encodeCopyDone())
      await client.ready()
    })
    const outcome = headers.find(({ kind }) => kind === 'outcome')
    expect(outcome?.what).toMatchObject({ result: 'ok', tag: 'COPY', rows: 2, transaction: 'committed' })
  })
})

describe('COPY of PHI to STDOUT', () => {
  const EXPORTS = [
    'copy hospital.patients to stdout',
    'copy scratch.secret (c_text) to stdout',
    'copy (select 1, (select max(ssn) from hospital.patients)) to stdout',
  ]

  let agent: WireClient
  beforeAll(async () => {
    agent = await bed.wire('agent')
  })

  it.each(EXPORTS)('is masked: %s', async (sql) => {
    const admin = await bed.direct()
    const { rows: found } = await admin.query<{ v: string }>(
      `select unnest(array[id::text, mrn, ssn, email, phone, street]) as v from hospital.patients`,
    )
    const secrets = [...found.flatMap(({ v }) => (v === null ? [] : [v])), 'Zebediah']
    agent.send(query(sql))
    const answer = await agent.ready()
    expect(errors(answer)).toEqual([])
    const text = copied(answer).toString()
    expect(text).not.toBe('')
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
  })

  it('in binary is refused, because it cannot be masked', async () => {
    agent.send(query('copy (select ssn from hospital.patients) to stdout (format binary)'))
    const answer = await agent.ready()
    expect(kinds(answer)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    expect(errors(answer)[0]).toMatchObject({ code: '42501', message: expect.stringContaining('CHP-MASK-UNPROVEN') })
  })

  it.each(EXPORTS)('is held for whoever sees it as it is: %s', async (sql) => {
    const officer = await bed.wire('officer')
    officer.send(query(sql))
    const answer = await officer.ready()
    expect(kinds(answer)).toEqual(['ErrorResponse', 'ReadyForQuery'])
    expect(errors(answer)[0]?.message).toContain('guardrails.bulk-export')
  })
})
