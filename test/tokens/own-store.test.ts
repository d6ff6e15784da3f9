import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kill } from 'node:process'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readPostmasterLock } from '../../src/store/embedded/postmaster-lock.ts'
import { type GatewayProcess, startGatewayProcess } from '../fault/gateway-process.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { clientOf, configBeside, DESK_SQL, gatewayOf, idsBy, labelDesk, refusalOf, shownName } from './desk.ts'

let bed: Testbed
const processes: GatewayProcess[] = []

beforeAll(async () => {
  bed = await startTestbed({
    patients: 20,
    prepare: (admin) => admin.query(DESK_SQL),
    configure: (document) => labelDesk(document),
  })
})
afterAll(async () => {
  await Promise.allSettled(processes.map((gateway) => gateway.kill9()))
  await bed?.stop()
})

const agentAt = async (port: number) => clientOf({ port, ca: bed.ca, token: await bed.token('agent') })

/** The process of the server whose files are there. */
async function postmasterOf(state: string): Promise<number> {
  const lock = await readPostmasterLock(join(state, 'store', 'data'))
  if (lock === undefined) throw new Error('no server has its files there')
  return lock.pid
}

const isRunning = (pid: number): boolean => {
  try {
    return kill(pid, 0)
  } catch {
    return false
  }
}

async function startProcess(configFile: string): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess(configFile)
  processes.push(gateway)
  return gateway
}

describe('the server of the gateway’s own', () => {
  it('is started again by the gateway when it was killed', async () => {
    const agent = await bed.connect('agent')
    const token = await shownName(agent, 3)
    const pid = await postmasterOf(bed.config.state)
    kill(pid, 'SIGKILL')
    // Without anybody asking for anything: it has to hear of deletions.
    await vi.waitFor(async () => expect(await postmasterOf(bed.config.state)).not.toBe(pid), { timeout: 15_000 })
    await vi.waitFor(async () => expect(await idsBy(agent, token)).toEqual([3]), { timeout: 15_000, interval: 100 })
    expect(isRunning(await postmasterOf(bed.config.state))).toBe(true)
    expect(await shownName(await bed.connect('agent'), 3)).toBe(token)
    expect(bed.log.join('\n')).toMatch(/"state":"up"/u)
  }, 30_000)

  it('is not touched by a second gateway with the same state, which does not start', async () => {
    const agent = await bed.connect('agent')
    const token = await shownName(agent, 3)
    const pid = await postmasterOf(bed.config.state)
    await expect(startGatewayProcess(bed.environment.configFile)).rejects.toThrow(/status 1: [^]*CHP-/u)
    expect(await postmasterOf(bed.config.state)).toBe(pid)
    expect(await idsBy(agent, token)).toEqual([3])
  })

  it('ends with a gateway that is killed, and the next one finds its tokens', async () => {
    const file = await configBeside(bed, 'killed')
    const state = join(bed.environment.directory, 'killed')
    const gateway = await startProcess(file)
    const agent = await agentAt(gateway.port)
    const token = await shownName(agent, 2)
    const pid = await postmasterOf(state)
    await gateway.kill9()
    // At once, while the old server still ends.
    const next = await startProcess(file)
    // It gives its files up just before it ends, and whoever adopts it takes a moment to notice.
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 10_000, interval: 50 })
    const again = await agentAt(next.port)
    expect(await shownName(again, 2)).toBe(token)
    expect(await idsBy(again, token)).toEqual([2])
    const last = await postmasterOf(state)
    await next.kill9()
    await vi.waitFor(() => expect(isRunning(last)).toBe(false), { timeout: 10_000, interval: 50 })
  }, 60_000)

  it('ends in order with the gateway', async () => {
    const gateway = await startProcess(await configBeside(bed, 'stopped'))
    await shownName(await agentAt(gateway.port), 2)
    const pid = await postmasterOf(join(bed.environment.directory, 'stopped'))
    expect(await gateway.stop()).toBe(0)
    expect(isRunning(pid)).toBe(false)
    expect(existsSync(join(bed.environment.directory, 'stopped', 'store', 'data', 'postmaster.pid'))).toBe(false)
  }, 60_000)
})

/** Begins new files of the server's write-ahead log until there is no room for one; what the server says then. */
async function fillLog(directory: string): Promise<unknown> {
  const lock = await readPostmasterLock(join(directory, 'data'))
  const password = (await readFile(join(directory, 'superuser-password'), 'utf8')).trim()
  const client = new Client({ host: '127.0.0.1', port: lock?.port, user: 'postgres', database: 'postgres', password })
  client.on('error', () => undefined)
  await client.connect()
  try {
    for (;;) {
      await client.query('SELECT pg_switch_wal()')
      await client.query('CREATE TABLE IF NOT EXISTS filling ()')
      await client.query('DROP TABLE filling')
    }
  } catch (error) {
    return error
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Mounting takes the rights of root, which CI and developers rarely have. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && canMountHere()

function canMountHere(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!canMount)('a disk that is full (skipped where nothing can be mounted)', () => {
  const LEFT_BYTES = 256 * 1024
  let directory = ''
  beforeAll(async () => {
    directory = join(bed.environment.directory, 'full', 'store')
    await mkdir(directory, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', directory])
  })
  afterAll(() => {
    execFileSync('umount', ['--lazy', directory])
  })

  it('keeps new values back, serves the tokens that are there, and needs no restart when there is room', async () => {
    const gateway = await gatewayOf(await configBeside(bed, 'full'))
    try {
      const agent = await agentAt(gateway.port)
      const token = await shownName(agent, 1)
      const admin = await bed.direct()
      await admin.query(
        `INSERT INTO desk.caller SELECT n, 'many', 'Quuxalot Many ' || n FROM generate_series(10001, 30000) n`,
      )
      const { bavail, bsize } = await statfs(directory)
      await writeFile(join(directory, 'filler'), Buffer.alloc(bavail * bsize - LEFT_BYTES))

      const many = `SELECT id, full_name FROM desk.caller WHERE kind = 'many' ORDER BY id`
      expect(await refusalOf(agent.query(many))).toBe('58000 CHP-VAULT-UNAVAILABLE')
      const later = await agentAt(gateway.port)
      await vi.waitFor(async () => expect(await idsBy(later, token)).toEqual([1]), { timeout: 15_000, interval: 100 })
      expect(await refusalOf((await agentAt(gateway.port)).query(many))).toBe('58000 CHP-VAULT-UNAVAILABLE')

      // Now the log of changes needs a file for which there is no room: the server panics.
      expect(await fillLog(directory)).toMatchObject({ severity: 'PANIC', code: '53100' })
      expect(await refusalOf((await agentAt(gateway.port)).query(many))).toBe('58000 CHP-VAULT-UNAVAILABLE')

      await rm(join(directory, 'filler'))
      const { rows } = await vi.waitFor(
        async () => (await agentAt(gateway.port)).query<{ id: number; full_name: string }>(many),
        { timeout: 15_000, interval: 100 },
      )
      expect(rows).toHaveLength(20_000)
      expect(new Set(rows.map(({ full_name }) => full_name)).size).toBe(20_000)
      expect(await idsBy(later, rows[19_999]?.full_name ?? '')).toEqual([30_000])
      expect(await shownName(later, 1)).toBe(token)
      expect(gateway.log.join('\n')).not.toMatch(/Quuxalot|tok_/u)
      await admin.query(`DELETE FROM desk.caller WHERE kind = 'many'`)
    } finally {
      await gateway.stop()
    }
  }, 90_000)
})
