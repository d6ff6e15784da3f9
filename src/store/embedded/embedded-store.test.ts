import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill, pid as ownPid } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clientConfig } from '../client-config.ts'
import type { ServerAddress } from '../server-address.ts'
import { StoreUnusable } from '../store-unusable.ts'
import { EmbeddedStore } from './embedded-store.ts'
import { readPostmasterLock } from './postmaster-lock.ts'

const POSTGRES_14 = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'toolchain',
  'node_modules',
  'postgres14-linux-x64',
  'native',
)

let directory: string
const stores: EmbeddedStore[] = []
const children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-store-'))
  await chmod(directory, 0o755)
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const store of stores.splice(0)) await store.stop()
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
})

function embedded(binaries?: string): EmbeddedStore {
  const store = new EmbeddedStore(directory, binaries)
  stores.push(store)
  return store
}

async function query(address: ServerAddress, text: string): Promise<unknown> {
  const client = new Client(clientConfig(address, 5000))
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' })
    return rows[0]?.[0]
  } finally {
    await client.end()
  }
}

/** A gateway of its own, as far as the store is concerned. Resolves when its server runs. */
async function otherProcess(): Promise<ChildProcess> {
  const script = `
    import { EmbeddedStore } from ${JSON.stringify(join(import.meta.dirname, 'embedded-store.ts'))}
    const store = new EmbeddedStore(${JSON.stringify(directory)})
    const { port } = await store.locate()
    process.stdout.write(String(port))
    process.on('SIGTERM', async () => { await store.stop(); process.exit() })
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

// Eight clusters are made here and synchronised with the disk, four of them at once.
describe('EmbeddedStore', { timeout: 120_000 }, () => {
  it('makes a durable server with a password of its own, and finds everything again', async () => {
    const first = embedded()
    const address = await first.locate()
    expect(address).toMatchObject({ host: '127.0.0.1', user: 'postgres', database: 'chaperone', ssl: false })
    expect(await query(address, 'SHOW fsync')).toBe('on')
    expect(await query(address, 'SHOW data_checksums')).toBe('on')
    await query(address, 'CREATE TABLE public.kept AS SELECT 42')
    const file = join(directory, 'superuser-password')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readFile(file, 'utf8')).trim()).toMatch(/^[\w-]{32}$/)
    await expect(query({ ...address, password: () => Promise.resolve('x') }, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    })
    expect((await first.locate()).port).toBe(address.port)
    await first.stop()
    await expect(query(address, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await query(await embedded().locate(), 'SELECT * FROM public.kept')).toBe(42)
    expect((await readdir(directory)).toSorted()).toEqual(['data', 'server.log', 'superuser-password'])
  })

  it('is one server for all who start at once', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => embedded().locate()))
    expect(new Set(all.map(({ port }) => port)).size).toBe(1)
    expect(await query(all[0] ?? (await embedded().locate()), 'SELECT 1')).toBe(1)
  })

  it('is found by a second process, which starts it again when the first one ends', async () => {
    const first = await otherProcess()
    const store = embedded()
    const address = await store.locate()
    const before = await readPostmasterLock(join(directory, 'data'))
    expect(before?.port).toBe(address.port)
    await query(address, 'CREATE TABLE public.kept AS SELECT 42')
    first.kill('SIGTERM')
    await once(first, 'exit')
    const again = await store.locate()
    expect((await readPostmasterLock(join(directory, 'data')))?.pid).not.toBe(before?.pid)
    expect(await query(again, 'SELECT * FROM public.kept')).toBe(42)
  })

  it('recovers after kill -9 of the process that has started it', async () => {
    const first = await otherProcess()
    const lock = await readPostmasterLock(join(directory, 'data'))
    first.kill('SIGKILL')
    await once(first, 'exit')
    // Either server answers, and the old one ends at any moment: who asks it then asks again, as connections do.
    const store = embedded()
    const answer = async () => expect(await query(await store.locate(), 'SELECT 1')).toBe(1)
    await vi.waitFor(answer, { timeout: 30_000 })
    while (existsSync(`/proc/${lock?.pid}`)) await delay(10)
    await answer()
    expect(lock).toBeDefined()
    expect((await readPostmasterLock(join(directory, 'data')))?.pid).not.toBe(lock?.pid)
  })

  it('recovers after kill -9 of the server', async () => {
    const store = embedded()
    await query(await store.locate(), 'CREATE TABLE public.kept AS SELECT 42')
    const lock = await readPostmasterLock(join(directory, 'data'))
    kill(lock?.pid ?? 0, 'SIGKILL')
    while (existsSync(`/proc/${lock?.pid}`)) await delay(10)
    expect(await query(await store.locate(), 'SELECT * FROM public.kept')).toBe(42)
  })

  it('starts although the number of the old server belongs to something else by now', async () => {
    const store = embedded()
    await query(await store.locate(), 'CREATE TABLE public.kept AS SELECT 42')
    await store.stop()
    const file = join(directory, 'data', 'postmaster.pid')
    await writeFile(
      file,
      `${ownPid}\n${join(directory, 'data')}\n1700000000\n5432\n\n127.0.0.1\n  1234567         0\nready\n`,
    )
    const { uid, gid } = await stat(join(directory, 'data'))
    await chown(file, uid, gid)
    expect(await query(await embedded().locate(), 'SELECT * FROM public.kept')).toBe(42)
  })

  it('does not touch the files of another major version', async () => {
    const old = embedded(POSTGRES_14)
    await old.locate()
    await old.stop()
    const refused = embedded().locate()
    await expect(refused).rejects.toThrow(StoreUnusable)
    await expect(refused).rejects.toThrow(/was made by PostgreSQL 14, and this gateway brings PostgreSQL 18/)
    expect(await query(await embedded(POSTGRES_14).locate(), 'SELECT 1')).toBe(1)
  })

  it('says what is missing', async () => {
    const store = embedded()
    await store.locate()
    await store.stop()
    const file = join(directory, 'superuser-password')
    await writeFile(file, '\n')
    await expect(embedded().locate()).rejects.toThrow(/is empty/)
    await rm(file)
    await expect(embedded().locate()).rejects.toThrow(/the file .*superuser-password is missing/)
    await expect(new EmbeddedStore(join(directory, 'other'), join(directory, 'nothing')).locate()).rejects.toThrow(
      StoreUnusable,
    )
  })
})
