import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RequestLedger } from '../../src/approve/request-ledger.ts'
import { newRequest } from '../../src/approve/request-test-support.ts'
import { approvalRepository } from '../../src/store/approval-repository.ts'
import { openStore, type Store } from '../../src/store/open-store.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { type ApprovalBed, outcomeOf, startApprovalBed } from './approval-bed.ts'

const PENDING = 10_000
const HELD = 50

let server: StoreServer
let location: Awaited<ReturnType<StoreServer['database']>>
let store: Store
let held: ApprovalBed

beforeAll(async () => {
  server = await StoreServer.start()
  location = await server.database()
  held = await startApprovalBed({
    wait: '5m',
    configure: async (document, { directory }) => {
      const file = join(directory, 'store-password')
      await writeFile(file, (await location.password()) ?? '', { mode: 0o600 })
      const { host, port, user, database } = location
      document['store'] = {
        url: `postgresql://${user}@${host}:${port}/${database}`,
        credential: { file },
        tls: { mode: 'plaintextWithoutTls' },
      }
    },
  })
  store = openStore({ location, timeoutMs: 60_000 })
}, 120_000)
afterAll(async () => {
  await store?.close()
  await held?.stop()
  await server?.stop()
})

const clock = (): number => Date.now()

/** As if other chains had asked, and nobody had decided. */
async function fill(): Promise<void> {
  const repository = approvalRepository(store, clock)
  const { approvals } = held.bed.config
  if (approvals?.key.kind !== 'file') throw new Error('the key is in a file')
  const ledger = new RequestLedger({
    config: { ...approvals, webhooks: [] },
    publicUrl: 'http://127.0.0.1:6480',
    repository,
    key: Buffer.from(readFileSync(approvals.key.file, 'utf8'), 'base64'),
    recorder: { record: () => Promise.resolve() },
    isRevoked: () => false,
    onInvalid: () => undefined,
    onBackgroundError: () => undefined,
    onMessages: () => undefined,
    clock,
  })
  await repository.withOpen('0'.repeat(64), 'others', async (rows) => {
    for (let n = 0; n < PENDING; n++) {
      const digest = n.toString(16).padStart(64, '0')
      const needs = [{ pools: ['chiefs'], quorum: 1, rule: 'beds' }]
      await ledger.add(rows, newRequest({ digest, chainKey: `chain ${n % 700}`, needs }))
    }
  })
}

/** Requests of clients that wait. */
async function waiting(): Promise<readonly unknown[]> {
  const sql = "SELECT id FROM chaperone.approval_request WHERE chain NOT LIKE 'chain %'"
  return (await server.query(location.database, sql)).flat()
}

/** Milliseconds in the middle. */
async function median(client: Client): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < 200; n++) {
    const start = performance.now()
    await client.query('SELECT kind FROM held.bed WHERE id = 1')
    times.push(performance.now() - start)
  }
  return times.toSorted((left, right) => left - right)[100] ?? 0
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

it('10,000 requests that wait, and 50 clients, slow neither others nor the list', async () => {
  const other = await held.bed.connect('agent')
  await median(other)
  const before = await median(other)
  await fill()
  const clients = await Promise.all(Array.from({ length: HELD }, () => held.bed.connect('agent')))
  const results = clients.map((client, at) =>
    outcomeOf(client.query(`UPDATE held.bed SET kind = 'icu' WHERE id = ${at + 1}`)),
  )
  await expect.poll(waiting, { timeout: 20_000 }).toHaveLength(HELD)
  const [id] = await waiting()
  const lists = [await milliseconds(() => held.pending()), await milliseconds(() => held.pending())]
  const after = await median(other)
  expect(after).toBeLessThan(before * 3 + 5)
  expect(Math.min(...lists)).toBeLessThan(1000)
  // One that is decided among so many is run at once.
  expect(await milliseconds(() => held.decide(String(id)))).toBeLessThan(3000)
  expect(await Promise.race(results)).toBe('UPDATE')
  await Promise.all(clients.map((client) => client.end()))
}, 120_000)
