import { assert, jsonValue, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdentityRejected } from '../identity-rejected.ts'
import { principalOf as read } from './claims.ts'
import type { IssuerSettings } from './issuer-settings.ts'

const settings: IssuerSettings = {
  name: 'main',
  issuer: 'https://issuer.example',
  audiences: ['chaperone'],
  algorithms: ['ES256'],
  clockSkewSeconds: 30,
  maxLifetimeSeconds: 3600,
  claims: { subject: 'sub', groups: 'groups', name: 'name', kind: { claim: 'kind', values: { bot: 'agent' } } },
  allowInsecureLoopback: false,
  jwksCacheSeconds: 600,
  jwksCooldownSeconds: 30,
}
const principalOf = (made: Record<string, unknown>, from: IssuerSettings) => read(made, from, new Map())
const claims = { sub: 'agent-7', kind: 'bot', groups: ['readers', 'readers', 'ward 3'], name: 'Agent Seven' }

function reasonOf(change: Record<string, unknown>, other: Partial<IssuerSettings> = {}): string | undefined {
  try {
    principalOf({ ...claims, ...change }, { ...settings, ...other })
    return undefined
  } catch (error) {
    if (!(error instanceof IdentityRejected)) throw error
    expect(error.issuer).toBe('main')
    return error.reason
  }
}

describe('principalOf', () => {
  it('maps claims to a principal', () => {
    expect(principalOf(claims, settings)).toEqual({
      issuer: 'main',
      subject: 'agent-7',
      kind: 'agent',
      groups: ['readers', 'ward 3'],
      name: 'Agent Seven',
    })
  })

  it('finds claims by their name first and by a dotted path second', () => {
    const mapped = {
      ...settings,
      claims: { ...settings.claims, groups: 'realm.roles', subject: 'https://a.example/id' },
    }
    const nested = { ...claims, 'https://a.example/id': 'x', realm: { roles: ['nested'] } }
    expect(principalOf(nested, mapped)).toMatchObject({ subject: 'x', groups: ['nested'] })
    expect(principalOf({ ...nested, 'realm.roles': ['flat'] }, mapped).groups).toEqual(['flat'])
    expect(principalOf({ ...nested, realm: ['roles'] }, mapped).groups).toEqual([])
  })

  it('refuses a subject that is absent, empty, of another type, too long or able to deceive a reader', () => {
    expect(reasonOf({ sub: undefined })).toBe('claim-missing')
    for (const sub of ['', '  ', 7, null, {}, ['a'], 'a\nb', 'a\0', 'a\u202eb', '\u2028', '\ud800', 'x'.repeat(256)]) {
      expect(reasonOf({ sub })).toBe('claim-mismatch')
    }
    expect(reasonOf({ sub: 'x'.repeat(255) })).toBeUndefined()
  })

  it('takes groups only as a bounded list of clean strings; none means none', () => {
    expect(principalOf({ ...claims, groups: undefined }, settings).groups).toEqual([])
    expect(principalOf({ ...claims, groups: 'ward 3' }, settings).groups).toEqual(['ward 3'])
    for (const groups of ['', 'a\nb', null, 7, {}, [7], [['a']], ['a\u0000'], [''], ['x'.repeat(256)]]) {
      expect(reasonOf({ groups })).toBe('claim-mismatch')
    }
    expect(reasonOf({ groups: Array.from({ length: 1001 }, (_, index) => `g${index}`) })).toBe('claim-mismatch')
    // The issuer says that the groups have to be fetched from elsewhere: then they are unknown, not absent.
    expect(reasonOf({ groups: undefined, _claim_names: { groups: 'src1' } })).toBe('claim-missing')
  })

  it('refuses a kind that is not mapped', () => {
    for (const kind of [undefined, 'human', 'Bot', 7, ['bot'], '__proto__', 'constructor', 'toString']) {
      expect(reasonOf({ kind })).toBe('kind-unknown')
    }
    const fixed = { ...settings, claims: { ...settings.claims, kind: { fixed: 'human' as const } } }
    expect(principalOf({ ...claims, kind: 'bot' }, fixed).kind).toBe('human')
  })

  it('leaves out a name that is absent and refuses one that is not clean text', () => {
    expect(principalOf({ ...claims, name: undefined }, settings).name).toBeUndefined()
    expect(principalOf({ ...claims, name: '' }, settings).name).toBeUndefined()
    for (const name of [7, 'a\rb', ['x']]) expect(reasonOf({ name })).toBe('claim-mismatch')
    // Zero-width joiners belong to the spelling of names in several scripts.
    expect(principalOf({ ...claims, name: 'می\u200cخواهم' }, settings).name).toBe('می\u200cخواهم')
  })

  it('takes the purpose from the claim that is configured, and from no other', () => {
    const purposed = { ...settings, claims: { ...settings.claims, purpose: 'ctx.purpose' } }
    expect(principalOf({ ...claims, purpose: 'treatment' }, settings)).not.toHaveProperty('purpose')
    expect(principalOf({ ...claims, ctx: { purpose: 'treatment' } }, purposed).purpose).toBe('treatment')
    expect(principalOf({ ...claims, ctx: {} }, purposed)).not.toHaveProperty('purpose')
    for (const purpose of [7, ['treatment'], {}, ' ', 'a\nb', 'a\0', 'x'.repeat(256)]) {
      expect(reasonOf({ ctx: { purpose } }, purposed)).toBe('claim-mismatch')
    }
  })

  it('asks for required claims by value, or as a member of a list', () => {
    const requiredClaims = { tenant: 'north', level: 2, mfa: true, amr: 'hwk' }
    const good = { tenant: 'north', level: 2, mfa: true, amr: ['pwd', 'hwk'] }
    expect(reasonOf(good, { requiredClaims })).toBeUndefined()
    expect(reasonOf({ ...good, tenant: undefined }, { requiredClaims })).toBe('claim-missing')
    for (const change of [
      { tenant: 'south' },
      { level: '2' },
      { mfa: 'true' },
      { amr: ['pwd'] },
      { amr: { hwk: 1 } },
    ]) {
      expect(reasonOf({ ...good, ...change }, { requiredClaims })).toBe('claim-mismatch')
    }
    expect(reasonOf({}, { requiredClaims: { toString: 'x' } })).toBe('claim-missing')
  })

  it('keeps the claims it is asked to keep, and no other', () => {
    const keepClaims = ['tenant', 'scopes', 'absent']
    const principal = principalOf(
      { ...claims, tenant: 7, scopes: ['a', 'b'], secret: 'x' },
      { ...settings, keepClaims },
    )
    expect(principal.claims).toEqual({ tenant: 7, scopes: ['a', 'b'] })
    for (const tenant of [{ a: 1 }, [{}], 'a\nb', null]) {
      expect(reasonOf({ tenant }, { keepClaims })).toBe('claim-mismatch')
    }
  })

  it('either makes a clean principal or rejects, whatever the claims are', () => {
    assert(
      property(record({ sub: jsonValue(), groups: jsonValue(), kind: jsonValue() }), (random) => {
        const made: Record<string, unknown> = random
        try {
          const principal = principalOf(made, {
            ...settings,
            claims: { ...settings.claims, kind: { fixed: 'agent' } },
          })
          for (const text of [principal.subject, ...principal.groups]) expect(text).toMatch(/^[^\p{Cc}]{1,255}$/u)
        } catch (error) {
          expect(error).toBeInstanceOf(IdentityRejected)
        }
      }),
    )
  })
})
