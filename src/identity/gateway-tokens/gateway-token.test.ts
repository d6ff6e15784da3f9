import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { IdentityRejected } from '../identity-rejected.ts'
import { OidcVerifier } from '../oidc/oidc-verifier.ts'
import {
  DELEGATED,
  executor,
  issued,
  keys,
  person,
  setting,
  START,
  time,
  URL_OF_GATEWAY,
} from './exchange-test-support.ts'
import { GatewayKeys } from './gateway-keys.ts'
import { gatewayIssuer } from './gateway-token.ts'

const forge = (change: object, options: { issuer?: string; typ?: string } = {}) => {
  const { key, keyId } = keys.signing
  const details = { chain: [executor, person], sources: [], sourceIds: [], firstIssuedAt: START, ...change }
  return new SignJWT({ sub: 'dr a', chaperone: details })
    .setProtectedHeader({ alg: 'EdDSA', kid: keyId, typ: options.typ ?? 'at+jwt' })
    .setIssuer(options.issuer ?? URL_OF_GATEWAY)
    .setAudience(URL_OF_GATEWAY)
    .setIssuedAt(START / 1000)
    .setExpirationTime(START / 1000 + 60)
    .sign(key)
}
const reason = async (token: string, { verifier } = setting()) => {
  try {
    await verifier.verify(token)
  } catch (error) {
    if (error instanceof IdentityRejected) return error.reason
    throw error
  }
  return 'accepted'
}

const verifierOf = (used: GatewayKeys) => {
  const gateway = gatewayIssuer({
    publicUrl: URL_OF_GATEWAY,
    keys: used,
    lifetimeSeconds: 600,
    maxChain: 4,
    issuerNames: ['main', 'agents'],
  })
  return { ...setting(), verifier: new OidcVerifier([], { clock: () => time.now, gateway }) }
}

describe('a gateway token', () => {
  it('is read only as it is written here', async () => {
    time.now = START
    expect(await reason(await forge({}))).toBe('accepted')
    for (const change of [
      { chain: undefined },
      { chain: [] },
      { chain: [executor, null] },
      { chain: [{ ...executor, kind: 'root' }] },
      { chain: [{ ...executor, groups: 'all' }] },
      { chain: [{ ...executor, claims: { a: { b: 1 } } }] },
      { chain: [{ ...executor, subject: 'a\nb' }] },
      { chain: Array.from({ length: 5 }, () => executor) },
      { sources: undefined },
      { sourceIds: undefined },
      { firstIssuedAt: 'x' },
      { patients: 'p1' },
      { targets: [7] },
      { run: 7 },
      { mayAct: 7 },
    ]) {
      expect(await reason(await forge(change))).toBe('claim-mismatch')
    }
    expect(await reason(await forge({ chain: [{ ...executor, issuer: 'gone' }] }))).toBe('issuer-unknown')
    expect(await reason(await forge({}, { issuer: 'https://other.example' }))).toBe('issuer-unknown')
  })

  it('is verified with previous keys as well, and with no other', async () => {
    time.now = START
    const { token } = await issued(DELEGATED)
    const rotated = await GatewayKeys.from(Buffer.alloc(32, 2), [Buffer.alloc(32, 1)])
    const strange = await GatewayKeys.from(Buffer.alloc(32, 3))
    expect(await reason(token, verifierOf(rotated))).toBe('accepted')
    expect(await reason(token, verifierOf(strange))).toBe('key-unknown')
    expect(rotated.jwks.keys).toHaveLength(2)
    expect(JSON.stringify(rotated.jwks)).not.toContain('"d"')
    await expect(GatewayKeys.from(Buffer.alloc(32, 2), [Buffer.alloc(32, 2)])).rejects.toThrow('there twice')
    await expect(GatewayKeys.from(Buffer.alloc(31))).rejects.toThrow('32 bytes')
  })

  it('is void at the moment it says, by clocks that differ by the tolerated skew too', async () => {
    time.now = START
    const { token, expiresAt } = await issued(DELEGATED)
    time.now = expiresAt - 1
    expect(await reason(token)).toBe('accepted')
    time.now = expiresAt
    expect(await reason(token)).toBe('expired')
    time.now = START - 5000
    expect(await reason(token)).toBe('accepted')
    time.now = START - 6000
    expect(await reason(token)).toBe('not-yet-valid')
    time.now = START
  })
})
