import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChaperoneError, ERRORS } from '../lib/errors.ts'
import { SessionRegistry } from '../session/session-registry.ts'
import { type AdminApi, type AdminApiSources, startAdminApi } from './admin-api.ts'
import type { ControlAdministration } from './control-routes.ts'
import type { TokenAdministration } from './token-routes.ts'

let directory: string
let api: AdminApi | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
})
afterEach(async () => {
  await api?.close()
  api = undefined
  await rm(directory, { recursive: true, force: true })
})

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : expect.fail('no port')
}

const NO_CONTROL: ControlAdministration = {
  kill: () => Promise.resolve(0),
  revocations: () => [],
  revoke: () => Promise.reject(new ChaperoneError('CHP-RECORD-FAILED')),
  lift: () => Promise.resolve(false),
}
const registry = new SessionRegistry({ idleTimeoutMs: 1, statementTimeoutMs: () => 1 })
const sources = (more: Partial<AdminApiSources> = {}): AdminApiSources => ({
  registry,
  journalDirectory: join(directory, 'journal'),
  tokens: undefined,
  control: NO_CONTROL,
  policy: undefined,
  passkeys: undefined,
  store: () => undefined,
  ...more,
})
const start = async (path: string, more: Partial<AdminApiSources> = {}) => {
  api = await startAdminApi({ kind: 'socket', path }, sources(more))
}

const refusal = async (path: string) => {
  const error = await startAdminApi({ kind: 'socket', path }, sources()).catch((thrown: unknown) => thrown)
  if (!(error instanceof ChaperoneError)) expect.fail(String(error))
  return error.message
}

function get(
  place: object,
  path: string,
  headers = {},
  method = 'GET',
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...place, path, method, headers }, (response) => {
      let body = ''
      response.on('data', (part: Buffer) => {
        body += part.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('the admin API', () => {
  it('answers on a socket that only its owner may open, in a directory of its own', async () => {
    const socketPath = join(directory, 'run', 'admin.sock')
    await start(socketPath)
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'run'))).mode & 0o777).toBe(0o700)
    expect(await get({ socketPath }, '/v1/health')).toEqual({ status: 200, body: '{"status":"ok","sessions":0}\n' })
    expect(JSON.parse((await get({ socketPath }, '/v1/sessions?x=1')).body)).toEqual({ sessions: [] })
  })

  it('has nothing else, and changes nothing', async () => {
    const socketPath = join(directory, 'admin.sock')
    await start(socketPath)
    const id = '00000000-0000-4000-8000-000000000000'
    for (const path of [
      '/',
      '/v1',
      `/v1/sessions/${id}`,
      '/v1/sessions/../../etc/passwd',
      `/v1/sessions/${id}/events/x`,
      '/v1/sessions/%2e%2e',
    ]) {
      expect((await get({ socketPath }, path)).status).toBe(404)
    }
    for (const method of ['POST', 'DELETE', 'PUT'])
      expect((await get({ socketPath }, '/v1/sessions', {}, method)).status).toBe(405)
  })

  it('does not take the place of a socket that somebody answers on, nor of a file', async () => {
    const socket = join(directory, 'admin.sock')
    await start(socket)
    expect(await refusal(socket)).toContain('another gateway')
    const file = join(directory, 'precious')
    await writeFile(file, 'data')
    expect(await refusal(file)).toContain('no socket')
    expect(await readFile(file, 'utf8')).toBe('data')
  })

  it('takes the place of a socket that a killed gateway left behind', async () => {
    const path = join(directory, 'admin.sock')
    const listener = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await new Promise((resolve) => execFile(process.execPath, ['-e', listener], resolve))
    expect((await stat(path)).isSocket()).toBe(true)
    await start(path)
    expect((await get({ socketPath: path }, '/v1/health')).status).toBe(200)
  })

  it('on a port answers to names of this machine only', async () => {
    const free = createServer()
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
    const port = portOf(free)
    await new Promise((resolve) => free.close(resolve))
    api = await startAdminApi({ kind: 'loopback', port }, sources({ tokens: new FakeTokens() }))
    const place = { host: '127.0.0.1', port }
    expect((await get(place, '/v1/health')).status).toBe(200)
    expect((await get(place, '/v1/health', { host: `localhost:${port}` })).status).toBe(200)
    expect((await get(place, '/v1/health', { host: 'rebound.example' })).status).toBe(403)
    // Any page in a browser on this machine could send this.
    expect((await get(place, '/v1/tokens/expire', {}, 'POST')).status).toBe(403)
    expect((await get(place, '/v1/tokens', {})).status).toBe(200)
  })

  it('tells the state of the store', async () => {
    const socketPath = join(directory, 'admin.sock')
    await start(socketPath, { store: () => ({ state: 'down', reason: 'ECONNREFUSED' }) })
    expect(JSON.parse((await get({ socketPath }, '/v1/health')).body)).toEqual({
      status: 'ok',
      sessions: 0,
      store: { state: 'down', reason: 'ECONNREFUSED' },
    })
  })
})

