import { describe, expect, it } from 'vitest'
import { isVerified, VerifiedIdentity } from './verified-identity.ts'

const facts = {
  principal: { issuer: 'main', subject: 'a', kind: 'agent', groups: ['one'], name: undefined },
  issuerUrl: 'https://issuer.example',
  audience: 'chaperone',
  issuedAt: 1,
  expiresAt: 2,
  tokenDigest: '0123456789abcdef',
} as const

describe('VerifiedIdentity', () => {
  it('is proof only when the maker made it', () => {
    const identity = VerifiedIdentity.ofVerifiedToken(facts)
    expect(isVerified(identity)).toBe(true)
    for (const forged of [
      Object.assign({}, identity),
      facts,
      structuredClone(identity),
      Object.create(identity),
      Object.setPrototypeOf({ ...facts }, VerifiedIdentity.prototype),
      Reflect.construct(VerifiedIdentity, [facts]),
      null,
      undefined,
      'identity',
    ]) {
      expect(isVerified(forged)).toBe(false)
    }
  })

  it('cannot be changed, and does not share its lists', () => {
    const groups = ['one']
    const identity = VerifiedIdentity.ofVerifiedToken({ ...facts, principal: { ...facts.principal, groups } })
    groups.push('admins')
    expect(identity.principal.groups).toEqual(['one'])
    expect(() => Object.assign(identity, { expiresAt: 3 })).toThrow(TypeError)
    expect(() => Object.assign(identity.principal, { subject: 'b' })).toThrow(TypeError)
    expect(() => Reflect.apply(Array.prototype.push, identity.principal.groups, ['admins'])).toThrow(TypeError)
  })

  it('shares nothing of a chain and of what bounds it either', () => {
    const origin = {
      issuer: 'main',
      subject: 'b',
      kind: 'human' as const,
      groups: ['x'],
      claims: { tenant: ['north'] },
    }
    const lists = { onBehalfOf: [origin], patients: ['p1'], targets: ['hospital'] }
    const sources = ['digest']
    const identity = VerifiedIdentity.ofVerifiedToken({
      ...facts,
      sources,
      principal: { ...facts.principal, ...lists },
    })
    const before = structuredClone(identity.principal)
    origin.groups.push('admins')
    origin.claims.tenant.push('south')
    lists.onBehalfOf.length = 0
    lists.patients.push('p2')
    lists.targets.push('billing')
    sources.length = 0
    expect(identity.principal).toEqual(before)
    expect([identity.sources, identity.firstIssuedAt]).toEqual([['digest'], facts.issuedAt])
    const [member] = identity.principal.onBehalfOf ?? []
    for (const part of [
      identity.principal.onBehalfOf,
      member,
      member?.groups,
      member?.claims,
      member?.claims?.['tenant'],
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})
