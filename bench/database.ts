import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { type PostgresServer, startPostgres } from '../src/store/embedded/postgres-server.ts'
import type { Leg } from './leg.ts'
import { libpqEnvironment } from './leg.ts'
import { runProgram } from './processes.ts'
import type { Program } from './programs.ts'
import type { Scope } from './scope.ts'

export const DATABASE = 'bench'
export const ROLE = 'bench'
/** The name of the same database as a target without the catalog check in each statement's transaction. */
export const BOUNDED = 'bounded'
/** The wide table: five columns, of which `name`, `ssn` and `phone` are masked. */
export const PEOPLE = 'bench_people'

/** One column of 10,000 different values, another of as many as there are rows; both have tokens. */
export const TOKENS = 'bench_tokens'

/**
 * What the server is run with. Durable as by default, although the measured statements write nothing; the only changes
 * are room for the sessions, memory for the tables, and no background work in the middle of a run.
 */
export const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '1250',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  autovacuum: 'off',
}

export interface BenchDatabase {
  readonly server: PostgresServer
  readonly password: string
  readonly direct: Leg
}

export interface DatabaseOptions {
  readonly scope: Scope
  readonly directory: string | undefined
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined
  readonly pgbench: Program | undefined
  readonly scale: number
  readonly rows: number
  /** Whether the table for tokens is wanted. */
  readonly tokens: boolean
  readonly onStep: (text: string) => void
}

/** Synthetic people: the same on every run, and no value that anybody has. */
const PEOPLE_SQL = `
  CREATE TABLE ${PEOPLE} (
    id bigint NOT NULL, name text NOT NULL, ssn text NOT NULL, phone text NOT NULL, amount numeric(12,2) NOT NULL);
  INSERT INTO ${PEOPLE}
    SELECT g,
           (ARRAY['Ada','Berta','Carl','Dora','Emil','Frieda','Georg','Hanna'])[1 + g % 8] || ' Sample' || g * 7919 % 100003,
           to_char(900 + g % 100, 'FM000') || '-' || to_char(g / 100 % 100, 'FM00') || '-' || to_char(g % 10000, 'FM0000'),
           '+1-555-' || to_char(g * 31 % 1000, 'FM000') || '-' || to_char(g % 10000, 'FM0000'),
           (g * 37 % 1000000) / 100.0
      FROM generate_series(1::bigint, ROWS) g;
  ALTER TABLE ${PEOPLE} ADD PRIMARY KEY (id);`

const TOKENS_SQL = `
  CREATE TABLE ${TOKENS} (id bigint NOT NULL, mrn text NOT NULL, number text NOT NULL, ward text NOT NULL, amount numeric(12,2) NOT NULL);
  INSERT INTO ${TOKENS}
    SELECT g, 'MRN' || to_char(g * 7919 % 10000, 'FM00000'), 'N' || g * 7919, 'ward ' || g % 40, (g * 37 % 1000000) / 100.0
      FROM generate_series(1::bigint, ROWS) g;
  ALTER TABLE ${TOKENS} ADD PRIMARY KEY (id);`

/** Starts PostgreSQL and fills it: the tables of pgbench, and the wide one. Everything belongs to an ordinary role. */
export async function startDatabase(options: DatabaseOptions): Promise<BenchDatabase> {
  const { scope, tls, onStep } = options
  onStep('starting PostgreSQL')
  const server = await startPostgres({
    superuserPassword: randomBytes(18).toString('base64url'),
    settings: SERVER_SETTINGS,
    ...(options.directory === undefined ? {} : { directory: options.directory }),
    ...(tls === undefined ? {} : { tls }),
  })
  scope.defer(() => server.stop())
  const password = randomBytes(18).toString('base64url')
  await asSuperuser(server, 'postgres', [
    `CREATE ROLE ${ROLE} LOGIN PASSWORD '${password}'`,
    `CREATE DATABASE ${DATABASE} OWNER ${ROLE}`,
  ])
  const direct: Leg = {
    name: 'direct',
    host: server.host,
    port: server.port,
    database: DATABASE,
    user: ROLE,
    password,
    caFile: tls?.ca,
    pid: undefined,
  }
  scope.signal.throwIfAborted()
  if (options.pgbench !== undefined) {
    onStep(`filling the tables of pgbench, scale ${options.scale}`)
    await runProgram(options.pgbench.file, ['-i', '-I', 'dtgp', '-q', '-s', String(options.scale)], {
      environment: libpqEnvironment(direct),
      signal: scope.signal,
    })
  }
  onStep(`filling ${PEOPLE}, ${options.rows.toLocaleString('en')} rows`)
  await asOwner(direct, [PEOPLE_SQL.replace('ROWS', String(options.rows))])
  if (options.tokens) {
    onStep(`filling ${TOKENS}, ${options.rows.toLocaleString('en')} rows`)
    await asOwner(direct, [TOKENS_SQL.replace('ROWS', String(options.rows))])
  }
  await asSuperuser(server, DATABASE, ['VACUUM ANALYZE', 'CHECKPOINT'])
  return { server, password, direct }
}

async function asSuperuser(server: PostgresServer, database: string, statements: readonly string[]): Promise<void> {
  const { host, port, superuser: user, password } = server
  await execute(new Client({ host, port, user, password, database }), statements)
}

async function asOwner({ host, port, user, password, database }: Leg, statements: readonly string[]): Promise<void> {
  await execute(new Client({ host, port, user, password, database }), statements)
}

async function execute(client: Client, statements: readonly string[]): Promise<void> {
  // A lost connection also fails the query that runs or comes next, and that one is awaited.
  client.on('error', () => undefined)
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
