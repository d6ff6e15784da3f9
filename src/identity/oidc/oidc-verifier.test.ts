import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { CompactSign, type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import { isVerified } from '../verified-identity.ts'
import type { IssuerSettings } from './issuer-settings.ts'
import { type IssuerWarning, OidcVerifier, type OidcVerifierOptions } from './oidc-verifier.ts'

interface SigningKey {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
  readonly algorithm: string
}

const START = Date.parse('2026-03-01T12:00:00Z')
const HOUR = 3600_000

/** An issuer whose every answer the test decides. */
class TestIssuer {
  readonly #server: Server
  readonly requests: string[] = []
  keys: JWK[] = []
  discovery: Record<string, unknown> = {}
  answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests.push(request.url ?? '')
      if (this.answer?.(request, response)) return
      if (request.url === '/.well-known/openid-configuration') {
        response.end(JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys`, ...this.discovery }))
      } else response.end(JSON.stringify({ keys: this.keys }))
    })
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening')
    return `http://127.0.0.1:${address.port}`
  }

  /** How often the keys were asked for. */
  get keyRequests(): number {
    return this.requests.filter((url) => url === '/keys').length
  }

  reset(keys: JWK[]): void {
    this.requests.length = 0
    this.keys = keys
    this.discovery = {}
    this.answer = undefined
  }

  fail(): void {
    this.answer = (_, response) => {
      response.writeHead(503).end('{}')
      return true
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

async function makeKey(algorithm: string, kid: string, options = {}): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true, ...options })
  return { privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }, algorithm }
}

const issuer = new TestIssuer()
let first: SigningKey
let second: SigningKey
let rsa: SigningKey
let stranger: SigningKey
let now: number
let warnings: IssuerWarning[]
const open: OidcVerifier[] = []

beforeAll(async () => {
  ;[first, second, rsa, stranger] = await Promise.all([
    makeKey('ES256', 'first'),
    makeKey('ES256', 'second'),
    makeKey('RS256', 'rsa'),
    makeKey('ES256', 'first'),
  ])
  await issuer.start()
})
afterAll(() => issuer.stop())

beforeEach(() => {
  issuer.reset([first.jwk, rsa.jwk])
  now = START
  warnings = []
})
afterEach(() => {
  for (const verifier of open.splice(0)) verifier.close()
})

function settingsWith(change: Partial<IssuerSettings> = {}): IssuerSettings {
  return {
    name: 'main',
    issuer: issuer.url,
    audiences: ['chaperone', 'chaperone-2'],
    algorithms: ['ES256', 'RS256', 'EdDSA'],
    clockSkewSeconds: 30,
    maxLifetimeSeconds: 3600,
    claims: {
      subject: 'sub',
      groups: 'groups',
      name: 'name',
      kind: { claim: 'kind', values: { agent: 'agent', person: 'human' } },
    },
    requiredClaims: { tenant: 'north' },
    allowInsecureLoopback: true,
    jwksCacheSeconds: 600,
    jwksStaleSeconds: 1800,
    jwksCooldownSeconds: 30,
    ...change,
  }
}

function makeVerifier(change: Partial<IssuerSettings> = {}, options: OidcVerifierOptions = {}): OidcVerifier {
  const verifier = new OidcVerifier([settingsWith(change)], {
    clock: () => now,
    onWarning: (warning) => warnings.push(warning),
    ...options,
  })
  open.push(verifier)
  return verifier
}

async function started(change: Partial<IssuerSettings> = {}, options: OidcVerifierOptions = {}): Promise<OidcVerifier> {
  const verifier = makeVerifier(change, options)
  await verifier.start()
  return verifier
}

function claimsNow(): Record<string, unknown> {
  const seconds = now / 1000
  return {
    iss: issuer.url,
    sub: 'agent-7',
    aud: 'chaperone',
    iat: seconds,
    exp: seconds + 600,
    kind: 'agent',
    groups: ['readers'],
    tenant: 'north',
  }
}

/** Signs claims that may be nonsense, which SignJWT's setters would not let through. */
async function token(
  change: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key = first,
): Promise<string> {
  const claims = Object.fromEntries(
    Object.entries({ ...claimsNow(), ...change }).filter(([, value]) => value !== undefined),
  )
  const protectedHeader = Object.fromEntries(
    Object.entries({ alg: key.algorithm, kid: key.jwk.kid, typ: 'at+jwt', ...header }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: key.algorithm, ...protectedHeader })
    .sign(key.privateKey)
}

function signText(claims: string): Promise<string> {
  return new CompactSign(Buffer.from(claims)).setProtectedHeader({ alg: 'ES256', kid: 'first' }).sign(first.privateKey)
}

async function rejection(verifier: OidcVerifier, text: string): Promise<IdentityRejected> {
  try {
    await verifier.verify(text)
  } catch (error) {
    if (error instanceof IdentityRejected) return error
    throw error
  }
  throw new Error('the token was accepted')
}

const reason = async (verifier: OidcVerifier, text: string) => (await rejection(verifier, text)).reason
const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('OidcVerifier', () => {
  it('accepts a token and says whom it stands for', async () => {
    const verifier = await started()
    const identity = await verifier.verify(await token({ name: 'Agent Seven', aud: ['other', 'chaperone-2'] }))
    expect(isVerified(identity)).toBe(true)
    expect(identity).toMatchObject({
      principal: { issuer: 'main', subject: 'agent-7', kind: 'agent', groups: ['readers'], name: 'Agent Seven' },
      issuerUrl: issuer.url,
      audience: 'chaperone-2',
      issuedAt: START,
      expiresAt: START + 630_000,
    })
    expect(identity.tokenDigest).toMatch(/^[0-9a-f]{16}$/)
    expect(warnings).toEqual([])
  })

  it('accepts RS256 and EdDSA keys, tokens without typ, and a key without kid', async () => {
    const edwards = await makeKey('EdDSA', 'edwards')
    const { kid: _, ...anonymous } = edwards.jwk
    issuer.keys = [rsa.jwk, anonymous]
    const verifier = await started()
    for (const text of [
      await token({}, {}, rsa),
      await token({}, { typ: 'JWT' }, rsa),
      await token({}, { kid: undefined, typ: undefined }, edwards),
    ]) {
      expect(isVerified(await verifier.verify(text))).toBe(true)
    }
  })

  it('tries the few keys that come into question when the token names none', async () => {
    issuer.keys = [first.jwk, second.jwk]
    const verifier = await started()
    expect(isVerified(await verifier.verify(await token({}, { kid: undefined }, second)))).toBe(true)
    expect(await reason(verifier, await token({}, { kid: undefined }, stranger))).toBe('signature')
  })

  it('answers at once for a token it knows, until it expires', async () => {
    const verifier = await started()
    const text = await token()
    const pending = verifier.verify(text)
    expect(pending).toBeInstanceOf(Promise)
    expect(verifier.verify(text)).toBe(pending)
    const identity = await pending
    expect(verifier.verify(text)).toBe(identity)
    issuer.fail()
    now = START + 599_999
    expect(verifier.verify(text)).toBe(identity)
    now = START + 630_000 - 1
    expect(isVerified(await verifier.verify(text))).toBe(true)
    now = START + 630_000
    expect(await reason(verifier, text)).toBe('expired')
  })

  it('remembers a bounded number of tokens', async () => {
    const verifier = await started({}, { maxCachedTokens: 2 })
    const texts = await Promise.all(['a', 'b', 'c'].map((sub) => token({ sub })))
    for (const text of texts) await verifier.verify(text)
    expect(texts.map((text) => verifier.verify(text) instanceof Promise)).toEqual([true, false, false])
  })

  it('remembers a rejection for a short time only, and throws it at once', async () => {
    const verifier = await started()
    const text = await token({ tenant: 'south' })
    expect(await reason(verifier, text)).toBe('claim-mismatch')
    expect(() => verifier.verify(text)).toThrow(IdentityRejected)
    now += 10_000
    const again = verifier.verify(text)
    expect(again).toBeInstanceOf(Promise)
    await expect(again).rejects.toMatchObject({ reason: 'claim-mismatch' })
  })
})

describe('what is rejected', () => {
  it.each([
    ['malformed', { iat: 'now' }],
    ['malformed', { exp: '9999999999' }],
    ['malformed', { nbf: {} }],
    ['malformed', { iss: ['https://a.example'] }],
    ['issuer-unknown', { iss: 'https://issuer.example' }],
    ['issuer-unknown', { iss: '' }],
    ['audience', { aud: 'other' }],
    ['audience', { aud: ['other', 'chaperone '] }],
    ['audience', { aud: [] }],
    ['audience', { aud: { chaperone: true } }],
    ['audience', { aud: ['chaperone', 7] }],
    ['claim-missing', { aud: undefined }],
    ['claim-missing', { exp: undefined }],
    ['claim-missing', { iat: undefined }],
    ['claim-missing', { iss: undefined }],
    ['claim-missing', { sub: undefined }],
    ['claim-missing', { tenant: undefined }],
    ['claim-mismatch', { tenant: 'south' }],
    ['claim-mismatch', { groups: { admins: true } }],
    ['kind-unknown', { kind: 'robot' }],
    ['kind-unknown', { kind: undefined }],
    ['lifetime-too-long', { exp: START / 1000 + 3601 }],
    ['expired', { iat: START / 1000 - 700, exp: START / 1000 - 100 }],
    ['not-yet-valid', { nbf: START / 1000 + 31 }],
    ['not-yet-valid', { iat: START / 1000 + 31 }],
  ])('%s: %j', async (expected, change) => {
    const verifier = await started()
    expect(await reason(verifier, await token(change))).toBe(expected)
  })

  it('accepts a listed audience that is there twice', async () => {
    const verifier = await started()
    const identity = await verifier.verify(await token({ aud: ['chaperone', 'chaperone', 'other'] }))
    expect(identity.audience).toBe('chaperone')
  })

  it('numbers that are no times', async () => {
    const verifier = await started()
    const base = JSON.stringify({ ...claimsNow(), exp: undefined })
    expect(await reason(verifier, await signText(base.replace('}', ',"exp":1e999}')))).toBe('malformed')
    // Of two members with one name the last counts, for everybody who reads the claims.
    expect(await reason(verifier, await signText(base.replace('}', `,"exp":${START / 1000 + 60},"exp":1}`)))).toBe(
      'expired',
    )
  })

  it('unsigned tokens', async () => {
    const verifier = await started()
    for (const alg of ['none', 'None', 'NONE']) {
      expect(await reason(verifier, `${segment({ alg })}.${segment(claimsNow())}.`)).toBe('unsigned')
      expect(await reason(verifier, `${segment({ alg })}.${segment(claimsNow())}.AAAA`)).toBe('unsigned')
    }
    const [header, payload] = (await token()).split('.')
    expect(await reason(verifier, `${header}.${payload}.`)).toBe('unsigned')
  })

  it('tokens signed with a public key as a shared secret', async () => {
    const verifier = await started()
    for (const secret of [await exportSPKI(rsa.publicKey), JSON.stringify(rsa.jwk), rsa.jwk.n ?? '']) {
      const input = `${segment({ alg: 'HS256', kid: 'rsa' })}.${segment(claimsNow())}`
      const signature = createHmac('sha256', secret).update(input).digest('base64url')
      expect(await reason(verifier, `${input}.${signature}`)).toBe('algorithm')
    }
    // Settings that would allow it are refused before any token is seen.
    for (const algorithm of ['HS256', 'none', 'RSA-OAEP', 'A128KW']) {
      expect(() => makeVerifier({ algorithms: ['ES256', algorithm] })).toThrow(/not a public-key signature/)
    }
  })

  it('algorithms that are not configured, or that do not fit the key', async () => {
    const verifier = await started({ algorithms: ['ES256'] })
    expect(await reason(verifier, await token({}, {}, rsa))).toBe('algorithm')
    const both = await started()
    const [, payload, signature] = (await token()).split('.')
    // The kid names an EC key, the header says RSA.
    const text = `${segment({ alg: 'RS256', kid: 'first' })}.${payload}.${signature}`
    expect(await reason(both, text)).toBe('key-unknown')
  })

  it('signatures of other keys, and changed tokens', async () => {
    const verifier = await started()
    expect(await reason(verifier, await token({}, {}, stranger))).toBe('signature')
    const [header, , signature] = (await token()).split('.')
    const promoted = segment({ ...claimsNow(), groups: ['admins'] })
    expect(await reason(verifier, `${header}.${promoted}.${signature}`)).toBe('signature')
    expect(await reason(verifier, `${header}.${promoted}.AAAA`)).toBe('signature')
  })

  it('keys that the token brings or points to', async () => {
    const verifier = await started()
    const before = issuer.requests.length
    const evil = { jwk: stranger.jwk, jku: `${issuer.url}/evil`, x5u: `${issuer.url}/evil`, x5c: ['AAAA'] }
    const sign = (header: object) =>
      new SignJWT(claimsNow()).setProtectedHeader({ alg: 'ES256', ...header }).sign(stranger.privateKey)
    expect(await reason(verifier, await sign({ ...evil, kid: 'first' }))).toBe('signature')
    expect(await reason(verifier, await sign(evil))).toBe('signature')
    expect(issuer.requests.slice(before)).toEqual([])
    // The same fields do no harm to a token that is genuine.
    const genuine = await new SignJWT(claimsNow())
      .setProtectedHeader({ alg: 'ES256', kid: 'first', ...evil })
      .sign(first.privateKey)
    expect(isVerified(await verifier.verify(genuine))).toBe(true)
  })

  it('key ids that try to be something else', async () => {
    const verifier = await started()
    for (const kid of ['../../etc/passwd', "' OR 1=1 --", '__proto__', 'constructor', '', 'FIRST', 'first\0']) {
      expect(await reason(verifier, await token({}, { kid }))).toBe('key-unknown')
    }
    for (const kid of [7, ['first'], { first: 1 }, 'x'.repeat(513)]) {
      const [, payload, signature] = (await token()).split('.')
      expect(await reason(verifier, `${segment({ alg: 'ES256', kid })}.${payload}.${signature}`)).toBe('malformed')
    }
  })

  it('critical extensions and other types of token', async () => {
    const verifier = await started()
    const [, payload, signature] = (await token()).split('.')
    for (const header of [
      { crit: ['exp'], exp: 1 },
      { crit: ['b64'], b64: false },
      { crit: [] },
      { typ: 'logout+jwt' },
      { typ: 'dpop+jwt' },
      { typ: 7 },
      { alg: 7 },
      { alg: undefined },
    ]) {
      const text = `${segment({ alg: 'ES256', kid: 'first', ...header })}.${payload}.${signature}`
      expect(await reason(verifier, text)).toBe('malformed')
    }
  })

  it('text that is no token', async () => {
    const verifier = await started()
    const good = await token()
    for (const text of [
      '',
      '.',
      '..',
      'a.b.c',
      'password',
      `${good}.x.y`,
      good.replace('.', ''),
      `${segment([])}.${segment({})}.AAAA`,
      `${segment({ alg: 'ES256' })}.${segment([])}.AAAA`,
      `${segment({ alg: 'ES256' })}.${Buffer.from('{"iss":"\xff"}', 'latin1').toString('base64url')}.AAAA`,
      `é${good}`,
    ]) {
      expect(await reason(verifier, text)).toBe('malformed')
    }
    expect(await reason(verifier, await token({ pad: 'x'.repeat(16 * 1024) }))).toBe('malformed')
    expect(isVerified(await verifier.verify(await token({ pad: 'x'.repeat(10 * 1024) })))).toBe(true)
  })

  it('times exactly at the edges of the clock skew', async () => {
    const verifier = await started()
    const seconds = START / 1000
    const accepted = async (change: Record<string, unknown>) => isVerified(await verifier.verify(await token(change)))
    expect(await accepted({ iat: seconds - 600, exp: seconds - 29 })).toBe(true)
    expect(await reason(verifier, await token({ iat: seconds - 600, exp: seconds - 30 }))).toBe('expired')
    expect(await accepted({ nbf: seconds + 30 })).toBe(true)
    expect(await accepted({ iat: seconds + 30 })).toBe(true)
    expect(await accepted({ exp: seconds + 3600 })).toBe(true)
    const exact = await started({ clockSkewSeconds: 0 })
    expect(await reason(exact, await token({ iat: seconds - 60, exp: seconds }))).toBe('expired')
    expect(await reason(exact, await token({ nbf: seconds + 1 }))).toBe('not-yet-valid')
  })

  it('never shows the token or its claims', async () => {
    const verifier = await started()
    for (const change of [
      { tenant: 'CANARY' },
      { aud: 'CANARY' },
      { kind: 'CANARY' },
      { sub: 'CANARY\n' },
      { exp: 1 },
    ]) {
      const text = await token({ ...change, secret: 'CANARY' })
      const error = await rejection(verifier, text)
      expect(error.code).toBe('CHP-AUTH-FAILED')
      expect(error.message).toBe('the identity token was not accepted')
      expect(error.cause).toBeUndefined()
      const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + String(error.stack)
      expect(shown).not.toContain('CANARY')
      for (const part of text.split('.')) expect(shown).not.toContain(part)
    }
  })
})

describe('keys of an issuer', () => {
  it('follow a rotation without a restart', async () => {
    const verifier = await started()
    issuer.keys = [second.jwk]
    now += 30_000
    expect(isVerified(await verifier.verify(await token({}, {}, second)))).toBe(true)
    // The old key is gone with the same fetch.
    expect(await reason(verifier, await token({}, {}, first))).toBe('key-unknown')
  })

  it('are fetched at most once per cooldown, whatever tokens arrive', async () => {
    const verifier = await started()
    expect(issuer.keyRequests).toBe(1)
    const flood = async () => {
      const texts = await Promise.all(Array.from({ length: 20 }, (_, index) => token({}, { kid: `random-${index}` })))
      for (const text of texts) expect(await reason(verifier, text)).toBe('key-unknown')
      await Promise.all(texts.map((text) => expect(reason(verifier, text)).resolves.toBe('key-unknown')))
    }
    await flood()
    expect(issuer.keyRequests).toBe(1)
    now += 30_000
    await flood()
    expect(issuer.keyRequests).toBe(2)
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
    expect(issuer.keyRequests).toBe(2)
  })

  it('are fetched once for many tokens at a time', async () => {
    const verifier = await started()
    issuer.keys = [second.jwk]
    now += 30_000
    const texts = await Promise.all(
      Array.from({ length: 10 }, (_, index) => token({ sub: `agent-${index}` }, {}, second)),
    )
    const identities = await Promise.all(texts.map(async (text) => await verifier.verify(text)))
    expect(identities.every(isVerified)).toBe(true)
    expect(issuer.keyRequests).toBe(2)
  })

  it('stay in use during an outage for a bounded time', async () => {
    const verifier = await started()
    issuer.fail()
    now = START + 600_000
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
    expect(warnings).toEqual([{ issuer: 'main', problem: 'discovery document: status 503' }])
    const attempts = issuer.requests.length
    expect(isVerified(await verifier.verify(await token({ sub: 'b' })))).toBe(true)
    expect(issuer.requests.length).toBe(attempts)
    // A key that is not among the old ones may exist, for all we know.
    expect(await reason(verifier, await token({}, {}, second))).toBe('keys-unavailable')
    now = START + 1800_000
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
    now = START + 1800_001
    expect(await reason(verifier, await token())).toBe('keys-unavailable')
    issuer.answer = undefined
    now += 30_000
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
  })

  it('that were withdrawn end the tokens they signed, also those that are remembered', async () => {
    const verifier = await started()
    const text = await token({ exp: START / 1000 + 3600 })
    await verifier.verify(text)
    issuer.keys = [second.jwk]
    now = START + 600_000
    expect(await reason(verifier, text)).toBe('key-unknown')
  })

  it('may come late: an issuer that is down at the start is a warning', async () => {
    issuer.fail()
    const verifier = await started()
    expect(warnings).toHaveLength(1)
    expect(await reason(verifier, await token())).toBe('keys-unavailable')
    expect(issuer.requests).toHaveLength(1)
    issuer.answer = undefined
    now += 30_000
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
  })

  it('are not taken from another issuer, another place or an endless answer', async () => {
    const cases: [string, () => void][] = [
      ['it is of another issuer', () => (issuer.discovery = { issuer: `${issuer.url}/` })],
      ['jwks_uri is not an https URL', () => (issuer.discovery = { jwks_uri: 'http://keys.example/keys' })],
      ['jwks_uri is not an https URL', () => (issuer.discovery = { jwks_uri: 'file:///etc/passwd' })],
      ['jwks_uri is not an https URL', () => (issuer.discovery = { jwks_uri: 7 })],
      [
        'it has no list of keys',
        () => (issuer.discovery = { jwks_uri: `${issuer.url}/.well-known/openid-configuration` }),
      ],
      ['it has more than 64 keys', () => (issuer.keys = Array.from({ length: 65 }, () => first.jwk))],
      ['status 302', () => (issuer.answer = (_, response) => !!response.writeHead(302, { location: '/keys' }).end())],
      ['is not JSON', () => (issuer.answer = (_, response) => !!response.end('<html>'))],
      ['is not a JSON object', () => (issuer.answer = (_, response) => !!response.end('[]'))],
      ['longer than', () => (issuer.answer = (_, response) => !!response.end('x'.repeat(1024 * 1024)))],
      ['no complete answer in time', () => (issuer.answer = (_, response) => response.write('{'))],
    ]
    for (const [problem, arrange] of cases) {
      issuer.reset([first.jwk])
      warnings = []
      arrange()
      const verifier = await started({ fetchTimeoutSeconds: 0.2 })
      expect(warnings.map((warning) => warning.problem)).toEqual([expect.stringContaining(problem)])
      expect(await reason(verifier, await token())).toBe('keys-unavailable')
    }
  })

  it('are public keys for signatures, long enough, and nothing else', async () => {
    const short = await makeKey('RS256', 'short', { modulusLength: 2048 })
    const weak: JWK = { ...short.jwk, n: Buffer.alloc(128, 0xff).toString('base64url') }
    const secret: JWK = { kty: 'oct', k: 'AAAA', kid: 'secret', alg: 'HS256' }
    const encryption: JWK = { ...second.jwk, use: 'enc' }
    issuer.keys = [weak, secret, encryption]
    await started()
    expect(warnings).toEqual([{ issuer: 'main', problem: 'key set: it has no public signing key' }])
    issuer.keys = [first.jwk, { ...(await exportJWK(second.privateKey)), kid: 'second' }]
    warnings = []
    const verifier = await started()
    expect(warnings[0]?.problem).toContain('publishes a private or secret key')
    expect(await reason(verifier, await token({}, {}, second))).toBe('key-unknown')
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
  })

  it('that cannot be imported harm no other key, and are reported once', async () => {
    issuer.keys = [{ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'broken', alg: 'ES256' }, first.jwk]
    const verifier = await started()
    expect(await reason(verifier, await token({}, { kid: 'broken' }))).toBe('key-unknown')
    expect(await reason(verifier, await token({ sub: 'b' }, { kid: 'broken' }))).toBe('key-unknown')
    expect(warnings).toEqual([{ issuer: 'main', problem: 'key set: a key cannot be used' }])
    expect(isVerified(await verifier.verify(await token()))).toBe(true)
  })

  it('are not fetched any more after close', async () => {
    const verifier = makeVerifier()
    verifier.close()
    await verifier.start()
    expect(issuer.requests).toEqual([])
    expect(warnings).toHaveLength(1)
  })
})

describe('several issuers', () => {
  it('are kept apart by their exact iss, each with its own keys', async () => {
    const other = new TestIssuer()
    await other.start()
    try {
      other.keys = [second.jwk]
      const verifier = new OidcVerifier([settingsWith(), settingsWith({ name: 'other', issuer: other.url })], {
        clock: () => now,
      })
      open.push(verifier)
      await verifier.start()
      const identity = await verifier.verify(await token({ iss: other.url }, {}, second))
      expect(identity.principal.issuer).toBe('other')
      const error = await rejection(verifier, await token({ iss: other.url }, { kid: 'first' }, first))
      expect([error.reason, error.issuer]).toEqual(['key-unknown', 'other'])
      expect(await reason(verifier, await token({ iss: `${other.url}/` }, {}, second))).toBe('issuer-unknown')
    } finally {
      await other.stop()
    }
  })
})

describe('settings', () => {
  it.each([
    [{ issuer: 'http://issuer.example' }, /https/],
    [{ issuer: 'http://127.0.0.1:1', allowInsecureLoopback: false }, /https/],
    [{ issuer: 'http://127.0.0.1.example' }, /https/],
    [{ issuer: 'https://user:secret@issuer.example' }, /https/],
    [{ issuer: 'https://issuer.example?a=b' }, /https/],
    [{ issuer: 'issuer' }, /https/],
    [{ audiences: [] }, /audience/],
    [{ algorithms: [] }, /algorithm/],
    [{ clockSkewSeconds: -1 }, /times/],
    [{ maxLifetimeSeconds: Number.POSITIVE_INFINITY }, /times/],
    [{ jwksStaleSeconds: Number.NaN }, /times/],
  ])('%j are refused', (change, message) => {
    expect(() => makeVerifier(change)).toThrow(message)
    expect(() => makeVerifier(change)).toThrow(ChaperoneError)
  })

  it('may not name an issuer twice', () => {
    const one = settingsWith({ issuer: 'https://one.example' })
    expect(() => new OidcVerifier([one, { ...one, name: 'again' }])).toThrow('the same issuer')
    expect(() => new OidcVerifier([one, { ...one, issuer: 'https://two.example' }])).toThrow('the same name')
  })

  it('leave room for slow tokens of an hour and short ones alike', async () => {
    const verifier = await started({ maxLifetimeSeconds: 8 * 3600 })
    const identity = await verifier.verify(await token({ exp: (START + 8 * HOUR) / 1000 }))
    expect(identity.expiresAt).toBe(START + 8 * HOUR + 30_000)
  })
})
