import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import { SessionRegistry } from '../session/session-registry.ts'
import { type AdminApi, startAdminApi } from './admin-api.ts'
import type { PasskeyAdministration } from './passkey-routes.ts'

let directory: string
let api: AdminApi | undefined
let asked: string[] = []

beforeEach(async () => {
  asked = []
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
})
afterEach(async () => {
  await api?.close()
  api = undefined
  await rm(directory, { recursive: true, force: true })
})

const PASSKEYS: PasskeyAdministration = {
  removeAll: ({ issuer, subject }, reason) => {
    asked.push(`${issuer}/${subject}: ${reason}`)
    return subject === 'down' ? Promise.reject(new ChaperoneError('CHP-APPROVAL-UNAVAILABLE')) : Promise.resolve(2)
  },
}

async function ask(method: string, path: string, passkeys?: PasskeyAdministration) {
  const socketPath = join(directory, 'admin.sock')
  api ??= await startAdminApi(
    { kind: 'socket', path: socketPath },
    {
      registry: new SessionRegistry({ idleTimeoutMs: 1, statementTimeoutMs: () => 1 }),
      journalDirectory: directory,
      tokens: undefined,
      control: {
        kill: () => Promise.resolve(0),
        revocations: () => [],
        revoke: () => Promise.reject(new ChaperoneError('CHP-RECORD-FAILED')),
        lift: () => Promise.resolve(false),
      },
      policy: undefined,
      passkeys,
      store: () => undefined,
    },
  )
  return new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    const outgoing = request({ socketPath, path, method, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('passkeys by the admin API', () => {
  it('are taken from somebody, with a reason', async () => {
    const { status, body } = await ask('DELETE', '/v1/passkeys?issuer=clinic&subject=a%2Fnn&reason=lost', PASSKEYS)
    expect([status, body.trim(), asked]).toEqual([200, '{"removed":2}', ['clinic/a/nn: lost']])
  })

  it.each([
    '/v1/passkeys',
    '/v1/passkeys?issuer=clinic&subject=ann',
    '/v1/passkeys?issuer=clinic&subject=&reason=lost',
    '/v1/passkeys?issuer=clinic&subject=ann&reason=lost&all=1',
    '/v1/passkeys?issuer=clinic&issuer=x&subject=ann&reason=lost',
    `/v1/passkeys?issuer=clinic&subject=ann&reason=${'x'.repeat(501)}`,
    '/v1/passkeys?issuer=clinic&subject=a%0Ann&reason=lost',
  ])('are not taken by %s', async (path) => {
    expect((await ask('DELETE', path, PASSKEYS)).status).toBe(400)
    expect(asked).toEqual([])
  })

  it('are not to be read, not there without approvals, and said to be out of reach with the store', async () => {
    expect((await ask('GET', '/v1/passkeys', PASSKEYS)).status).toBe(405)
    const down = await ask('DELETE', '/v1/passkeys?issuer=clinic&subject=down&reason=lost')
    expect(down).toMatchObject({ status: 503, body: expect.stringContaining('CHP-APPROVAL-UNAVAILABLE') })
    await api?.close()
    api = undefined
    expect((await ask('DELETE', '/v1/passkeys?issuer=clinic&subject=ann&reason=lost')).status).toBe(404)
  })
})
