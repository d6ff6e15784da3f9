import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from './client-config.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import type { Migration } from './migrations/migration.ts'
import type { ServerAddress } from './server-address.ts'
import { StoreServer } from './store-server-test-support.ts'
import { StoreUnusable } from './store-unusable.ts'

const FIRST: Migration = { version: 1, name: 'first', statements: ['CREATE TABLE chaperone.one (a int)'] }
const SECOND: Migration = {
  version: 2,
  name: 'second',
  statements: ['ALTER TABLE chaperone.one ADD b int', 'SELECT pg_sleep(0.1)'],
}
const BROKEN: Migration = {
  version: 3,
  name: 'third',
  statements: ['CREATE TABLE chaperone.three (a int)', 'SELECT 1/0'],
}

async function on<T>(location: ServerAddress, work: (client: Client) => Promise<T>) {
  const client = new Client(clientConfig(location, 5000))
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

describe('migrate', () => {
  let server: StoreServer
  beforeAll(async () => {
    server = await StoreServer.start()
  })
  afterAll(() => server.stop())

  it('goes forward step by step, and does each step once', async () => {
    const location = await server.database()
    await on(location, (client) => migrate(client, [FIRST]))
    await on(location, (client) => migrate(client, [FIRST]))
    await on(location, (client) => migrate(client, [FIRST, SECOND]))
    expect(await server.query(location.database, 'SELECT version, name FROM chaperone.schema_version')).toEqual([
      [1, 'first'],
      [2, 'second'],
    ])
    expect(await server.query(location.database, 'SELECT a, b FROM chaperone.one')).toEqual([])
  })

  it('is done once when many gateways start at once', async () => {
    const location = await server.database()
    await Promise.all(Array.from({ length: 12 }, () => on(location, (client) => migrate(client, [FIRST, SECOND]))))
    expect(await server.query(location.database, 'SELECT count(*)::int FROM chaperone.schema_version')).toEqual([[2]])
  })

  it('leaves everything as it was when a step fails', async () => {
    const location = await server.database()
    await on(location, (client) => migrate(client, [FIRST]))
    await expect(on(location, (client) => migrate(client, [FIRST, SECOND, BROKEN]))).rejects.toMatchObject({
      code: '22012',
    })
    expect(await server.query(location.database, 'SELECT version FROM chaperone.schema_version')).toEqual([[1]])
    expect(await server.query(location.database, "SELECT to_regclass('chaperone.three')")).toEqual([[null]])
  })

  it('does not touch the schema of a newer gateway', async () => {
    const location = await server.database()
    await on(location, (client) => migrate(client, [FIRST, SECOND]))
    await expect(on(location, (client) => migrate(client, [FIRST]))).rejects.toThrow(
      new StoreUnusable(
        'the schema of the store has version 2, and this gateway knows 1: a newer gateway has used it; ' +
          'run that version, or restore a backup from before',
      ),
    )
  })

  it('does not go on from a step that was changed after it was done', async () => {
    const location = await server.database()
    await on(location, (client) => migrate(client, [FIRST]))
    const changed = { ...FIRST, statements: ['CREATE TABLE chaperone.one (a bigint)'] }
    await expect(on(location, (client) => migrate(client, [changed, SECOND]))).rejects.toThrow(StoreUnusable)
  })

  it('needs no right to make schemas when there is one already', async () => {
    const location = await server.database()
    await server.query(
      location.database,
      `CREATE ROLE tenant_${location.database} LOGIN PASSWORD 'x'; CREATE SCHEMA chaperone AUTHORIZATION tenant_${location.database}`,
    )
    const tenant = { ...location, user: `tenant_${location.database}`, password: () => Promise.resolve('x') }
    await on(tenant, (client) => migrate(client, MIGRATIONS))
    expect(await server.query(location.database, 'SELECT max(version) FROM chaperone.schema_version')).toEqual([
      [MIGRATIONS.length],
    ])
  })
})
