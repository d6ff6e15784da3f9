import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { get } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificates } from '../../demo/certificates.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import type { WebListener } from './web-listener.ts'
import type { AccessService, DelegationService } from './web-services.ts'
import {
  approvalsOf,
  ASSERTION,
  FakeDesk,
  memberOf,
  operationRequest,
  PUBLIC_URL,
  startTestListener,
} from './web-test-support.ts'

const ID = 'apr-0123456789ab'
const OTHER = 'apr-otherpool001'
const OPINION = { verdict: { kind: 'approve-once' }, rationale: 'agreed with the ward' }

const delegation: DelegationService = {
  exchange: async (form) =>
    form.get('grant_type') === 'busy'
      ? { kind: 'error', error: 'temporarily_unavailable', description: 'later' }
      : form.get('subject_token') === null
        ? { kind: 'error', error: 'invalid_request', description: 'subject_token is missing' }
        : { kind: 'token', body: { access_token: 'gateway-token', token_type: 'Bearer' } },
  jwks: () => ({ keys: [] }),
  metadata: () => ({ issuer: PUBLIC_URL }),
}

const access: AccessService = {
  requestable: ({ subject }) =>
    subject === 'stranger@example.org'
      ? []
      : [{ name: 'break-glass', targets: ['hospital'], clearance: 'clear', maxDurationMs: 3_600_000 }],
  request: async (_, { grant, durationMs, justification }) => {
    if (grant !== 'break-glass') throw new ChaperoneError('CHP-AUTH-REFUSED')
    const shown = { grant, targets: ['hospital'], clearance: 'clear', durationMs, justification }
    return operationRequest('apr-access', { chain: [memberOf('agent')], subject: { kind: 'access', shown } })
  },
}

let desk: FakeDesk
let listener: WebListener
const errors: ChaperoneError[] = []

beforeEach(async () => {
  errors.length = 0
  const foreign = { needs: [{ pools: ['privacy'], quorum: 1, rule: 'r' }] }
  desk = new FakeDesk(operationRequest(ID), operationRequest(OTHER, foreign))
  const services = { delegation, access, approvals: approvalsOf(desk) }
  listener = await startTestListener(services, { onError: (error) => errors.push(error) })
})
afterEach(() => listener.close())

