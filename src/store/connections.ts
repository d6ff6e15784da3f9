import { setTimeout as delay } from 'node:timers/promises'
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { Client, DatabaseError, Pool, type PoolClient } from 'pg'
import { clientConfig } from './client-config.ts'
import { prepare } from './prepare.ts'
import type { ServerAddress } from './server-address.ts'
import { reasonOf, StoreFailure } from './store-failure.ts'

export interface StoreState {
  readonly state: 'starting' | 'up' | 'down'
  /** Why it is down: a code or a sentence without values. */
  readonly reason?: string
}

export interface ConnectionsOptions {
  /** Finds the server; starts it if it is the gateway's own. Never called twice at once. */
  readonly locate: () => Promise<ServerAddress>
  readonly timeoutMs: number
  readonly maxConnections: number
  readonly onState: ((state: StoreState) => void) | undefined
}

const IDLE_MS = 30_000

/**
 * The connections to the server of the store, as the pool that Kysely asks. A server that goes away and comes back, at
 * another port too, is found again by the next who asks.
 */
export class Connections implements PostgresPool {
  readonly options = {}
  readonly #options: ConnectionsOptions
  #pool: Pool | undefined
  #opening: Promise<Pool> | undefined
  #state: StoreState = { state: 'starting' }
  #isClosed = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  get state(): StoreState {
    return this.#state
  }

  /** Resolves when the server can be used: found, fit for it, and with the newest schema. */
  async ready(): Promise<void> {
    await this.#open()
  }

  /** A connection of the pool. */
  async connect(): Promise<PostgresPoolClient> {
    const pool = await this.#openSoon()
    try {
      return new StoreClient(await pool.connect())
    } catch (error) {
      // All connections are in use: that says nothing of the server.
      if (pool.totalCount < this.#options.maxConnections) this.#leave(pool, error)
      throw new StoreFailure(error)
    }
  }

  /** A connection of its own, for what a pool cannot do. The caller ends it. */
  async dedicated(): Promise<Client> {
    const pool = await this.#openSoon()
    const client = new Client(pool.options)
    // Without a listener the loss of a connection would end the process.
    client.on('error', () => undefined)
    try {
      await client.connect()
      return client
    } catch (error) {
      this.#leave(pool, error)
      throw new StoreFailure(error)
    }
  }

  /** Waits for work in progress. Nothing can be asked afterwards. */
  async end(): Promise<void> {
    this.#isClosed = true
    const pool = this.#pool ?? (await this.#opening?.catch(() => undefined))
    this.#pool = undefined
    if (pool?.ending === false) await pool.end()
  }

  #open(): Promise<Pool> {
    if (this.#isClosed) return Promise.reject(new Error('the store is closed'))
    if (this.#pool !== undefined) return Promise.resolve(this.#pool)
    this.#opening ??= this.#make().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /** Like #open, but does not wait for ever; what is waited for goes on, and the next one may find it done. */
  async #openSoon(): Promise<Pool> {
    const stop = new AbortController()
    const { timeoutMs } = this.#options
    const late = delay(timeoutMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error(`the store is not there within ${timeoutMs} ms`)
    })
    late.catch(() => undefined)
    try {
      return await Promise.race([this.#open(), late])
    } catch (error) {
      throw new StoreFailure(error)
    } finally {
      stop.abort()
    }
  }

  async #make(): Promise<Pool> {
    try {
      const { locate, timeoutMs, maxConnections } = this.#options
      const config = await prepare(clientConfig(await locate(), timeoutMs))
      const pool = new Pool({ ...config, max: maxConnections, idleTimeoutMillis: IDLE_MS })
      // Of a connection that is idle, or in use and not asked anything: the next one who asks finds out. Without a listener
      // the loss of a connection would end the process, and the pool takes its own away while one is in use.
      pool.on('error', () => undefined)
      pool.on('connect', (client) => client.on('error', () => undefined))
      if (!this.#isClosed) this.#pool = pool
      this.#become({ state: 'up' })
      return pool
    } catch (error) {
      this.#become({ state: 'down', reason: reasonOf(error) })
      throw error
    }
  }

  #leave(pool: Pool, error: unknown): void {
    if (this.#pool !== pool) return
    this.#pool = undefined
    void pool.end()
    this.#become({ state: 'down', reason: reasonOf(error) })
  }

  #become(state: StoreState): void {
    const isNews = state.state !== this.#state.state || state.reason !== this.#state.reason
    this.#state = state
    if (isNews && !this.#isClosed) this.#options.onState?.(state)
  }
}

/** A connection that goes back to the pool only if nothing has happened to it. */
class StoreClient implements PostgresPoolClient {
  readonly #client: PoolClient
  #isBroken = false

  constructor(client: PoolClient) {
    this.#client = client
  }

  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(
    query: string | PostgresCursor<R>,
    values: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof query !== 'string') throw new TypeError('the store reads without cursors')
    return this.#ask<R>(query, values)
  }

  async #ask<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    try {
      const { rows, rowCount, command } = await this.#client.query({ text, values: [...values] })
      return { rows, rowCount: rowCount ?? 0, command: commandOf(command) }
    } catch (error) {
      this.#isBroken ||= breaksConnection(error)
      throw new StoreFailure(error)
    }
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy === true || this.#isBroken)
  }
}

/** Kysely tells statements that change rows by it, and a COMMIT that has become a ROLLBACK. */
function commandOf(tag: string): PostgresQueryResult<unknown>['command'] {
  switch (tag) {
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
    case 'COMMIT':
    case 'ROLLBACK':
      return tag
    default:
      return 'SELECT'
  }
}

/** A time-out of ours leaves the answer in the pipe; 57P is a server that shuts down; 25006 a primary that has become a standby. */
function breaksConnection(error: unknown): boolean {
  return !(error instanceof DatabaseError) || /^(?:08|57P|25006)/.test(error.code ?? '')
}
