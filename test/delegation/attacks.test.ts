import { createHash, createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminAsk } from '../../cli/admin-client.ts'
import type { DemoClient } from '../../demo/environment.ts'
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../src/identity/gateway-tokens/exchange-request.ts'
import { type ConfigDocument, DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { freePort } from './exchange-bed.ts'

let bed: Testbed
let url: string

function configure(document: ConfigDocument): void {
  document['delegation'] = { lifetime: '5m' }
  const { targets, grants, phi } = document
  for (const name of ['ceiling', 'purposeful', 'alone', 'for-officers']) {
    targets[name] = { ...targets[DEMO_TARGET], database: targets[DEMO_TARGET].database }
    phi.labels[name] = phi.labels[DEMO_TARGET]
  }
  const agents = [{ group: 'care-agents' }]
  const officers = [{ group: 'privacy-officers', kind: 'human' }]
  grants.push(
    { name: 'ceiling', principals: officers, targets: ['ceiling'], use: 'delegation' },
    { name: 'ceiling-agents', principals: agents, targets: ['ceiling'] },
    { name: 'purposeful', principals: agents, targets: ['purposeful'], purposes: ['TREAT'] },
    { name: 'alone', principals: [...agents, ...officers], targets: ['alone'], chain: 'none' },
    {
      name: 'for-officers',
      principals: agents,
      targets: ['for-officers'],
      chain: { onBehalfOf: officers, maxLength: 2 },
    },
    { name: 'for-officers-delegation', principals: officers, targets: ['for-officers'], use: 'delegation' },
  )
}

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  bed = await startTestbed({
    patients: 5,
    configure: (document) => {
      document['listen'].web = { host: '127.0.0.1', port, publicUrl: url }
      configure(document)
    },
  })
}, 120_000)
afterAll(() => bed?.stop())

type Form = Readonly<Record<string, string>>

async function ask(form: Form): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const types = Object.fromEntries(
    ['subject_token', 'actor_token'].flatMap((name) => (name in form ? [[`${name}_type`, ACCESS_TOKEN_TYPE]] : [])),
  )
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: TOKEN_EXCHANGE_GRANT, ...types, ...form }),
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- RFC 6749 says so
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function issued(form: Form): Promise<string> {
  const { status, body } = await ask(form)
  expect([status, body['error_description']]).toEqual([200, undefined])
  return String(body['access_token'])
}

const acting = async (holder: DemoClient, origin: DemoClient, more: Form = {}): Promise<string> =>
  issued({ subject_token: await bed.token(origin), actor_token: await bed.token(holder), ...more })