interface Asked {
  readonly method?: string
  readonly as?: string
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

async function ask(path: string, { method, as, json, headers = {}, body }: Asked = {}) {
  const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, {
    method: method ?? (json === undefined && body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? (body === undefined ? {} : { body }) : { body: JSON.stringify(json) }),
    redirect: 'manual',
  })
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').includes('json')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

type Row = readonly [method: string, path: string, json: object | undefined]

const ROUTES: readonly Row[] = [
  ['GET', '/v1/me', undefined],
  ['GET', '/v1/approvals', undefined],
  ['GET', `/v1/approvals/${ID}`, undefined],
  ['POST', `/v1/approvals/${ID}/preview`, {}],
  ['POST', `/v1/approvals/${ID}/challenge`, OPINION],
  ['POST', `/v1/approvals/${ID}/decision`, OPINION],
  ['POST', `/v1/approvals/${ID}/withdrawal`, {}],
  ['GET', '/v1/passkeys', undefined],
  ['POST', '/v1/passkeys/challenge', {}],
  ['POST', '/v1/passkeys', {}],
  ['GET', '/v1/requestable-grants', undefined],
  ['GET', '/v1/access-requests', undefined],
  ['POST', '/v1/access-requests', { grant: 'break-glass', durationSeconds: 600, justification: 'on call' }],
]

describe('every route of the API', () => {
  it('is in the OpenAPI document, which has no other', async () => {
    const { body } = await ask('/v1/openapi.json')
    const documented = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const routes = ROUTES.map(([method, path]) => `${method} ${path.replace(ID, '{id}')}`)
    expect(documented.toSorted()).toEqual(routes.toSorted())
    expect(body.openapi).toBe('3.1.0')
    const references = JSON.stringify(body).match(/"#[^"]*"/g) ?? []
    const defined = new Set(Object.keys(body.components.schemas).map((name) => `"#/components/schemas/${name}"`))
    expect(references.filter((one) => !defined.has(one))).toEqual([])
  })

  it.each(ROUTES)(
    '%s %s turns away who has no token, a wrong one, one that is over or revoked',
    async (method: string, path: string, json: object | undefined) => {
      for (const as of [undefined, 'wrong', 'expired', 'revoked', '', 'a b']) {
        const answer = await ask(path, { method, ...(as === undefined ? {} : { as }), ...(json && { json }) })
        expect([as, answer.status, answer.headers.get('www-authenticate')]).toEqual([as, 401, 'Bearer'])
        expect(answer.headers.get('content-type')).toContain('application/problem+json')
        expect(answer.body.code).toMatch(/^CHP-AUTH-/)
        if (as !== 'revoked' && as !== undefined) expect(answer.body.title).toBe('the token was not accepted')
      }
      expect(
        (await ask(path, { method, headers: { authorization: 'Basic YTpi' }, ...(json && { json }) })).status,
      ).toBe(401)
      expect(desk.decided).toEqual([])
    },
  )

  it.each(ROUTES)(
    '%s %s takes nothing from another origin',
    async (method: string, path: string, json: object | undefined) => {
      const foreign = [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: `${PUBLIC_URL}.evil.example` },
        ...(method === 'GET' ? [] : [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]),
      ]
      for (const headers of foreign) {
        const answer = await ask(path, { method, as: 'ana', headers: { ...headers }, ...(json && { json }) })
        expect([headers, answer.status, answer.body.code]).toEqual([headers, 403, 'CHP-REQUEST-FORBIDDEN'])
      }
      expect(desk.decided).toEqual([])
    },
  )

  it.each(ROUTES.filter(([method]) => method === 'POST'))(
    '%s %s takes JSON of the documented form only',
    async (method: string, path: string, json: object | undefined) => {
      const text = JSON.stringify(json)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        expect((await ask(path, { method, as: 'ana', headers: { 'content-type': type }, body: text })).status).toBe(415)
      }
      const broken = await ask(path, {
        method,
        as: 'ana',
        headers: { 'content-type': 'application/json' },
        body: '{"secret-value',
      })
      expect(broken.status).toBe(400)
      expect(broken.text).not.toContain('secret-value')
      const more = await ask(path, { method, as: 'ana', json: { ...json, 'secret-name': 'secret-value' } })
      expect(more.status).toBe(400)
      expect(more.text).not.toContain('secret')
      const poisoned = {
        method,
        as: 'ana',
        headers: { 'content-type': 'application/json' },
        body: '{"__proto__":{"a":1}}',
      }
      expect((await ask(path, poisoned)).status).toBe(400)
      expect((await ask(path, { method, as: 'ana', json: { x: 'x'.repeat(70_000) } })).status).toBe(413)
      expect(desk.decided).toEqual([])
    },
  )

  it.each(ROUTES)(
    '%s %s answers with the headers that keep a browser safe',
    async (method: string, path: string, json: object | undefined) => {
      const { headers } = await ask(path, { method, as: 'ana', ...(json && { json }) })
      for (const [name, value] of Object.entries(SECURITY_HEADERS))
        expect([name, headers.get(name)]).toEqual([name, value])
      expect(headers.get('access-control-allow-origin')).toBeNull()
    },
  )
})

const seen = async (as: string) =>
  (await ask('/v1/approvals', { as })).body.requests.map(({ id }: { id: string }) => id)

