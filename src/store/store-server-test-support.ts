import { Client } from 'pg'
import type { PostgresOptions } from './embedded/postgres-cluster.ts'
import { type PostgresServer, startPostgres } from './embedded/postgres-server.ts'
import type { StoreLocation } from './open-store.ts'

const PASSWORD = 'of a test'

const DURABLE = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' }

/** A server that can be a store: a temporary one, but with everything on that keeps data through a crash. */
export class StoreServer {
  server: PostgresServer
  readonly #options: PostgresOptions
  #databases = 0

  private constructor(server: PostgresServer, options: PostgresOptions) {
    this.server = server
    this.#options = options
  }

  /** With a directory it can crash. */
  static async start(settings: Readonly<Record<string, string>> = {}, directory?: string): Promise<StoreServer> {
    const options = {
      superuserPassword: PASSWORD,
      settings: { ...DURABLE, ...settings },
      ...(directory === undefined ? {} : { directory }),
    }
    return new StoreServer(await startPostgres(options), options)
  }

  /** Kills it as a crash would, and starts it again at the same port. */
  async crash(): Promise<void> {
    const { port } = this.server
    await this.server.kill9()
    this.server = await startPostgres({ ...this.#options, port })
  }

  /** A new and empty database. */
  async database(): Promise<Extract<StoreLocation, { kind: 'server' }>> {
    const database = `store${this.#databases++}`
    await this.query('postgres', `CREATE DATABASE ${database}`)
    const { host, port, superuser: user } = this.server
    return { kind: 'server', host, port, user, database, password: () => Promise.resolve(PASSWORD), ssl: false }
  }

  /** Rows as arrays; statements without parameters may be several. */
  async query(database: string, sql: string): Promise<unknown[][]> {
    const { host, port, superuser: user } = this.server
    const client = new Client({ host, port, user, database, password: PASSWORD })
    await client.connect()
    try {
      const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
      return rows
    } finally {
      await client.end()
    }
  }

  stop(): Promise<void> {
    return this.server.stop()
  }
}
