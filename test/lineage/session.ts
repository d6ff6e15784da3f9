import type { Catalog } from '../../src/inspect/sql/catalog.ts'
import type { ResultColumn } from '../../src/mask/plan.ts'
import { loadCatalog } from '../../src/protocols/postgres/catalog-loader.ts'
import {
  decodeDataRow,
  decodeParameterDescription,
  decodeReadyForQuery,
  decodeRowDescription,
} from '../../src/protocols/postgres/decode.ts'
import {
  encodeCopyData,
  encodeCopyDone,
  encodeDescribe,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { DEFAULT_FRAME_LIMITS } from '../../src/protocols/postgres/limits.ts'
import { BACKEND, type TransactionStatus } from '../../src/protocols/postgres/messages.ts'
import type { TargetClient } from '../../src/protocols/postgres/target-client.ts'
import { loginToTarget } from '../../src/protocols/postgres/target-login.ts'
import { openSocket } from '../support/wire-client.ts'

export interface ServerPlace {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** What a statement returned, as text. */
export interface Rows {
  readonly names: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly failed: boolean
}

const PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['application_name', 'lineage'],
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
  ['statement_timeout', '5s'],
  ['lock_timeout', '2s'],
])

/** A session with a server in which a script runs, and which is asked what it makes of a statement. */
export class ServerSession {
  readonly #client: TargetClient
  #status: TransactionStatus = 'I'

  private constructor(client: TargetClient) {
    this.#client = client
  }

  static async open(place: ServerPlace): Promise<ServerSession> {
    const { port, user, password, database } = place
    const stream = await openSocket(port)
    // Whoever reads from it is told.
    stream.on('error', () => stream.destroy())
    const { client } = await loginToTarget(
      {
        wire: {
          stream,
          peer: { address: '127.0.0.1', port, loopback: true },
          encrypted: false,
          peerCertificate: undefined,
          startTls: () => Promise.reject(new Error('this is a connection without TLS')),
        },
        account: {
          user,
          database,
          password: () => Promise.resolve(password),
          acceptsMd5: false,
          tls: 'plaintext',
          acceptedRisks: ['superuser'],
          extraStartupParameters: [],
        },
      },
      PARAMETERS,
      DEFAULT_FRAME_LIMITS,
    )
    return new ServerSession(client)
  }

  get failedTransaction(): boolean {
    return this.#status === 'E'
  }

  /** The result columns and parameters of a statement; null when the server does not accept it. */
  async describe(sql: string): Promise<readonly ResultColumn[] | null> {
    this.#client.send(Buffer.concat([encodeParse('', sql), encodeDescribe('S', ''), encodeSync()].flat()))
    let columns: readonly ResultColumn[] | null = []
    for (;;) {
      const { type, buffer, body, end } = await this.#client.next()
      if (type === BACKEND.ErrorResponse) columns = null
      else if (type === BACKEND.RowDescription) columns = [...decodeRowDescription(buffer, body, end).columns]
      // What a parameter is, is the business of who binds it; a script binds none.
      else if (type === BACKEND.ParameterDescription && decodeParameterDescription(buffer, body, end).length > 0)
        columns = null
      else if (type === BACKEND.ReadyForQuery) {
        this.#status = decodeReadyForQuery(buffer, body, end)
        return columns
      }
    }
  }

  /** Runs a statement; `data` is for COPY FROM stdin. */
  async run(sql: string, data = ''): Promise<Rows> {
    this.#client.send(encodeQuery(sql))
    let names: readonly string[] = []
    let rows: (string | null)[][] = []
    let failed = false
    for (;;) {
      const { type, buffer, body, end } = await this.#client.next()
      if (type === BACKEND.RowDescription) {
        names = decodeRowDescription(buffer, body, end).columns.map(({ name }) => name)
        rows = []
      } else if (type === BACKEND.DataRow) {
        const { values } = decodeDataRow(buffer, body, end)
        rows.push(values.map((value) => (value === null ? null : buffer.toString('utf8', value.start, value.end))))
      } else if (type === BACKEND.CopyInResponse) {
        this.#client.send(Buffer.concat([encodeCopyData(Buffer.from(data)), encodeCopyDone()].flat()))
      } else if (type === BACKEND.ErrorResponse) failed = true
      else if (type === BACKEND.ReadyForQuery) {
        this.#status = decodeReadyForQuery(buffer, body, end)
        return { names, rows, failed }
      }
    }
  }

  /** What this very session sees, its uncommitted changes and temporary tables included. */
  async catalog(): Promise<Catalog> {
    if (this.#status === 'I') return loadCatalog(this.#client)
    // Reading it changes the search path until the transaction ends.
    await this.run('SAVEPOINT reading_the_catalog')
    try {
      return await loadCatalog(this.#client)
    } finally {
      await this.run('ROLLBACK TO reading_the_catalog; RELEASE reading_the_catalog')
    }
  }

  async searchPath(): Promise<readonly string[]> {
    const { rows } = await this.run('SELECT unnest(pg_catalog.current_schemas(false))')
    return rows.flatMap(([schema]) => (schema === null || schema === undefined ? [] : [schema]))
  }

  close(): void {
    this.#client.close()
  }
}
