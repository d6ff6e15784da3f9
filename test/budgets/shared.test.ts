import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { type ConfigDocument, startTestbed, type Testbed } from '../support/testbed.ts'
import { clientOf, configBeside, gatewayOf, refusalOf, type RunningGateway } from '../tokens/desk.ts'
import { CLINIC_SQL, clinicTargets } from './clinic.ts'

let server: StoreServer
let bed: Testbed
let second: RunningGateway
const open: Client[] = []

beforeAll(async () => {
  server = await StoreServer.start()
  const location = await server.database()
  bed = await startTestbed({
    patients: 5,
    prepare: (admin) => admin.query(CLINIC_SQL),
    configure: async (document: ConfigDocument, { directory }) => {
      clinicTargets(document, {
        rows: { hour: { rows: 20 } },
        patients: { hour: { patients: 8 } },
        run: { run: { statements: 4 } },
        mixed: { hour: { rows: 1000 }, session: { rows: 30 } },
        free: {},
      })
      await writeFile(join(directory, 'store-password'), (await location.password()) ?? '')
      document['store'] = {
        url: `postgresql://${location.user}@${location.host}:${location.port}/${location.database}`,
        credential: { file: 'store-password' },
        tls: { mode: 'plaintextWithoutTls' },
      }
    },
  })
  second = await gatewayOf(await configBeside(bed, 'second'))
})
afterAll(async () => {
  await Promise.allSettled(open.map((client) => client.end()))
  await second?.stop()
  await bed?.stop()
  await server?.stop()
})

/** Sessions of the agent at both gateways. */
async function both(target: string): Promise<readonly [Client, Client]> {
  const token = await bed.token('agent')
  const at = async (port: number) => {
    const client = await clientOf({ port, ca: bed.ca, token, target })
    open.push(client)
    return client
  }
  return [await at(bed.gateway.port), await at(second.port)]
}

const EXCEEDED = '53400 CHP-BUDGET-EXCEEDED'
const settle = () => new Promise((resolve) => setTimeout(resolve, 1500))

const first = (client: Client, rows: number) => client.query(`select id from clinic.patient order by id limit ${rows}`)
const named = (client: Client, from: number, to: number) =>
  client.query('select id, name from clinic.patient where id between $1 and $2 order by id', [from, to])
const visits = (client: Client) => client.query('select id from clinic.visit limit 25')

describe('budgets of two gateways', () => {
  it('count rows of an hour together', async () => {
    const [here, there] = await both('rows')
    expect((await first(here, 12)).rowCount).toBe(12)
    await settle()
    expect((await first(there, 7)).rowCount).toBe(7)
    await settle()
    expect(await refusalOf(first(here, 2))).toBe(EXCEEDED)
    await settle()
    expect(await refusalOf(first(there, 1))).toBe(EXCEEDED)
  })

  it('count different patients together', async () => {
    const [here, there] = await both('patients')
    expect((await named(here, 1, 5)).rowCount).toBe(5)
    // What can be of any number of patients takes nothing of what there is for others.
    expect(await refusalOf(there.query('select array_agg(name) from clinic.patient'))).toBe(EXCEEDED)
    expect((await named(there, 3, 8)).rowCount).toBe(6)
    expect(await refusalOf(named(here, 8, 9))).toBe(EXCEEDED)
    expect((await named(there, 1, 8)).rowCount).toBe(8)
  })

  it('count statements of a run together', async () => {
    const [here, there] = await both('run')
    for (const client of [here, there, here, there]) await client.query('select 1')
    expect(await refusalOf(here.query('select 1'))).toBe(EXCEEDED)
    expect(await refusalOf(there.query('select 1'))).toBe(EXCEEDED)
  })

  it('hold beside those of a session', async () => {
    const [here, there] = await both('mixed')
    expect((await visits(here)).rowCount).toBe(25)
    expect(await refusalOf(visits(here))).toBe(EXCEEDED)
    expect((await visits(there)).rowCount).toBe(25)
  })

  it('stop nobody who has none when the store is down', async () => {
    const [free] = await both('free')
    const [, limited] = await both('rows')
    await server.stop()
    expect((await free.query('select id, name from clinic.patient')).rowCount).toBe(60)
    expect(await refusalOf(limited.query('select id from clinic.patient'))).toBe('58000 CHP-BUDGET-UNAVAILABLE')
    expect(await refusalOf(limited.query('begin'))).toBeUndefined()
  })
})
