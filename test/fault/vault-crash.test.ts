import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/open-store.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { tokenRepository } from '../../src/store/token-repository.ts'
import { openVault, type TokenVault } from '../../src/vault/open-vault.ts'
import { type Job, requestOf, SCOPES, VALUES } from './vault-job.ts'

/** 10 in CI; the long run sets 600. */
const SECONDS = Number(process.env['CHAPERONE_VAULT_SECONDS'] ?? 10)
/** Each with a vault of its own, as gateways and their workers have. */
const WORKERS = 8
/** Workers that die before the store does. */
const KILLS_A_CRASH = 7
const WORKER = join(import.meta.dirname, 'vault-worker.ts')
const KEY = randomBytes(32)

interface Worker {
  readonly process: ChildProcess
  readonly ended: Promise<unknown>
}

describe('tokens that many processes issue at once, while they are killed', () => {
  let server: StoreServer
  let job: Omit<Job, 'seed'>
  let location: Awaited<ReturnType<StoreServer['database']>>
  let directory: string
  const released: string[] = []
  let kills = 0

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaperone-vault-crash-'))
    server = await StoreServer.start({}, directory)
    location = await server.database()
    const { host, port, user, database } = location
    const password = (await location.password()) ?? ''
    job = { location: { host, port, user, database }, password, key: KEY.toString('hex') }
  })
  afterAll(async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  function startWorker(seed: number): Worker {
    const child = spawn(process.execPath, [WORKER, JSON.stringify({ ...job, seed })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n')
      // What a killed worker has not told completely was not released.
      text = lines.pop() ?? ''
      for (const line of lines) released.push(line)
    })
    const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      if (signal !== 'SIGKILL') released.push(`failed with status ${String(code)}`)
    })
    return { process: child, ended }
  }

  async function withVaults(work: (one: TokenVault, two: TokenVault) => Promise<void>): Promise<void> {
    const stores = [openStore({ location, timeoutMs: 25_000 }), openStore({ location, timeoutMs: 25_000 })] as const
    const options = { key: KEY, lifetimeMs: 86_400_000, timeoutMs: 25_000 }
    const one = openVault({ ...options, repository: tokenRepository(stores[0]) })
    const two = openVault({ ...options, repository: tokenRepository(stores[1]) })
    await work(one, two)
    await Promise.all([one.close(), two.close()])
    await Promise.all(stores.map((store) => store.close()))
  }

  it(
    `for ${SECONDS} s: one token a value, one value a token, and none that is forgotten`,
    async () => {
      let seed = 1
      const workers = Array.from({ length: WORKERS }, () => startWorker(seed++))
      const end = performance.now() + SECONDS * 1000
      await withVaults(async (one, two) => {
        while (performance.now() < end) {
          await delay(100 + Math.random() * 700)
          const place = Math.floor(Math.random() * WORKERS)
          const victim = workers[place]
          victim?.process.kill('SIGKILL')
          kills++
          // In the test's own process two gateways want the same values at the same moment.
          const requests = Array.from({ length: 200 }, () => requestOf(Math.floor(Math.random() * VALUES)))
          const key = SCOPES[kills % SCOPES.length] ?? SCOPES[0]
          const both = await Promise.all([one.scope(key).issue(requests), two.scope(key).issue(requests.toReversed())])
          expect(both[0]).toEqual(both[1].toReversed())
          await victim?.ended
          workers[place] = startWorker(seed++)
          if (kills % KILLS_A_CRASH === 0) await server.crash()
        }
      })
      for (const worker of workers) worker.process.kill('SIGKILL')
      await Promise.all(workers.map((worker) => worker.ended))

      const { tokens, values } = judge(released)
      expect(tokens.size).toBeGreaterThan(100)
      await server.crash()
      await expectKnown(tokens)
      expect(values.size).toBe(tokens.size)
    },
    SECONDS * 1000 + 120_000,
  )

  /** A gateway that starts afterwards, and after a crash of the store, knows everything that was released. */
  async function expectKnown(tokens: ReadonlyMap<string, string>): Promise<void> {
    await withVaults(async (vault) => {
      for (const [i, key] of SCOPES.entries()) {
        const mine = [...tokens].filter(([of]) => of.startsWith(`${i} `))
        const resolved = await vault.scope(key).resolve(mine.map(([, token]) => ({ phiClass: 'name', token })))
        expect(resolved).toEqual(mine.map(([of]) => `value ${of.slice(2)}`))
        const again = await vault.scope(key).issue(mine.map(([of]) => requestOf(Number(of.slice(2)))))
        expect(again).toEqual(mine.map(([, token]) => token))
      }
    })
  }
})

/** One token for each value of a scope, and one value for each token, over all that any process has said. */
function judge(lines: readonly string[]): { tokens: Map<string, string>; values: Map<string, string> } {
  const tokens = new Map<string, string>()
  const values = new Map<string, string>()
  const problems = new Set<string>()
  for (const line of lines) {
    const [scope = '', value = '', token = ''] = line.split(' ')
    // While the store was down.
    if (line === 'failed CHP-VAULT-UNAVAILABLE') continue
    if (scope === 'failed' || token === 'none') problems.add(line)
    const of = `${scope} ${value}`
    const by = `${scope} ${token}`
    if ((tokens.get(of) ?? token) !== token) problems.add(`two tokens: ${of}`)
    if ((values.get(by) ?? value) !== value) problems.add(`two values: ${by}`)
    tokens.set(of, token)
    values.set(by, value)
  }
  expect([...problems]).toEqual([])
  return { tokens, values }
}
