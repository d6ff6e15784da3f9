import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, DatabaseError } from 'pg'
import { codeOf } from '../../lib/error-code.ts'
import { clientConfig } from '../client-config.ts'
import type { ServerAddress } from '../server-address.ts'
import { StoreUnusable } from '../store-unusable.ts'
import { findPostgresBinaries, findServerUser } from './postgres-binaries.ts'
import { answersStartup, type PostgresServer, startPostgres } from './postgres-server.ts'
import { disownStaleLock, mayBePostmaster, readPostmasterLock } from './postmaster-lock.ts'
import { superuserPassword } from './superuser-password.ts'

/** How long a server that another process has started, or that is ending, gets before it is tried to start one here. */
const PATIENCE_MS = 3000
const STEP_MS = 50

const DATABASE = 'chaperone'
/** CREATE DATABASE copies files and waits for a checkpoint. */
const DATABASE_TIMEOUT_MS = 30_000

/** What a store stands on, whatever the defaults of the binaries are. */
const SETTINGS: Readonly<Record<string, string>> = {
  max_connections: '50',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  // Nobody reads the log as long as nothing is wrong, and nobody rotates it. Statements and parameters never stand in it.
  log_checkpoints: 'off',
  log_min_error_statement: 'panic',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
}

/**
 * The gateway's own PostgreSQL server in a directory of its state. One server a directory, however many processes use it: the
 * first one starts it, the others find it, and when the first one ends, whoever needs it next starts it again.
 */
export class EmbeddedStore {
  readonly #directory: string
  readonly #binaries: string
  #own: PostgresServer | undefined
  #hasDatabase = false
  #isStopped = false

  constructor(directory: string, binaries = 'default') {
    this.#directory = directory
    this.#binaries = binaries
  }

  /** Where the server is; starts it if it does not run. Not to be called again before it is done. */
  async locate(): Promise<ServerAddress> {
    const major = await this.#majorOfData()
    const password = await superuserPassword(this.#directory, major !== undefined)
    const port = await this.#port(major, password)
    const address = { host: '127.0.0.1', port, user: 'postgres', password: () => Promise.resolve(password) }
    await this.#makeDatabase({ ...address, database: 'postgres', ssl: false })
    return { ...address, database: DATABASE, ssl: false }
  }

  /** Ends the server if this process has started it. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const own = this.#own
    this.#own = undefined
    await own?.stop()
  }

  async #port(major: string | undefined, password: string): Promise<number> {
    if (this.#own?.isRunning() === true) return this.#own.port
    return (await this.#running()) ?? (await this.#start(major, password))
  }

  async #makeDatabase(address: ServerAddress): Promise<void> {
    if (this.#hasDatabase) return
    const client = new Client(clientConfig(address, DATABASE_TIMEOUT_MS))
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rowCount } = await client.query('SELECT FROM pg_catalog.pg_database WHERE datname = $1', [DATABASE])
      if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
    } catch (error) {
      // Another process was faster: duplicate_database, or unique_violation if at the same moment.
      if (!(error instanceof DatabaseError && (error.code === '42P04' || error.code === '23505'))) throw error
    } finally {
      // A server that hangs does not answer to this either.
      void client.end().catch(() => undefined)
    }
    this.#hasDatabase = true
  }

  /** The port of a server that runs already. Waits for one that is starting or ending. */
  async #running(): Promise<number | undefined> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const lock = await readPostmasterLock(this.#data)
      if (lock === undefined || !(await mayBePostmaster(lock.pid))) return undefined
      if (lock.ready && (await answersStartup(lock.port))) return lock.port
      if (performance.now() > deadline) return undefined
      await delay(STEP_MS)
    }
  }

  async #start(major: string | undefined, password: string): Promise<number> {
    await this.#checkMajor(major)
    await disownStaleLock(this.#data)
    const options = {
      directory: this.#directory,
      binaries: this.#binaries,
      superuserPassword: password,
      settings: SETTINGS,
    }
    let started: PostgresServer
    try {
      started = await startPostgres(options)
    } catch (error) {
      // Another process may have been faster.
      const port = await this.#running()
      if (port === undefined) throw startFailure(error)
      return port
    }
    this.#own = started
    // It was stopped meanwhile; nobody else would end what has just been started.
    if (this.#isStopped) {
      await this.stop()
      throw new Error('the store is closed')
    }
    return started.port
  }

  /** A data directory belongs to one major version (PostgreSQL documentation, 18.6); the server itself would only fail to start. */
  async #checkMajor(major: string | undefined): Promise<void> {
    if (major === undefined) return
    const { version } = await findPostgresBinaries(this.#binaries, await findServerUser())
    if (Number.parseInt(version, 10) === Number.parseInt(major, 10)) return
    throw new StoreUnusable(
      `the store in ${this.#directory} was made by PostgreSQL ${major}, and this gateway brings PostgreSQL ${version}; ` +
        'dump it with the old version and restore it with the new one (docs/tokens.md)',
    )
  }

  async #majorOfData(): Promise<string | undefined> {
    try {
      return (await readFile(join(this.#data, 'PG_VERSION'), 'utf8')).trim()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  get #data(): string {
    return join(this.#directory, 'data')
  }
}

/** A server of another process that is still ending passes by itself; what else keeps one from starting does not. */
function startFailure(error: unknown): unknown {
  if (!(error instanceof Error) || /lock file .* already exists|is still in use/.test(error.message)) return error
  return new StoreUnusable(error.message, { cause: error })
}