describe('requests', () => {
  it('are shown to approvers of their pools and to their own chain, and to nobody else', async () => {
    expect(await seen('ana')).toEqual([ID])
    expect(await seen('agent')).toEqual([ID, OTHER])
    expect(await seen('stranger')).toEqual([])
    // In the pool by its group, but no person who acts for itself.
    for (const as of ['service', 'delegated']) expect(await seen(as)).toEqual([])
  })

  it('show neither digest nor exact statement', async () => {
    const { body, text } = await ask(`/v1/approvals/${ID}`, { as: 'ana' })
    expect(text).not.toContain('d'.repeat(64))
    expect(body).toMatchObject({ id: ID, state: 'pending', mayDecide: true, url: `${PUBLIC_URL}/approvals/${ID}` })
    expect(body.chain[1]).toEqual({
      issuer: 'dev',
      subject: 'carla@example.org',
      kind: 'human',
      name: 'Dr. Carla Care',
    })
    expect(body.subject.statement).toContain('$1')
  })

  it.each([
    ['GET', '', undefined],
    ['POST', '/preview', {}],
    ['POST', '/challenge', OPINION],
    ['POST', '/decision', OPINION],
    ['POST', '/withdrawal', {}],
  ])(
    '%s ID%s: one that is not there looks like one that is not theirs',
    async (method, rest, json: object | undefined) => {
      const answers = []
      for (const id of [OTHER, 'apr-doesnotexist', 'x', '..%2f..', '%00']) {
        const { status, body } = await ask(`/v1/approvals/${id}${rest}`, { method, as: 'ana', ...(json && { json }) })
        if (status === 400) expect(id).toMatch(/%/)
        else answers.push(JSON.stringify([status, body]))
      }
      expect(new Set(answers).size).toBe(1)
      expect(answers[0]).toContain('CHP-REQUEST-UNKNOWN')
    },
  )

  it('are decided by people who act for themselves', async () => {
    for (const as of ['agent']) {
      const answer = await ask(`/v1/approvals/${ID}/decision`, { as, json: OPINION })
      expect([answer.status, answer.body.code]).toEqual([403, 'CHP-REQUEST-FORBIDDEN'])
    }
    for (const as of ['service', 'delegated', 'stranger']) {
      expect((await ask(`/v1/approvals/${ID}/decision`, { as, json: OPINION })).status).toBe(404)
    }
    expect(desk.decided).toEqual([])
    const answer = await ask(`/v1/approvals/${ID}/decision`, { as: 'ana', json: OPINION })
    expect([answer.status, answer.body.state]).toEqual([200, 'approved'])
    expect(desk.decided).toMatchObject([
      {
        id: ID,
        approver: { member: memberOf('ana'), isDelegated: false },
        opinion: OPINION,
        proof: { kind: 'token-only' },
      },
    ])
  })

  it('hand the assertion of a passkey to the desk, and nothing that only claims it', async () => {
    const json = { ...OPINION, assertion: ASSERTION }
    expect((await ask(`/v1/approvals/${ID}/decision`, { as: 'ana', json })).status).toBe(200)
    expect(desk.decided[0]?.proof).toEqual({ kind: 'passkey', assertion: ASSERTION })
    const claimed = { ...OPINION, proof: { kind: 'passkey' } }
    expect((await ask(`/v1/approvals/${ID}/decision`, { as: 'ana', json: claimed })).status).toBe(400)
  })

  it.each([
    ['no rationale', { verdict: { kind: 'approve-once' } }],
    ['an empty rationale', { ...OPINION, rationale: '' }],
    ['a long rationale', { ...OPINION, rationale: 'x'.repeat(2001) }],
    ['an unknown verdict', { ...OPINION, verdict: { kind: 'approve' } }],
    ['a time without minutes', { ...OPINION, verdict: { kind: 'approve-timed' } }],
    ['no minute', { ...OPINION, verdict: { kind: 'approve-timed', minutes: 0 } }],
    ['half a minute', { ...OPINION, verdict: { kind: 'approve-timed', minutes: 1.5 } }],
    ['minutes for once', { ...OPINION, verdict: { kind: 'approve-once', minutes: 5 } }],
    ['somebody else as its author', { ...OPINION, by: memberOf('ben') }],
    ['a list', [OPINION]],
    ['null', null],
  ])('refuse a decision with %s', async (_, json) => {
    expect((await ask(`/v1/approvals/${ID}/decision`, { as: 'ana', json })).status).toBe(400)
    expect(desk.decided).toEqual([])
  })

  it('say so when the desk says no, or cannot be reached', async () => {
    desk.requests.set(ID, operationRequest(ID, { chain: [memberOf('ana')] }))
    const own = await ask(`/v1/approvals/${ID}/decision`, { as: 'ana', json: OPINION })
    expect([own.status, own.body.code, own.body.title]).toEqual([
      409,
      'CHP-APPROVAL-INVALID',
      'nobody decides about their own request',
    ])
    desk.failure = new ChaperoneError('CHP-APPROVAL-UNAVAILABLE', { reason: 'ECONNREFUSED 10.0.0.1' })
    const down = await ask('/v1/approvals', { as: 'ana' })
    expect([down.status, down.body.code]).toEqual([503, 'CHP-APPROVAL-UNAVAILABLE'])
    expect(down.text).not.toContain('ECONNREFUSED')
    expect(errors.map(({ code }) => code)).toEqual(['CHP-APPROVAL-UNAVAILABLE'])
  })

  it('are withdrawn by their chain alone', async () => {
    expect((await ask(`/v1/approvals/${ID}/withdrawal`, { as: 'ana', json: {} })).status).toBe(403)
    expect((await ask(`/v1/approvals/${ID}/withdrawal`, { as: 'agent', json: {} })).status).toBe(200)
  })
})

