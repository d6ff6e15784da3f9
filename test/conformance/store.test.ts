import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Client } from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { startGateway } from '../../src/main.ts'
import { freePort } from '../../src/store/embedded/free-port.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'

const PASSWORD = 'store-password'

let bed: Testbed
let store: PostgresServer | undefined
let port = 0

/** The server that the configuration names; it is not there when the gateway starts. */
async function startStore(directory: string): Promise<PostgresServer> {
  // Not a temporary cluster: the gateway refuses a server with fsync off.
  const server = await startPostgres({ directory, port, superuserPassword: PASSWORD })
  const client = new Client({ host: server.host, port, user: 'postgres', password: PASSWORD, database: 'postgres' })
  await client.connect()
  await client.query('CREATE DATABASE state')
  await client.end()
  return server
}

beforeAll(async () => {
  port = await freePort()
  bed = await startTestbed({
    configure: async (document, { directory }) => {
      const password = join(directory, 'store-password')
      await writeFile(password, PASSWORD)
      document['phi'].classes = { mrn: { transform: 'token' } }
      document['store'] = {
        url: `postgresql://postgres@127.0.0.1:${port}/state`,
        credential: { file: password },
        tls: { mode: 'plaintextWithoutTls' },
      }
    },
  })
})
afterAll(async () => {
  await bed?.stop()
  await store?.stop()
})

const healthOf = (socketPath: string): Promise<{ readonly store?: { readonly state: string } }> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: '/v1/health', agent: false }, (response) => {
      let body = ''
      response.on('data', (part: Buffer) => (body += part.toString()))
      response.on('end', () => resolve(JSON.parse(body)))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })

const socket = (): string => (bed.config.admin.kind === 'socket' ? bed.config.admin.path : expect.fail('no socket'))

const read = 'SELECT mrn FROM hospital.patients LIMIT 1'

describe('a store that is not there', () => {
  it('fails what needs a token and nothing else, and is used as soon as it is there', async () => {
    const client = await bed.connect('agent')
    await expect(client.query(read)).rejects.toMatchObject({
      message: expect.stringContaining('CHP-VAULT-UNAVAILABLE'),
    })
    expect((await healthOf(socket())).store).toMatchObject({ state: 'down' })
    const other = await bed.connect('agent')
    expect((await other.query('SELECT sex, birth_date FROM hospital.patients LIMIT 2')).rowCount).toBe(2)
    // Without the vault it cannot be known what the token stands for, so nothing is sent on.
    await expect(
      other.query(`SELECT count(*) FROM hospital.patients WHERE mrn = 'tok_7kcbpr576ep6454057'`),
    ).rejects.toMatchObject({ message: expect.stringContaining('CHP-VAULT-UNAVAILABLE') })

    store = await startStore(join(bed.environment.directory, 'late-store'))
    const { rows } = await (await bed.connect('agent')).query<{ mrn: string }>(read)
    expect(rows[0]?.mrn).toMatch(/^tok_/u)
    expect((await healthOf(socket())).store).toEqual({ state: 'up' })
    expect(bed.log.join('\n')).not.toContain(PASSWORD)
  })

  it('does not let the gateway start when waiting would not help', async () => {
    const config = loadConfig(bed.environment.configFile, {}, policyChecks)
    if (config.store.kind !== 'server') expect.fail('a server')
    const wrong = { ...config.store.credential, password: { kind: 'file', file: bed.environment.configFile } } as const
    const state = join(bed.environment.directory, 'other-state')
    const started = startGateway(
      {
        ...config,
        state,
        admin: { kind: 'socket', path: join(state, 'admin.sock') },
        journal: { ...config.journal, directory: join(state, 'journal'), bodyKeyFile: join(state, 'body.key') },
        store: { ...config.store, credential: wrong },
      },
      { environment: {}, log: pino({ level: 'silent' }) },
    )
    await expect(started).rejects.toMatchObject({
      code: 'CHP-CONFIG-INVALID',
      message: expect.stringContaining('the store cannot be used'),
    })
  })
})