/** What comes of a login with a token. */
async function opens(token: string, database = DEMO_TARGET): Promise<string> {
  try {
    const client = await bed.connect('agent', { token, database })
    await client.end()
    return 'open'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('tokens that are not what they say', () => {
  it('are taken by neither listener, and nothing of them is told', async () => {
    const good = await acting('agent', 'officer')
    const [head = '', payload = '', signature = ''] = good.split('.')
    const header = decodeProtectedHeader(good)
    const claims = decodeJwt(good)
    const { privateKey } = generateKeyPairSync('ed25519')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- RFC 7517 says so
    const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }
    const pem = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
    const hmac = `${encoded({ ...header, alg: 'HS256' })}.${payload}`
    const signed = (more: object, protectedMore: object = {}) =>
      new SignJWT({ ...claims, ...more })
        .setProtectedHeader({ ...header, alg: 'EdDSA', ...protectedMore })
        .sign(privateKey)
    const officer = await bed.token('officer')
    const [officerHead, , officerSignature] = officer.split('.')
    const tokens = [
      `${encoded({ ...header, alg: 'none' })}.${payload}.`,
      `${encoded({ ...header, alg: 'none' })}.${payload}.${signature}`,
      `${hmac}.${createHmac('sha256', pem).update(hmac).digest('base64url')}`,
      await signed({}),
      await signed({}, { kid: 'another' }),
      await signed({}, { jwk: keys[0] }),
      `${encoded({ ...header, crit: ['exp'] })}.${payload}.${signature}`,
      await signed({ iss: bed.config.issuers[0]?.issuer }),
      await signed({ iss: 'https://another-gateway.example' }),
      `${encoded({ ...header, typ: 'id_token+jwt' })}.${payload}.${signature}`,
      `${head}.${encoded({ ...claims, exp: 9_999_999_999 })}.${signature}`,
      `${officerHead}.${payload}.${officerSignature}`,
      `${head}.${payload}.${signature.slice(0, -8)}`,
      `${good}.x`,
      'not-a-token',
      'x'.repeat(20_000),
    ]
    for (const token of tokens) {
      expect([token.slice(0, 40), await opens(token)]).toEqual([token.slice(0, 40), '28P01'])
      for (const form of [{ subject_token: token }, { subject_token: officer, actor_token: token }]) {
        const { status, body } = await ask(form)
        expect([status, body['error']]).toEqual([400, 'invalid_request'])
        expect(JSON.stringify(body)).not.toContain(token.slice(-20))
      }
    }
    expect(await opens(good)).toBe('open')
    const log = bed.log.join('')
    for (const token of [good, officer]) expect(log).not.toContain(token.split('.')[2])
  })
})

describe('a chain', () => {
  it('is not undone, widened or turned round by another exchange', async () => {
    const narrow = await acting('agent', 'officer', {
      patients: '7',
      purpose: 'TREAT',
      run: 'r1',
      audience: DEMO_TARGET,
    })
    const before = decodeJwt(narrow)
    expect(await opens(narrow)).toBe('open')
    expect(await opens(narrow, 'ceiling')).toBe('28000')
    for (const form of [
      { patients: '8' },
      { purpose: 'HRESCH' },
      { run: 'r2' },
      { audience: 'ceiling' },
      { resource: `${url}/targets/ceiling` },
      { actor_token: await bed.token('agent') },
      { actor_token: await bed.token('officer') },
      { actor_token: narrow },
    ])
      expect([form, (await ask({ subject_token: narrow, ...form })).status]).toEqual([form, 400])
    const again = decodeJwt(await issued({ subject_token: narrow, expires_in: '100000', audience: url, patients: '7' }))
    expect(again.exp).toBeLessThanOrEqual(before.exp ?? 0)
    expect(again['purpose_of_use']).toBe('TREAT')
    const details = (token: typeof again) => JSON.parse(JSON.stringify(token['chaperone']))
    for (const name of ['chain', 'patients', 'targets', 'run'])
      expect(details(again)[name]).toEqual(details(before)[name])
    // Who acts for others brings no chain of its own.
    expect((await ask({ subject_token: await bed.token('officer'), actor_token: narrow })).status).toBe(400)
    const own = await bed.token('agent')
    expect((await ask({ subject_token: own, actor_token: own })).status).toBe(400)
  })

  it('has what its place gives it: ceilings are no access, and grants for chains are for chains', async () => {
    const [agent, officer] = [await bed.token('agent'), await bed.token('officer')]
    const [forOfficer, forAgent] = [await acting('agent', 'officer'), await acting('officer', 'agent')]
    expect(await opens(officer, 'ceiling')).toBe('28000')
    expect(await opens(forOfficer, 'ceiling')).toBe('open')
    expect(await opens(forAgent, 'ceiling')).toBe('28000')
    expect(await opens(agent, 'alone')).toBe('open')
    expect(await opens(forOfficer, 'alone')).toBe('28000')
    expect(await opens(agent, 'for-officers')).toBe('28000')
    expect(await opens(forAgent, 'for-officers')).toBe('28000')
    expect(await opens(forOfficer, 'for-officers')).toBe('open')
    expect(await opens(agent, 'purposeful')).toBe('28000')
    expect(await opens(await issued({ subject_token: agent, purpose: 'TREAT' }), 'purposeful')).toBe('open')
    const { status, body } = await ask({ subject_token: agent, purpose: 'HRESCH', audience: 'purposeful' })
    expect([status, body['error']]).toEqual([400, 'invalid_target'])
  })
})

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 16)

describe('revocation', () => {
  it('of what a token was made of ends its sessions within a second', { timeout: 60_000 }, async () => {
    const whats: readonly ((subject: string, actor: string, made: string) => Form)[] = [
      (subject) => ({ what: 'token', value: digestOf(subject) }),
      (_, actor) => ({ what: 'token', value: digestOf(actor) }),
      (subject) => ({ what: 'tokenId', issuer: String(decodeJwt(subject).iss), value: String(decodeJwt(subject).jti) }),
      (_, actor) => ({ what: 'tokenId', issuer: String(decodeJwt(actor).iss), value: String(decodeJwt(actor).jti) }),
      (_, __, made) => ({ what: 'tokenId', issuer: url, value: String(decodeJwt(made).jti) }),
      () => ({ what: 'run', value: 'a-run' }),
    ]
    for (const what of whats) {
      const [subject, actor] = [await bed.token('officer'), await bed.token('agent')]
      const made = await issued({ subject_token: subject, actor_token: actor, run: 'a-run' })
      const narrowed = await issued({ subject_token: made, patients: '7' })
      const unrelated = await bed.connect('agent', { token: await acting('agent', 'officer') })
      const clients = await Promise.all([made, narrowed].map((token) => bed.connect('agent', { token })))
      const ended = Promise.all(
        clients.map((client) => new Promise<number>((resolve) => client.once('end', () => resolve(performance.now())))),
      )
      const query = new URLSearchParams({ ...what(subject, actor, made), reason: 'attack' }).toString()
      const before = performance.now()
      const { status, body } = await adminAsk(bed.config.admin, 'POST', `/v1/revocations?${query}`)
      expect([query, status < 300, body]).toEqual([query, true, expect.any(String)])
      expect(Math.max(...(await ended)) - before).toBeLessThan(1500)
      expect(await opens(narrowed)).toBe('28000')
      expect((await ask({ subject_token: narrowed })).status).toBe(400)
      await unrelated.query('select 1')
      await unrelated.end()
    }
  })
})
