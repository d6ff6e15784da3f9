import { connect as connectTcp } from 'node:net'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeBind, encodeExecute, encodeFlush, encodeParse, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { type ApprovalBed, outcomeOf, startApprovalBed } from './approval-bed.ts'

let held: ApprovalBed
beforeAll(async () => {
  held = await startApprovalBed()
}, 120_000)
afterAll(() => held?.stop())

const fill = (id: number): string => `UPDATE held.bed SET kind = 'icu' WHERE id = ${id}`

const connect = () => held.bed.connect('agent')

/** Asks the gateway to cancel what a client runs, as libpq does: over a connection of its own. */
async function cancel(client: Client): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the driver keeps of BackendKeyData
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const socket = connectTcp(held.bed.gateway.port, '127.0.0.1')
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80_877_102, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  socket.end(request)
  await new Promise((resolve) => socket.once('close', resolve).resume())
}

describe('a client that waits', () => {
  it('cancels: its request is withdrawn, its session goes on', async () => {
    const client = await connect()
    const result = outcomeOf(client.query(fill(1)))
    const [id = ''] = await held.asked()
    await cancel(client)
    expect(await result).toContain('[CHP-APPROVAL-WITHDRAWN]')
    expect(await held.stateOf(id)).toBe('withdrawn')
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    expect(await held.kindOf(1)).toBe('free')
  })

  it('goes: its request is withdrawn, and nothing runs when somebody approves it later', async () => {
    const client = await connect()
    const result = outcomeOf(client.query(fill(2)))
    const [id = ''] = await held.asked()
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the socket of the driver
    ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    await result
    await expect.poll(() => held.stateOf(id), { timeout: 5000, interval: 300 }).toBe('withdrawn')
    await expect(held.decide(id)).rejects.toThrow('CHP-APPROVAL-INVALID')
    expect(await held.kindOf(2)).toBe('free')
  })

  it('is one of two with the same operation: an approval that holds once is used by one of them', async () => {
    const clients = [await connect(), await connect()]
    const results = Promise.all(clients.map((client) => outcomeOf(client.query(fill(3)))))
    const [id = ''] = await held.asked()
    await expect.poll(async () => held.bed.log.length > 0 && (await held.pending()).length, { interval: 300 }).toBe(1)
    await held.decide(id)
    const told = (await results).toSorted((left, right) => left.length - right.length)
    expect(told[0]).toBe('UPDATE')
    expect(told[1]).toContain('[CHP-APPROVAL-PENDING]')
    for (const left of await held.pending()) await held.decide(left, 'refuse')
  })

  it('has what comes behind it in a pipeline run in order', async () => {
    const client = await connect()
    const order: string[] = []
    const note = (name: string) => () => void order.push(name)
    const all = [
      client.query('SELECT 1').then(note('first')),
      client.query(fill(4)).then(note('held')),
      client.query('SELECT kind FROM held.bed WHERE id = 4').then(({ rows }) => order.push(`last ${rows[0]?.kind}`)),
    ]
    const [id = ''] = await held.asked()
    expect(order).toEqual(['first'])
    await held.decide(id)
    await Promise.all(all)
    expect(order).toEqual(['first', 'held', 'last icu'])
  })

  it('reads on from a cursor whose DECLARE was approved, by FETCH', async () => {
    const client = await connect()
    await client.query('BEGIN')
    const declared = outcomeOf(client.query('DECLARE slow CURSOR FOR SELECT id, pg_sleep(0) FROM held.bed ORDER BY id'))
    const [id = ''] = await held.asked()
    await held.decide(id)
    expect(await declared).toBe('DECLARE')
    expect((await client.query('FETCH 2 FROM slow')).rows).toHaveLength(2)
    expect((await client.query('FETCH 2 FROM slow')).rows).toHaveLength(2)
    await client.query('ROLLBACK')
    expect(await held.pending()).toEqual([])
  })

  it('is bound to its settings: what was approved when it was bound does not run after SET', async () => {
    const wire = await held.bed.wire('agent')
    const statement = "UPDATE held.bed SET kind = 'icu' WHERE id = 5"
    wire.send(encodeParse('', statement), encodeBind({ portal: 'p', statement: '' }), encodeFlush())
    const [id = ''] = await held.asked()
    await held.decide(id)
    await wire.upTo('BindComplete')
    wire.send(
      encodeParse('', "SET app.tenant = 'b'"),
      encodeBind(),
      encodeExecute(''),
      encodeExecute('p'),
      encodeSync(),
    )
    const messages = await wire.upTo('ReadyForQuery')
    const error = messages.find((message) => message.kind === 'ErrorResponse')
    expect(error?.kind === 'ErrorResponse' && error.fields.get('M')).toContain('[CHP-APPROVAL-PENDING]')
    expect(await held.kindOf(5)).toBe('free')
  })

  it('is told when the target gives up its transaction meanwhile', async () => {
    const client = await connect()
    await client.query("SET idle_in_transaction_session_timeout = '1s'")
    await client.query('BEGIN')
    const told = await outcomeOf(client.query(fill(7)))
    expect(told).toMatch(/idle_in_transaction_session_timeout/)
    const [id = ''] = await held.pending()
    await held.decide(id, 'refuse')
  })
})

describe('many that wait', () => {
  it('do not slow others, and each gets its own answer', async () => {
    const waiting = 50
    const clients = await Promise.all(Array.from({ length: waiting }, connect))
    const results = clients.map((client, at) => outcomeOf(client.query(fill(50 + at))))
    const ids = await held.asked(waiting)
    const other = await connect()
    const start = performance.now()
    for (let count = 0; count < 100; count++) await other.query('SELECT count(*) FROM held.bed')
    const each = (performance.now() - start) / 100
    expect(each).toBeLessThan(50)
    expect(await held.kindOf(50)).toBe('free')
    // Half of them are refused.
    for (const [at, id] of ids.entries()) await held.decide(id, at % 2 === 0 ? 'approve-once' : 'refuse')
    const told = await Promise.all(results)
    expect(told.filter((one) => one === 'UPDATE')).toHaveLength(waiting / 2)
    expect(told.filter((one) => one.includes('[CHP-APPROVAL-REFUSED]'))).toHaveLength(waiting / 2)
  }, 60_000)
})

describe('what is on record', () => {
  it('links the intent with the request, and has no value', async () => {
    const client = await connect()
    const headers = await held.bed.recorded(
      async () => {
        const result = outcomeOf(client.query("UPDATE held.bed SET kind = 'Quuxalot' WHERE id = 6"))
        const [id = ''] = await held.asked()
        await held.decide(id)
        expect(await result).toBe('UPDATE')
      },
      (found) => found.some(({ kind }) => kind === 'outcome'),
    )
    const kinds = headers.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'approval').length).toBeGreaterThanOrEqual(3)
    const intent = headers.find(({ kind }) => kind === 'intent')
    expect(intent?.what).toMatchObject({ approval: expect.stringMatching(/^apr-/), rules: ['beds'] })
    const facts = headers.find(({ kind }) => kind === 'facts')
    expect(intent?.what).toMatchObject({ facts: expect.any(String) })
    expect(facts?.what).toEqual({ facts: expect.any(String) })
    expect(kinds.indexOf('facts')).toBeLessThan(kinds.indexOf('intent'))
    expect(JSON.stringify(headers)).not.toContain('Quuxalot')
    expect(held.bed.log.join('\n')).not.toContain('Quuxalot')
  })
})