const SCOPE = { group: 'care', purpose: '', target: 'hospital' }

class FakeTokens implements TokenAdministration {
  readonly asked: unknown[] = []
  failure: ChaperoneError | undefined

  status = () => this.#answer('status', { currentKey: 'k', scopes: [] })
  deleteScope = (key: object) => this.#answer(key, JSON.stringify(key) === JSON.stringify(SCOPE))
  expire = () => this.#answer('expire', 3)
  rewrap = () => this.#answer('rewrap', 2)

  #answer<T>(what: unknown, value: T): Promise<T> {
    this.asked.push(what)
    return this.failure === undefined ? Promise.resolve(value) : Promise.reject(this.failure)
  }
}

const scopePath = (query: string) => `/v1/tokens/scope?${query}`
const whole = 'group=care&purpose=&target=hospital'

describe('the tokens of the admin API', () => {
  it('shows, deletes, expires and rotates', async () => {
    const socketPath = join(directory, 'admin.sock')
    const tokens = new FakeTokens()
    await start(socketPath, { tokens })
    const ask = async (method: string, path: string) => {
      const { status, body } = await get({ socketPath }, path, {}, method)
      return [status, JSON.parse(body)]
    }
    expect(await ask('GET', '/v1/tokens')).toEqual([200, { currentKey: 'k', scopes: [] }])
    expect(await ask('POST', '/v1/tokens/expire')).toEqual([200, { deleted: 3 }])
    expect(await ask('POST', '/v1/tokens/rotate-key')).toEqual([200, { rewrapped: 2 }])
    expect(await ask('DELETE', scopePath(whole))).toEqual([200, { deleted: true }])
    expect(await ask('DELETE', scopePath('group=other&purpose=&target=hospital'))).toMatchObject([404, {}])
    expect(tokens.asked).toEqual(['status', 'expire', 'rewrap', SCOPE, { ...SCOPE, group: 'other' }])
  })

  it.each([
    ['GET', '/v1/tokens/expire', 405],
    ['POST', '/v1/tokens', 405],
    ['GET', scopePath(whole), 405],
    ['POST', '/v1/tokens/anything', 404],
    ['GET', '/v1/tokens/tok_0000000000000000zz', 404],
    ['DELETE', '/v1/tokens/scope', 400],
    ['DELETE', scopePath('group=care&target=hospital'), 400],
    ['DELETE', scopePath(`${whole}&group=care`), 400],
    ['DELETE', scopePath(`${whole}&x=`), 400],
    ['GET', '/v1/tokensx', 404],
  ])('%s %s: %i, and nothing is done', async (method, path, status) => {
    const socketPath = join(directory, 'admin.sock')
    const tokens = new FakeTokens()
    await start(socketPath, { tokens })
    expect((await get({ socketPath }, path, {}, method)).status).toBe(status)
    expect(tokens.asked).toEqual([])
  })

  it('says when there are none, and when the vault does not answer', async () => {
    const socketPath = join(directory, 'admin.sock')
    await start(socketPath)
    expect((await get({ socketPath }, '/v1/tokens')).status).toBe(404)
    await api?.close()
    const other = join(directory, 'other.sock')
    const tokens = new FakeTokens()
    tokens.failure = new ChaperoneError('CHP-VAULT-UNAVAILABLE', { reason: 'ECONNREFUSED' })
    await start(other, { tokens })
    const { status, body } = await get({ socketPath: other }, '/v1/tokens/expire', {}, 'POST')
    expect(status).toBe(503)
    expect(JSON.parse(body)).toEqual({
      status: 503,
      title: ERRORS['CHP-VAULT-UNAVAILABLE'].title,
      code: 'CHP-VAULT-UNAVAILABLE',
    })
  })
})
