import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type GatewayProcess, startGatewayProcess } from '../fault/gateway-process.ts'
import { DEMO_TARGET } from '../support/testbed.ts'
import { type ApprovalBed, type ApprovalsApi, approvalsApi, outcomeOf, startApprovalBed } from './approval-bed.ts'

const fill = (id: number): string => `UPDATE held.bed SET kind = 'icu' WHERE id = ${id}`

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

describe('a gateway that is killed while clients wait', () => {
  let held: ApprovalBed
  let api: ApprovalsApi
  let gateway: GatewayProcess | undefined
  const clients: Client[] = []

  beforeAll(async () => {
    held = await startApprovalBed()
    // From here on it is a process of its own.
    await held.bed.gateway.stop()
    const port = await freePort()
    const { configFile } = held.bed.environment
    const document = parse(await readFile(configFile, 'utf8'))
    document.listen.web.port = port
    await writeFile(configFile, stringify(document))
    api = approvalsApi(
      () => port,
      () => held.bed.token('officer'),
    )
  }, 120_000)
  afterAll(async () => {
    await Promise.allSettled(clients.map((client) => client.end()))
    await gateway?.stop()
    await held?.stop()
  })

  const start = async (): Promise<GatewayProcess> => {
    gateway = await startGatewayProcess(held.bed.environment.configFile)
    return gateway
  }

  const connect = async (): Promise<Client> => {
    const client = new Client({
      host: '127.0.0.1',
      port: gateway?.port ?? 0,
      user: 'agent',
      database: DEMO_TARGET,
      password: await held.bed.token('agent'),
      ssl: { ca: held.bed.ca, host: 'localhost' },
    })
    client.on('error', () => undefined)
    clients.push(client)
    await client.connect()
    return client
  }

  it('leaves their requests pending, and what was approved before covers the same operation afterwards, once', async () => {
    const first = await start()
    const waiting = [await connect(), await connect()]
    const results = Promise.all(waiting.map((client, at) => outcomeOf(client.query(fill(1 + at)))))
    const ids = await api.asked(2)
    await first.kill9()
    await results
    expect([await held.kindOf(1), await held.kindOf(2)]).toEqual(['free', 'free'])

    await start()
    expect((await api.pending()).toSorted()).toEqual(ids.toSorted())
    expect(await Promise.all(ids.map((id) => api.stateOf(id)))).toEqual(['pending', 'pending'])
    for (const id of ids) await api.decide(id)
    const again = await connect()
    expect(await outcomeOf(again.query(fill(1)))).toBe('UPDATE')
    expect(await held.kindOf(2)).toBe('free')

    // Approved, and not used: it survives the next crash as that.
    await gateway?.kill9()
    await start()
    const last = await connect()
    expect(await outcomeOf(last.query(fill(2)))).toBe('UPDATE')
    expect(await Promise.all(ids.map((id) => api.stateOf(id)))).toEqual(['used', 'used'])
  }, 120_000)
})
