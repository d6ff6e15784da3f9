import { finished } from 'node:stream/promises'
import { Client, type ClientConfig, escapeLiteral } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { generateHospital, type HospitalOptions } from './generate.ts'
import { APP_ROLE, FINISH_SQL, GRANTS_SQL, TABLES_SQL } from './schema.ts'
import { TABLES, type TableName } from './tables.ts'

export interface LoadOptions extends HospitalOptions {
  /** How to reach an empty database as a role that may create schemas and roles. */
  readonly connection: ClientConfig
  /** What the role `chaperone_app` is to log in with; the role is made if it is missing. */
  readonly appPassword: string
  readonly onProgress?: (progress: LoadProgress) => void
}

export interface LoadProgress {
  readonly patients: number
  readonly rows: number
}

const copyCommand = (table: TableName): string => {
  const columns = TABLES.find(({ name }) => name === table)?.columns.map(([column]) => column) ?? []
  return `COPY hospital.${table} (${columns.join(', ')}) FROM STDIN`
}

/** The role is shared by all databases of the server, so it may be there already; its rights are set again either way. */
async function makeAppRole(client: Client, password: string): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [APP_ROLE])
  const attributes = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${escapeLiteral(password)}`
  await client.query(`${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${APP_ROLE} ${attributes}`)
}

/**
 * Fills a database with the demo hospital, in one transaction: tables, rows by COPY, then keys, indexes, views and rights.
 * @returns how much is in the database now
 * @throws DatabaseError when the schema `hospital` exists already, or the role may not do this; nothing is left behind
 */
export async function loadHospital(options: LoadOptions): Promise<LoadProgress> {
  const client = new Client(options.connection)
  // A lost connection also fails the query that runs or comes next, and that one is awaited.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(TABLES_SQL)
    let patients = 0
    let rows = 0
    for await (const chunk of generateHospital(options)) {
      const copy = client.query(copyFrom(copyCommand(chunk.table)))
      copy.end(chunk.copyText)
      await finished(copy)
      if (chunk.table === 'patients') patients += chunk.rows
      rows += chunk.rows
      options.onProgress?.({ patients, rows })
    }
    await client.query(FINISH_SQL)
    await makeAppRole(client, options.appPassword)
    await client.query(GRANTS_SQL)
    await client.query('COMMIT')
    await client.query('ANALYZE')
    return { patients, rows }
  } finally {
    // A transaction that is still open is rolled back by the server.
    await client.end()
  }
}