describe('access requests', () => {
  it('are made for grants that are given on request', async () => {
    const json = { grant: 'break-glass', durationSeconds: 600, justification: 'on call tonight' }
    const made = await ask('/v1/access-requests', { as: 'agent', json })
    expect([made.status, made.body.subject.durationSeconds]).toEqual([201, 600])
    expect((await ask('/v1/access-requests', { as: 'agent', json: { ...json, grant: 'other' } })).status).toBe(403)
    expect((await ask('/v1/requestable-grants', { as: 'stranger' })).body).toEqual({ grants: [] })
    expect((await ask('/v1/access-requests', { as: 'agent' })).body).toEqual({ requests: [] })
  })
})

describe('token exchange', () => {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const exchange = (form: string, headers: Record<string, string> = type) =>
    ask('/oauth/token', { body: form, headers })

  it('answers as RFC 6749 says', async () => {
    const good = await exchange('subject_token=a&audience=x&audience=y')
    expect([good.status, good.body, good.headers.get('cache-control')]).toEqual([
      200,
      { access_token: 'gateway-token', token_type: 'Bearer' },
      'no-store',
    ])
    const bad = await exchange('grant_type=x')
    expect([bad.status, bad.body]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'subject_token is missing' },
    ])
    expect((await exchange('grant_type=busy')).status).toBe(503)
  })

  it('takes a form, of a bounded size, from no other site', async () => {
    expect((await exchange('{}', { 'content-type': 'application/json' })).status).toBe(415)
    expect((await exchange(`subject_token=${'x'.repeat(70_000)}`)).status).toBe(413)
    expect((await exchange('subject_token=a', { ...type, origin: 'https://evil.example' })).status).toBe(403)
    expect((await ask('/oauth/token?subject_token=a')).status).toBe(404)
  })

  it('is described', async () => {
    expect((await ask('/.well-known/oauth-authorization-server')).body).toEqual({ issuer: PUBLIC_URL })
    expect((await ask('/.well-known/jwks.json')).body).toEqual({ keys: [] })
    expect((await ask('/.well-known/chaperone')).body).toMatchObject({
      url: PUBLIC_URL,
      postgres: { host: 'db.example.org', port: 5432 },
      tokenEndpoint: `${PUBLIC_URL}/oauth/token`,
    })
  })
})

