import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminAsk } from '../../cli/admin-client.ts'
import type { DemoClient } from '../../demo/environment.ts'
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../src/identity/gateway-tokens/exchange-request.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { freePort } from './exchange-bed.ts'

let bed: Testbed
let url: string

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  bed = await startTestbed({
    patients: 20,
    configure: (document) => {
      document['listen'].web = { host: '127.0.0.1', port, publicUrl: url }
      document['delegation'] = { lifetime: '5m' }
    },
  })
})
afterAll(() => bed?.stop())

async function exchanged(
  form: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: TOKEN_EXCHANGE_GRANT, ...form }),
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- RFC 6749 says so
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** A token of the first on behalf of the second. */
async function acting(
  holder: DemoClient,
  origin: DemoClient,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { status, body } = await exchanged({
    subject_token: await bed.token(origin),
    subject_token_type: ACCESS_TOKEN_TYPE,
    actor_token: await bed.token(holder),
    actor_token_type: ACCESS_TOKEN_TYPE,
    ...more,
  })
  expect([status, body['error_description']]).toEqual([200, undefined])
  return String(body['access_token'])
}

const NAME = 'select last_name from hospital.patients limit 1'

describe('a token of the gateway', () => {
  it('opens a session with the rights of the whole chain, and the journal names it', async () => {
    const officer = await bed.connect('officer')
    const { rows: clear } = await officer.query(NAME)
    let masked: readonly unknown[] = []
    const headers = await bed.recorded(
      async () => {
        const token = await acting('officer', 'agent', { purpose: 'TREAT', run: 'run-1' })
        const client = await bed.connect('officer', { token })
        masked = (await client.query(NAME)).rows
        await client.end()
      },
      (written) => written.some(({ kind }) => kind === 'session-end'),
    )
    // The officer sees everything, but not on behalf of an agent that does not.
    expect(masked).toHaveLength(1)
    expect(masked).not.toEqual(clear)
    const told = JSON.stringify(headers)
    for (const word of ['TREAT', 'run-1', 'delegation.exchange']) expect(told).toContain(word)
    const started = JSON.stringify(headers.find(({ kind }) => kind === 'session-start'))
    expect(started).toContain('dev/agent:care')
    expect(started).toContain('officer')
  })

  it('is not issued for a chain with a member that has no rights, and not accepted elsewhere or changed', async () => {
    const { status, body } = await exchanged({
      subject_token: await bed.token('stranger'),
      subject_token_type: ACCESS_TOKEN_TYPE,
      actor_token: await bed.token('agent'),
      actor_token_type: ACCESS_TOKEN_TYPE,
    })
    expect([status, body['error']]).toEqual([400, 'invalid_target'])
    const token = await acting('agent', 'officer')
    const [head, , signature] = token.split('.')
    const forged = `${head}.${Buffer.from(JSON.stringify({ iss: url, aud: url, sub: 'x' })).toString('base64url')}.${signature}`
    await expect(bed.connect('agent', { token: forged })).rejects.toMatchObject({ code: '28P01' })
  })

  it('ends its sessions within a second when somebody of the chain is revoked', async () => {
    const token = await acting('agent', 'officer')
    const client = await bed.connect('agent', { token })
    const other = await bed.connect('agent')
    await client.query('select 1')
    const ended = new Promise<number>((resolve) => client.once('end', () => resolve(performance.now())))
    const { name: issuer } = bed.config.issuers[0] ?? expect.fail('no issuer')
    const revoked = `${issuer}/${await subjectOf('officer')}`
    const query = new URLSearchParams({ what: 'principal', value: revoked, reason: 'left' }).toString()
    const before = performance.now()
    const { status, body } = await adminAsk(bed.config.admin, 'POST', `/v1/revocations?${query}`)
    expect([status < 300, body]).toEqual([true, expect.any(String)])
    expect((await ended) - before).toBeLessThan(1500)
    await other.query('select 1')
    await expect(bed.connect('agent', { token })).rejects.toMatchObject({ code: '28000' })
    const again = await exchanged({ subject_token: token, subject_token_type: ACCESS_TOKEN_TYPE })
    expect(again.body['error']).toBe('invalid_request')
  })
})

async function subjectOf(who: DemoClient): Promise<string> {
  const [, claims = ''] = (await bed.token(who)).split('.')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the demo's own token
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string }).sub
}
