import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { CertificateFiles } from '../../demo/certificates.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { UsageError } from './options.ts'

/** The target's name has to be the database's, because the benchmark's cases name it. */
export const DATABASE = 'leakbench'
/** Role and password that load.sql makes. */
export const APP_ROLE = 'app'

export interface BenchDatabase {
  readonly server: PostgresServer
  /** As the superuser, for the benchmark's checks. */
  readonly adminUrl: string
  readonly directUrl: string
}

export interface DatabaseOptions {
  readonly data: string
  readonly superuser: boolean
  readonly binaries: string | undefined
  readonly certificates: CertificateFiles
  readonly onStep: (text: string) => void
}

const run = promisify(execFile)
const SUPERUSER_PASSWORD = 'leakbench-superuser'

/** Starts a server, makes the database and loads it. Throws a UsageError without psql. */
export async function startDatabase(options: DatabaseOptions): Promise<BenchDatabase> {
  const { data, superuser, onStep } = options
  await requirePsql()
  const server = await startServer(options)
  try {
    const url = (user: string, password: string, database: string) =>
      `postgres://${user}:${password}@${server.host}:${server.port}/${database}`
    await psql(url(server.superuser, server.password, 'postgres'), data, ['-c', `create database ${DATABASE}`])
    const adminUrl = url(server.superuser, server.password, DATABASE)
    const script = superuser ? 'load-superuser.sql' : 'load.sql'
    onStep(`loading ${script}`)
    await psql(adminUrl, data, ['-f', script])
    return { server, adminUrl, directUrl: url(APP_ROLE, APP_ROLE, DATABASE) }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function requirePsql(): Promise<void> {
  try {
    await run('psql', ['--version'])
  } catch (cause) {
    throw new UsageError('psql is needed to load the data, and it is not installed: run "npm run setup:extras" first', {
      cause,
    })
  }
}

/**
 * The server from the registry has the extensions that load.sql creates. Where it lacks some, that of the system is used
 * if it has them; else load.sql will say which one is missing.
 */
async function startServer(options: DatabaseOptions): Promise<PostgresServer> {
  const { binaries, certificates, onStep } = options
  const start = (installation: string | undefined) =>
    startPostgres({
      superuserPassword: SUPERUSER_PASSWORD,
      tls: { cert: certificates.serverCertFile, key: certificates.serverKeyFile },
      settings: { shared_preload_libraries: 'pg_stat_statements', max_prepared_transactions: '10' },
      ...(installation === undefined ? {} : { binaries: installation }),
    })
  const server = await start(binaries)
  if (binaries !== undefined) return started(server, onStep)
  const missing = await missingExtensions(server, options.data)
  const installed = missing.length === 0 ? undefined : await systemInstallation()
  if (installed === undefined) return started(server, onStep)
  onStep(`PostgreSQL ${server.version} has no ${missing.join(', ')}; using the system's installation`)
  await server.stop()
  return started(await start(installed), onStep)
}

function started(server: PostgresServer, onStep: (text: string) => void): PostgresServer {
  onStep(`PostgreSQL ${server.version} on port ${server.port}`)
  return server
}

async function missingExtensions(server: PostgresServer, data: string): Promise<readonly string[]> {
  const script = await readFile(`${data}/load.sql`, 'utf8')
  const wanted = [...script.matchAll(/create extension(?: if not exists)? (\w+)/gi)].map(([, name = '']) => name)
  const url = `postgres://${server.superuser}:${server.password}@${server.host}:${server.port}/postgres`
  const { stdout } = await run('psql', [url, '-XAtc', 'select name from pg_available_extensions'])
  const available = new Set(stdout.split('\n'))
  return wanted.filter((name) => !available.has(name))
}

/** The newest PostgreSQL server of a Debian system. */
async function systemInstallation(): Promise<string | undefined> {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const versions = (await readdir(root)).toSorted((a, b) => Number(b) - Number(a))
  return versions.map((version) => `${root}/${version}`).find((path) => existsSync(`${path}/bin/postgres`))
}

async function psql(url: string, cwd: string, args: readonly string[]): Promise<void> {
  const child = spawn('psql', [url, '-X', '-q', '-v', 'ON_ERROR_STOP=1', ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PGOPTIONS: '-c client_min_messages=warning' },
  })
  let problems = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`psql ended with status ${code}: ${problems.trim().slice(-2000)}`)
}
