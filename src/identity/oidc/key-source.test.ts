import { once } from 'node:events'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificates } from '../../../demo/certificates.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import type { Principal } from '../principal.ts'
import { Revocations } from '../revocations.ts'
import type { IssuerSettings } from './issuer-settings.ts'
import { OidcVerifier } from './oidc-verifier.ts'

const START = Date.parse('2026-03-01T12:00:00Z')
const CLUSTER = 'https://kubernetes.default.svc.cluster.local'
let directory: string
let file: string
let key: { readonly privateKey: CryptoKey; readonly jwk: JWK }
let other: typeof key
let now = START
let warnings: string[] = []
const open: OidcVerifier[] = []

async function makeKey(kid: string): Promise<typeof key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' } }
}

/** As the kubelet and configuration management do it: a new file takes the name of the old one. */
async function putKeys(...keys: readonly (typeof key)[]): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))
  await rename(`${file}.new`, file)
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
  file = join(directory, 'jwks.json')
  key = await makeKey('one')
  other = await makeKey('two')
})
afterAll(() => rm(directory, { recursive: true, force: true }))
beforeEach(async () => {
  now = START
  warnings = []
  await putKeys(key)
})
afterEach(() => {
  for (const verifier of open.splice(0)) verifier.close()
})

const settingsWith = (change: Partial<IssuerSettings>): IssuerSettings => ({
  name: 'cluster',
  issuer: CLUSTER,
  audiences: ['chaperone'],
  algorithms: ['RS256'],
  clockSkewSeconds: 30,
  maxLifetimeSeconds: 24 * 3600,
  claims: { subject: 'sub', groups: 'kubernetes.io.namespace', kind: { fixed: 'agent' } },
  keySource: { kind: 'file', file },
  allowInsecureLoopback: false,
  jwksCacheSeconds: 600,
  jwksCooldownSeconds: 30,
  ...change,
})

async function started(change: Partial<IssuerSettings> = {}, revocations?: Revocations): Promise<OidcVerifier> {
  const verifier = new OidcVerifier([settingsWith(change)], {
    clock: () => now,
    fetch: () => expect.fail('the network was used'),
    onWarning: ({ problem }) => warnings.push(problem),
    revocations,
  })
  open.push(verifier)
  await verifier.start()
  return verifier
}

const sign = (claims: Record<string, unknown>, { privateKey, jwk } = key): Promise<string> =>
  new SignJWT({ iss: CLUSTER, aud: ['chaperone'], iat: now / 1000, exp: now / 1000 + 3600, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: jwk.kid ?? '' })
    .sign(privateKey)

async function principal(change: Partial<IssuerSettings>, claims: Record<string, unknown>): Promise<Principal> {
  const verifier = await started(change)
  return (await verifier.verify(await sign(claims))).principal
}

async function reason(verifier: OidcVerifier, token: string): Promise<string> {
  try {
    await verifier.verify(token)
  } catch (error) {
    if (error instanceof IdentityRejected) return error.reason
    throw error
  }
  return 'accepted'
}

const SERVICE_ACCOUNT = {
  sub: 'system:serviceaccount:agents:triage',
  jti: '0c3a-1',
  nbf: START / 1000,
  'kubernetes.io': {
    namespace: 'agents',
    node: { name: 'node-1', uid: '1' },
    pod: { name: 'triage-6f', uid: '2' },
    serviceaccount: { name: 'triage', uid: '3' },
    warnafter: START / 1000 + 3000,
  },
}

describe('tokens of workloads', () => {
  it('of Kubernetes service accounts, projected', async () => {
    const keepClaims = ['kubernetes.io.serviceaccount.name', 'kubernetes.io.pod.name']
    expect(await principal({ keepClaims }, SERVICE_ACCOUNT)).toEqual({
      issuer: 'cluster',
      subject: 'system:serviceaccount:agents:triage',
      kind: 'agent',
      groups: ['agents'],
      name: undefined,
      claims: { 'kubernetes.io.serviceaccount.name': 'triage', 'kubernetes.io.pod.name': 'triage-6f' },
    })
  })

  it('of GitHub Actions', async () => {
    const issuer = 'https://token.actions.githubusercontent.com'
    const change = {
      name: 'github',
      issuer,
      claims: { subject: 'sub', groups: 'repository', kind: { fixed: 'service' as const } },
      requiredClaims: { repository_owner: 'hospital' },
      keepClaims: ['ref', 'environment', 'ref_protected'],
    }
    const claims = {
      iss: issuer,
      sub: 'repo:hospital/etl:environment:production',
      repository: 'hospital/etl',
      repository_owner: 'hospital',
      ref: 'refs/heads/main',
      // A text, not a boolean: so it comes.
      ref_protected: 'true',
      environment: 'production',
      run_id: '1234',
    }
    expect(await principal(change, claims)).toMatchObject({
      subject: 'repo:hospital/etl:environment:production',
      kind: 'service',
      groups: ['hospital/etl'],
      claims: { ref: 'refs/heads/main', environment: 'production', ref_protected: 'true' },
    })
    const verifier = await started(change)
    expect(await reason(verifier, await sign({ ...claims, repository_owner: 'somebody' }))).toBe('claim-mismatch')
  })

  it('of GitLab CI', async () => {
    const issuer = 'https://gitlab.example'
    const change = {
      issuer,
      claims: { subject: 'sub', groups: 'namespace_path', name: 'user_login', kind: { fixed: 'service' as const } },
    }
    const claims = {
      iss: issuer,
      sub: 'project_path:hospital/etl:ref_type:branch:ref:main',
      namespace_path: 'hospital',
      user_login: 'ann',
      user_identities: [{ provider: 'saml', extern_uid: '1' }],
    }
    expect(await principal(change, claims)).toMatchObject({ groups: ['hospital'], name: 'ann', kind: 'service' })
  })
})

