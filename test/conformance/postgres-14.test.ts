import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadHospital } from '../../demo/hospital/load.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import {
  encodeBind,
  encodeCancelRequest,
  encodeCopyData,
  encodeCopyDone,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { SCRATCH_SQL } from '../support/scratch-schema.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, first, kinds, of, openSocket, rows, status, tags } from '../support/wire-client.ts'

const PLATFORM = `${process.platform}-${process.arch}`
const BINARIES = fileURLToPath(new URL(`../../toolchain/node_modules/postgres14-${PLATFORM}/native`, import.meta.url))
const TARGET = 'hospital14'
const PASSWORD = 'synthetic'

describe.skipIf(!existsSync(BINARIES))('PostgreSQL 14 (skipped where the toolchain has no binaries of it)', () => {
  let bed: Testbed
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ superuserPassword: PASSWORD, binaries: BINARIES })
    bed = await startTestbed({
      patients: 20,
      configure: async (document, environment) => {
        await loadServer()
        const original = document['targets'][DEMO_TARGET]
        document['targets'][TARGET] = {
          ...original,
          port: server.port,
          tls: { mode: 'plaintextWithoutTls' },
          credential: original.credential,
        }
        document['phi'].labels[TARGET] = { ...document['phi'].labels[DEMO_TARGET] }
        for (const grant of document['grants']) grant.targets.push(TARGET)
        await setPassword(environment.appPassword)
      },
    })
  })
  afterAll(async () => {
    await bed?.stop()
    await server?.stop()
  })

  const admin = (database: string): Client =>
    new Client({ host: server.host, port: server.port, user: server.superuser, password: PASSWORD, database })

  async function on(database: string, sql: string): Promise<void> {
    const client = admin(database)
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }

  async function loadServer(): Promise<void> {
    await on('postgres', `create database ${DEMO_TARGET}`)
    const connection = {
      host: server.host,
      port: server.port,
      user: server.superuser,
      password: PASSWORD,
      database: DEMO_TARGET,
    }
    await loadHospital({ connection, appPassword: PASSWORD, seed: 7, patients: 20 })
    await on(DEMO_TARGET, SCRATCH_SQL)
  }

  const setPassword = (password: string): Promise<void> =>
    on('postgres', `alter role chaperone_app password '${password.replaceAll(`'`, `''`)}'`)

  it('is what answers', async () => {
    const client = await bed.wire('officer', { database: TARGET })
    client.send(encodeQuery('show server_version_num'))
    expect(rows(await client.ready())[0]?.[0]).toMatch(/^14\d{4}$/)
  })

  it.each([0, 2])(
    'gives clients the protocol that they asked for (3.%i), whatever the server speaks',
    async (minor) => {
      const client = await bed.wire('agent', { database: TARGET, minor })
      expect(of(client.greeting, 'NegotiateProtocolVersion')).toEqual([])
      expect(of(client.greeting, 'BackendKeyData')[0]?.secretKey).toHaveLength(minor === 0 ? 4 : 32)
    },
  )

  it('masks in text and binary', async () => {
    const client = await bed.wire('agent', { database: TARGET })
    const sql = 'select last_name, birth_date, sex from hospital.patients'
    client.send(encodeQuery(sql))
    const text = rows(await client.ready())
    expect(text).toHaveLength(20)
    for (const [name, born, sex] of text) {
      expect(name).toBe('[redacted]')
      expect(born ?? '2000-01-01').toMatch(/^\d{4}-01-01$/)
      expect(sex).toMatch(/^[FMX]$/)
    }
    client.send(
      encodeParse('', sql),
      encodeBind({ resultFormats: [1] }),
      encodeDescribe('P', ''),
      encodeExecute(''),
      encodeSync(),
    )
    const names = of(await client.ready(), 'DataRow').map(({ values }) => values[0]?.toString())
    expect(new Set(names)).toEqual(new Set(['[redacted]']))
  })

  it('refuses with the effects of an error', async () => {
    const client = await bed.wire('agent', { database: TARGET })
    client.send(
      [encodeParse('', `insert into scratch.item values (1, 'one')`), encodeBind(), encodeExecute('')],
      [encodeParse('', 'delete from scratch.item'), encodeBind(), encodeExecute('')],
      encodeSync(),
    )
    const answer = await client.ready()
    expect(errors(answer)[0]?.code).toBe('42501')
    client.send(encodeQuery('select count(*) from scratch.item'))
    expect(rows(await client.ready())).toEqual([['0']])
    client.send(encodeQuery('begin'), encodeQuery('delete from scratch.item'), encodeQuery('commit'))
    await client.ready()
    expect(status(await client.ready())).toBe('E')
    expect(tags(await client.ready())).toEqual(['ROLLBACK'])
  })

  it('copies', async () => {
    const client = await bed.wire('agent', { database: TARGET })
    client.send(encodeQuery('copy scratch.item from stdin'))
    await client.upTo('CopyInResponse')
    client.send(encodeCopyData(Buffer.from('5\tfive\n')), encodeCopyDone())
    expect(tags(await client.ready())).toEqual(['COPY 1'])
    client.send(encodeQuery('copy scratch.item to stdout'))
    expect(kinds(await client.ready())).toEqual([
      'CopyOutResponse',
      'CopyData',
      'CopyDone',
      'CommandComplete',
      'ReadyForQuery',
    ])
  })

  it('reads a portal in pieces', async () => {
    const client = await bed.wire('agent', { database: TARGET })
    client.send(
      [encodeParse('', 'select g from generate_series(1, 3) g'), encodeBind()],
      [encodeExecute('', 2), encodeExecute('', 0), encodeSync()],
    )
    expect(kinds(await client.ready()).slice(2)).toEqual([
      'DataRow',
      'DataRow',
      'PortalSuspended',
      'DataRow',
      'CommandComplete',
      'ReadyForQuery',
    ])
  })

  it('works with node-postgres', async () => {
    const client = await bed.connect('agent', { database: TARGET })
    expect((await client.query('select $1::int + 1 as n', [41])).rows).toEqual([{ n: 42 }])
    const { rows: found } = await client.query('select sex, count(*)::int as n from hospital.patients group by 1')
    expect(found.reduce((sum: number, { n }: { n: number }) => sum + n, 0)).toBe(20)
    await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
    await expect(
      client.query(`merge into scratch.item i using scratch.child c on c.id = i.id when matched then do nothing`),
    ).rejects.toMatchObject({
      code: '42601',
    })
  })

  it('cancels', async () => {
    const client = await bed.wire('officer', { database: TARGET })
    client.send(encodeQuery('select pg_sleep(20)'))
    const watcher = admin(DEMO_TARGET)
    await watcher.connect()
    for (let tries = 0; tries < 500; tries++) {
      const { rowCount } = await watcher.query(`select from pg_stat_activity where wait_event = 'PgSleep'`)
      if (rowCount !== 0) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await watcher.end()
    const socket = await openSocket(bed.gateway.port)
    socket.end(encodeCancelRequest(first(client.greeting, 'BackendKeyData')))
    expect(errors(await client.ready())[0]?.code).toBe('57014')
  })
})
