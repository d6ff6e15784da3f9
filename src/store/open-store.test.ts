import { sql } from 'kysely'
import { setTimeout as delay } from 'node:timers/promises'
import { kill } from 'node:process'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { StoreState } from './connections.ts'
import { openStore, type Store, type StoreOptions } from './open-store.ts'
import { StoreServer } from './store-server-test-support.ts'
import { StoreUnusable } from './store-unusable.ts'

async function on<T>(options: StoreOptions, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openStore(options)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const setting = async ({ db }: Store, name: string) => {
  const { rows } = await sql<{ value: string }>`SELECT current_setting(${name}) AS value`.execute(db)
  return rows[0]?.value
}

const wrongPassword = () => Promise.resolve('hunter2')

describe('openStore', () => {
  afterEach(() => vi.unstubAllEnvs())

  let server: StoreServer
  beforeAll(async () => {
    server = await StoreServer.start()
  })
  afterAll(() => server.stop())

  it('connects when it is asked, and tells how it goes', async () => {
    const states: StoreState[] = []
    const location = await server.database()
    await on({ location, onState: (state) => states.push(state) }, async (store) => {
      expect(store.state).toEqual({ state: 'starting' })
      await store.ready()
      await store.ready()
      expect(store.state).toEqual({ state: 'up' })
      expect(await store.db.selectFrom('token_scope').select('id').execute()).toEqual([])
    })
    expect(states).toEqual([{ state: 'up' }])
  })

  it('takes nothing from the environment or from what a role or database has by default', async () => {
    const location = await server.database()
    await server.query(
      'postgres',
      `ALTER DATABASE ${location.database} SET search_path = nowhere;
       ALTER DATABASE ${location.database} SET default_transaction_isolation = serializable;
       ALTER DATABASE ${location.database} SET synchronous_commit = off`,
    )
    for (const name of ['PGPASSWORD', 'PGOPTIONS', 'PGHOST', 'PGSSLMODE', 'PGSSLNEGOTIATION', 'PGAPPNAME']) {
      vi.stubEnv(name, name === 'PGSSLMODE' ? 'require' : 'wrong')
    }
    await on({ location, timeoutMs: 4000 }, async (store) => {
      expect(await setting(store, 'search_path')).toBe('pg_catalog')
      expect(await setting(store, 'default_transaction_isolation')).toBe('read committed')
      expect(await setting(store, 'synchronous_commit')).toBe('on')
      expect(await setting(store, 'statement_timeout')).toBe('4s')
      expect(await setting(store, 'lock_timeout')).toBe('4s')
    })
  })

  it('leaves a server alone that promises more than the disk of one machine', async () => {
    const location = await server.database()
    await server.query('postgres', `ALTER DATABASE ${location.database} SET synchronous_commit = remote_apply`)
    await on({ location }, async (store) => expect(await setting(store, 'synchronous_commit')).toBe('remote_apply'))
  })

  it('says what an operator has to do, and does not leak what it was told', async () => {
    const location = await server.database()
    for (const wrong of [
      { ...location, password: wrongPassword },
      { ...location, database: 'nowhere' },
      { ...location, user: 'nobody' },
    ]) {
      const failure = await on({ location: wrong }, (store) => store.ready()).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(StoreUnusable)
      expect(String(failure)).toMatch(/refuses it: SQLSTATE (28P01|3D000)$/)
    }
  })

  it('is no store that could forget after a crash', async () => {
    const volatile = await StoreServer.start({ fsync: 'off' })
    const location = await volatile.database()
    await expect(on({ location }, (store) => store.ready())).rejects.toThrow(StoreUnusable)
    await volatile.stop()
  })

  it('is down without a server, and up by itself when there is one', async () => {
    const location = await server.database()
    let port = 1
    const moving = {
      ...location,
      get port() {
        return port
      },
    }
    const states: (string | undefined)[] = []
    await on({ location: moving, onState: ({ state, reason }) => states.push(state, reason) }, async (store) => {
      await expect(store.ready()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      const asked = sql`SELECT 1`.execute(store.db)
      await expect(asked).rejects.toMatchObject({ name: 'StoreFailure', message: 'ECONNREFUSED', mayPass: true })
      port = location.port
      await sql`SELECT 1`.execute(store.db)
    })
    expect(states).toEqual(['down', 'ECONNREFUSED', 'up', undefined])
  })

  it('fails in time while the server hangs, and works when it goes on', async () => {
    const hanging = await StoreServer.start()
    const location = await hanging.database()
    await on({ location, timeoutMs: 300, maxConnections: 2 }, async (store) => {
      await sql`SELECT 1`.execute(store.db)
      const pids = await hanging.query(
        location.database,
        'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      )
      const all = [hanging.server.pid, ...pids.flat().map(Number)]
      for (const pid of all) kill(pid, 'SIGSTOP')
      const started = performance.now()
      const asked = await Promise.allSettled(Array.from({ length: 5 }, () => sql`SELECT 1`.execute(store.db)))
      expect(asked.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'))
      expect(performance.now() - started).toBeLessThan(4000)
      for (const pid of all) kill(pid, 'SIGCONT')
      await vi.waitFor(async () => sql`SELECT 1`.execute(store.db), 5000)
    })
    await hanging.stop()
  })

  it('does not let a statement or a lock take for ever', async () => {
    const location = await server.database()
    await on({ location, timeoutMs: 300 }, async (store) => {
      await expect(sql`SELECT pg_sleep(30)`.execute(store.db)).rejects.toThrow('SQLSTATE 57014')
      // The connection is as good as before.
      await sql`SELECT 1`.execute(store.db)
    })
  })

  it('gives broken connections up, and has others', async () => {
    const location = await server.database()
    await on({ location, maxConnections: 2 }, async (store) => {
      await sql`SELECT 1`.execute(store.db)
      const suicide = sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(store.db)
      await expect(suicide).rejects.toMatchObject({ message: 'SQLSTATE 57P01', mayPass: true })
      await delay(20)
      for (let i = 0; i < 5; i++) await sql`SELECT 1`.execute(store.db)
    })
  })

  it('survives the loss of a connection that is in use, but not waiting for an answer', async () => {
    const location = await server.database()
    await on({ location }, async (store) => {
      const lost = store.db.transaction().execute(async (transaction) => {
        const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(transaction)
        await server.query('postgres', `SELECT pg_terminate_backend(${rows[0]?.pid})`)
        await delay(100)
        await sql`SELECT 1`.execute(transaction)
      })
      await expect(lost).rejects.toMatchObject({ name: 'StoreFailure' })
      await sql`SELECT 1`.execute(store.db)
    })
  })

  it('answers nobody once it is closed', async () => {
    const store = openStore({ location: await server.database() })
    await store.ready()
    await store.close()
    await expect(sql`SELECT 1`.execute(store.db)).rejects.toThrow('the store is closed')
    await expect(store.ready()).rejects.toThrow('the store is closed')
  })
})
