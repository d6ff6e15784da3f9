import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kill } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { freePort } from '../../src/store/embedded/free-port.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, rows } from '../support/wire-client.ts'
import { CALLERS, DESK_SQL, idsBy, labelDesk, one, refusalOf, shownName } from './desk.ts'

const PASSWORD = 'store-password'
const UNAVAILABLE = '58000 CHP-VAULT-UNAVAILABLE'

let bed: Testbed
let store: PostgresServer
let port = 0
let directory = ''

const startStore = async (): Promise<void> => {
  store = await startPostgres({ directory, port, superuserPassword: PASSWORD })
}

beforeAll(async () => {
  port = await freePort()
  bed = await startTestbed({
    patients: 20,
    prepare: (admin) => admin.query(DESK_SQL),
    configure: async (document, environment) => {
      labelDesk(document)
      directory = join(environment.directory, 'store')
      await mkdir(directory)
      await startStore()
      const client = new Client({ host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database: 'postgres' })
      await client.connect()
      await client.query('CREATE DATABASE state')
      await client.end()
      await writeFile(join(environment.directory, 'store-password'), PASSWORD)
      document['store'] = {
        url: `postgresql://postgres@127.0.0.1:${port}/state`,
        credential: { file: 'store-password' },
        tls: { mode: 'plaintextWithoutTls' },
      }
    },
  })
})
afterAll(async () => {
  await bed?.stop()
  await store?.stop()
})

/** The gateway finds the store by itself; sessions may fail until then. */
const recovered = (): Promise<string> =>
  vi.waitFor(async () => shownName(await bed.connect('agent'), 1), { timeout: 8000, interval: 100 })

describe('a store that stops while sessions run', () => {
  it('takes what needs a token with it, and nothing else, and all of it comes back', async () => {
    const reader = await bed.connect('agent')
    const token = await shownName(reader, 3)
    const writer = await bed.connect('agent')
    expect(await idsBy(writer, token)).toEqual([3])
    const admin = await bed.direct()
    const before = JSON.stringify(await one(admin, 'SELECT json_agg(c ORDER BY id) FROM desk.caller c'))
    await store.stop()
    await delay(300)

    // Nobody would hear of a deletion, so that nothing is taken from memory either.
    expect(await refusalOf(idsBy(writer, token))).toBe(UNAVAILABLE)
    expect(await refusalOf(writer.query(`SELECT id FROM desk.caller WHERE full_name = '${token}'`))).toBe(UNAVAILABLE)
    expect(await refusalOf(writer.query(`UPDATE desk.caller SET full_name = '${token}' WHERE id = 4`))).toBe(
      UNAVAILABLE,
    )
    // The statement was not run, so the session goes on.
    expect(await one(writer, 'SELECT count(*)::int FROM desk.caller')).toBe(CALLERS)
    expect(await one(writer, `UPDATE desk.caller SET kind = 'seen' WHERE id = 5 RETURNING id`)).toBe(5)
    await writer.query('BEGIN')
    expect(await refusalOf(idsBy(writer, token))).toBe(UNAVAILABLE)
    expect(await refusalOf(writer.query('SELECT 1'))).toMatch(/^25P02/u)
    await writer.query('ROLLBACK')
    await admin.query(`UPDATE desk.caller SET kind = 'first'`)
    expect(JSON.stringify(await one(admin, 'SELECT json_agg(c ORDER BY id) FROM desk.caller c'))).toBe(before)
    // What needs no vault: a text that is no token.
    expect(await refusalOf(idsBy(writer, 'somebody'))).toBe('42501 CHP-MASK-PREDICATE')

    // The rows were on their way: the session ends, and nothing of them is released.
    const wire = await bed.wire('agent')
    wire.send(encodeQuery('SELECT id FROM desk.caller WHERE id = 1; SELECT full_name FROM desk.caller'))
    const told = await wire.toEnd()
    expect(rows(told)).toEqual([['1']])
    expect(errors(told)).toMatchObject([{ code: '58000', message: expect.stringContaining('CHP-VAULT-UNAVAILABLE') }])
    expect(JSON.stringify(told)).not.toContain('Quuxalot')

    await startStore()
    expect(await recovered()).toMatch(/^tok_/u)
    expect(await shownName(reader, 3)).toBe(token)
    expect(await idsBy(writer, token)).toEqual([3])
    const reasons = bed.log.filter((line) => line.includes('CHP-VAULT-UNAVAILABLE'))
    expect(reasons.some((line) => line.includes('"detail":"ECONNREFUSED"'))).toBe(true)
    expect(bed.log.join('\n')).not.toMatch(/Quuxalot|tok_/u)
  })

  it('that is killed in the middle of a result ends it with an error, and with no value', async () => {
    const admin = await bed.direct()
    await admin.query(
      `INSERT INTO desk.caller SELECT n, 'many', 'Quuxalot Many ' || n FROM generate_series(10001, 60000) n`,
    )
    const wire = await bed.wire('agent')
    wire.send(encodeQuery(`SELECT id, full_name FROM desk.caller WHERE kind = 'many'`))
    const given = new Map<string, string>()
    const told = []
    for (;;) {
      const message = await wire.next()
      if (message === undefined) break
      if (message.kind !== 'DataRow') told.push(message)
      for (const [id, name] of rows([message])) given.set(id ?? '', name ?? '')
      if (given.size === 200) await store.kill9()
    }
    expect(errors(told)).toMatchObject([{ code: '58000', message: expect.stringContaining('CHP-VAULT-UNAVAILABLE') }])
    expect([...given.values()].filter((name) => !name.startsWith('tok_'))).toEqual([])
    expect(given.size).toBeLessThan(50_000)

    await startStore()
    await recovered()
    const agent = await bed.connect('agent')
    const { rows: again } = await agent.query<{ id: number; full_name: string }>(
      `SELECT id, full_name FROM desk.caller WHERE kind = 'many'`,
    )
    expect(again).toHaveLength(50_000)
    expect(again.filter(({ id, full_name }) => (given.get(String(id)) ?? full_name) !== full_name)).toEqual([])
    await admin.query(`DELETE FROM desk.caller WHERE kind = 'many'`)
  }, 60_000)

  it('that hangs is noticed, and nothing is taken from memory then', async () => {
    const agent = await bed.connect('agent')
    const token = await shownName(agent, 6)
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database: 'state' })
    await client.connect()
    const { rows: backends } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    )
    await client.end()
    const pids = [store.pid, ...backends.map(({ pid }) => pid)]
    for (const pid of pids) kill(pid, 'SIGSTOP')
    const started = performance.now()
    try {
      let refusal: string | undefined
      while (refusal === undefined && performance.now() - started < 12_000) {
        refusal = await refusalOf(idsBy(agent, token))
        await delay(50)
      }
      expect(refusal).toBe(UNAVAILABLE)
      // Seven seconds (docs/tokens.md), and what a busy machine takes.
      expect(performance.now() - started).toBeLessThan(9000)
    } finally {
      for (const pid of pids) kill(pid, 'SIGCONT')
    }
    await recovered()
    expect(await shownName(agent, 6)).toBe(token)
    expect(await idsBy(agent, token)).toEqual([6])
  }, 40_000)
})