describe('keys in a file', () => {
  it('are used without the network, and read again a second after the file was changed', async () => {
    const verifier = await started()
    const token = await sign({ sub: 'a' })
    expect(await reason(verifier, token)).toBe('accepted')
    await putKeys(other)
    now += 1000
    expect(await reason(verifier, await sign({ sub: 'b' }, other))).toBe('accepted')
    expect(await reason(verifier, await sign({ sub: 'c' }))).toBe('key-unknown')
  })

  it('stay in use for the time of an outage when the file is gone', async () => {
    const verifier = await started({ jwksStaleSeconds: 1800 })
    await rm(file)
    now += 1700_000
    expect(await reason(verifier, await sign({ sub: 'a' }))).toBe('accepted')
    expect(warnings).toEqual(['key file: it cannot be read (ENOENT)'])
    now += 200_000
    expect(await reason(verifier, await sign({ sub: 'b' }))).toBe('keys-unavailable')
  })

  it.each([
    ['no JSON', 'x', 'the key file is not JSON'],
    ['a list', '[]', 'the key file is not a JSON object'],
    ['no keys', '{}', 'key set: it has no list of keys'],
    ['too long', ' '.repeat(300_000), 'key file: it is longer than 262144 bytes'],
  ])('that are %s', async (_, content, warning) => {
    await writeFile(file, content)
    const verifier = await started()
    expect(warnings).toEqual([warning])
    expect(await reason(verifier, await sign({ sub: 'a' }))).toBe('keys-unavailable')
  })
})

describe('keys at a URL, behind a private authority', () => {
  it('are fetched without discovery, and from a server of that authority only', async () => {
    const certificates = await makeCertificates(directory)
    const paths: string[] = []
    const server = createServer(
      { cert: await readFile(certificates.serverCertFile), key: await readFile(certificates.serverKeyFile) },
      (request, response) => {
        const [, status] = /^\/(\d{3})$/.exec(request.url ?? '') ?? []
        if (status === undefined) {
          paths.push(request.url ?? '')
          response.end(JSON.stringify({ keys: [key.jwk] }))
        } else response.writeHead(Number(status), { location: '/openid/v1/jwks' }).end()
      },
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const keySource = { kind: 'url', url: `https://localhost:${port}/openid/v1/jwks` } as const
      const good = await started({ keySource, caFile: certificates.caFile })
      expect(await reason(good, await sign(SERVICE_ACCOUNT))).toBe('accepted')
      expect(paths).toEqual(['/openid/v1/jwks'])
      expect(warnings).toEqual([])
      const stranger = join(directory, 'stranger')
      const strangers = await makeCertificates(stranger)
      const bad = await started({ keySource, caFile: strangers.caFile })
      expect(await reason(bad, await sign(SERVICE_ACCOUNT))).toBe('keys-unavailable')
      expect(warnings[0]).toMatch(/^key set: [A-Z_]+$/)
      for (const path of ['/999', '/503', '/302']) {
        const odd = await started({
          keySource: { kind: 'url', url: `https://localhost:${port}${path}` },
          caFile: certificates.caFile,
        })
        expect(warnings.at(-1)).toBe(`key set: status ${path === '/999' ? 502 : path.slice(1)}`)
        expect(await reason(odd, await sign(SERVICE_ACCOUNT))).toBe('keys-unavailable')
      }
      await started({ keySource, caFile: join(directory, 'absent') })
      expect(warnings.at(-1)).toBe('key set: the file of its authorities cannot be read (ENOENT)')
      expect(paths).toHaveLength(1)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('a revoked token', () => {
  it('is refused also when it was remembered, and accepted again when that is lifted', async () => {
    const revocations = new Revocations(() => now)
    const verifier = await started({}, revocations)
    const token = await sign(SERVICE_ACCOUNT)
    const identity = await verifier.verify(token)
    expect(identity.tokenId).toBe('0c3a-1')
    const thing = { kind: 'tokenId', issuer: CLUSTER, id: '0c3a-1' } as const
    const told = { id: 'r', thing, issuedBefore: undefined, until: undefined, reason: 'test', createdAt: now }
    revocations.replace([told])
    expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'CHP-AUTH-REVOKED' }))
    const fresh = await started({}, revocations)
    await expect(async () => fresh.verify(token)).rejects.toMatchObject({ code: 'CHP-AUTH-REVOKED' })
    revocations.replace([])
    expect(verifier.verify(token)).toBe(identity)
  })

  it('needs an id that is a text', async () => {
    const verifier = await started()
    for (const jti of ['', 'a\nb']) expect(await reason(verifier, await sign({ sub: 'a', jti }))).toBe('claim-mismatch')
  })
})