async function statuses(as: string, count: number) {
  const found: Awaited<ReturnType<typeof ask>>[] = []
  while (found.length < count)
    found.push(...(await Promise.all(Array.from({ length: 50 }, () => ask('/v1/me', { as })))))
  return found
}

describe('the listener', () => {
  it('has nothing else, and nothing that is not configured', async () => {
    for (const path of [
      '/v1',
      '/v1/approvalsx',
      '/static/../web-listener.ts',
      '/static/%2e%2e%2fpackage.json',
      '/v1/approvals/a/b',
    ]) {
      const { status, body } = await ask(path, { as: 'ana' })
      expect([path, status, body.code]).toEqual([path, 404, 'CHP-REQUEST-UNKNOWN'])
    }
    expect((await ask('/v1/approvals', { method: 'DELETE', as: 'ana' })).status).toBe(404)
    const bare = await startTestListener({})
    try {
      const at = (path: string) =>
        fetch(`http://127.0.0.1:${bare.port}${path}`, { headers: { authorization: 'Bearer ana' } })
      for (const path of ['/v1/approvals', '/v1/access-requests', '/approvals', '/.well-known/jwks.json', '/sign-in'])
        expect([path, (await at(path)).status]).toEqual([path, 404])
      expect(await (await at('/v1/health')).json()).toEqual({ status: 'ok' })
      expect((await at('/v1/me')).status).toBe(200)
    } finally {
      await bare.close()
    }
  })

  it('tells nothing of what broke inside', async () => {
    desk.list = async () => {
      throw new TypeError('value of patient 4711')
    }
    const { status, text } = await ask('/v1/approvals', { as: 'ana' })
    expect(status).toBe(500)
    expect(text).not.toContain('4711')
    expect(text).not.toMatch(/TypeError|\.ts/)
    expect(errors.map(({ code }) => code)).toEqual(['CHP-INTERNAL'])
  })

  it('says what is wrong with what is not HTTP, and ends the connection', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(listener.port, '127.0.0.1', () => socket.write('this is not http\r\n\r\n'))
      socket.on('data', (part: Buffer) => (text += part.toString()))
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).not.toContain('this is not http')
  })

  it('limits how often one subject, and one address, may ask', async () => {
    const subject = await statuses('ana', 650)
    expect(subject.filter(({ status }) => status === 200)).toHaveLength(600)
    const refused = subject.at(-1)
    expect([refused?.status, refused?.body.code]).toEqual([429, 'CHP-LIMIT-EXCEEDED'])
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    const address = await statuses('ben', 600)
    expect(address.filter(({ status }) => status === 200)).toHaveLength(550)
  })

  it('speaks TLS where it has a certificate, and asks browsers to keep to it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
    try {
      const { caFile, serverCertFile, serverKeyFile } = await makeCertificates(directory)
      const tls = { certificate: await readFile(serverCertFile, 'utf8'), key: await readFile(serverKeyFile, 'utf8') }
      const secure = await startTestListener({}, { tls })
      try {
        const ca = await readFile(caFile, 'utf8')
        const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
          get({ host: 'localhost', port: secure.port, path: '/v1/health', ca }, (response) => {
            response.resume()
            resolve(response.headers)
          }).on('error', reject)
        })
        expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/)
        await expect(fetch(`http://127.0.0.1:${secure.port}/v1/health`)).rejects.toThrow()
      } finally {
        await secure.close()
      }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  it('shows its page to nobody without a sign-in', async () => {
    for (const path of ['/approvals', `/approvals/${ID}`, '/passkeys', '/access']) {
      const { status, text } = await ask(path, { as: 'ana' })
      expect([path, status]).toEqual([path, 401])
      expect(text).not.toContain('UPDATE')
    }
  })
})
