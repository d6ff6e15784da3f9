import { describe, expect, it } from 'vitest'
import { Revocations, type RevokedThing } from './revocations.ts'
import { tokenIdDigest, VerifiedIdentity } from './verified-identity.ts'

const planner = { issuer: 'agents', subject: 'planner', kind: 'agent', groups: [] } as const
const person = { issuer: 'main', subject: 'dr a', kind: 'human', groups: [] } as const
const identity = VerifiedIdentity.ofVerifiedToken({
  principal: {
    issuer: 'agents',
    subject: 'executor',
    kind: 'agent',
    groups: [],
    name: undefined,
    onBehalfOf: [planner, person],
    run: 'run-1',
  },
  issuerUrl: 'https://gateway.example',
  audience: 'https://gateway.example',
  issuedAt: 2000,
  firstIssuedAt: 1000,
  expiresAt: 9000,
  tokenDigest: 'own',
  sources: ['subject-token', 'actor-token'],
  sourceIds: [tokenIdDigest('https://main.example', 'id-0')],
  tokenId: 'id-1',
})

const revocation = (thing: RevokedThing, more: { issuedBefore?: number; until?: number } = {}) => ({
  id: JSON.stringify(thing),
  thing,
  issuedBefore: more.issuedBefore,
  until: more.until,
  reason: 'test',
  createdAt: 0,
})

function isRevoked(thing: RevokedThing, more: { issuedBefore?: number; until?: number } = {}, now = 3000): boolean {
  const revocations = new Revocations(() => now)
  revocations.replace([revocation(thing, more)])
  return revocations.of(identity) !== undefined
}

const member = (name: string) => ({ kind: 'member', member: name }) as const

const voids = (who: string, at: number, more: { issuedBefore?: number; until?: number; createdAt?: number } = {}) => {
  const revocations = new Revocations(() => 3000)
  const { createdAt = 2000, ...rest } = more
  revocations.replace([{ ...revocation(member('main/dr a'), rest), createdAt }])
  return revocations.voids(who, at)
}

describe('what somebody did', () => {
  it.each([
    ['by somebody else', 'main/dr b', 1, {}, false],
    ['at whatever time', 'main/dr a', 1, {}, true],
    ['after the revocation, too', 'main/dr a', 2500, {}, true],
    ['while it lasts', 'main/dr a', 1, { until: 3001 }, true],
    ['when it is over', 'main/dr a', 1, { until: 3000 }, false],
    ['before the time that tokens must be of', 'main/dr a', 999, { issuedBefore: 1000 }, true],
    ['after that, but before the revocation was made', 'main/dr a', 1999, { issuedBefore: 1000 }, true],
    ['after both', 'main/dr a', 2000, { issuedBefore: 1000 }, false],
    ['before a time that is still to come', 'main/dr a', 2999, { issuedBefore: 4000 }, true],
  ])('is void or not: %s', (_, who, at, more, expected) => expect(voids(who, at, more)).toBe(expected))

  it('is not void by a token or a run of that name', () => {
    const revocations = new Revocations(() => 3000)
    revocations.replace([
      revocation({ kind: 'run', run: 'main/dr a' }),
      revocation({ kind: 'token', digest: 'main/dr a' }),
    ])
    expect(revocations.voids('main/dr a', 1)).toBe(false)
  })
})

describe('an identity is revoked', () => {
  it.each<RevokedThing>([
    { kind: 'token', digest: 'own' },
    { kind: 'token', digest: 'subject-token' },
    { kind: 'token', digest: 'actor-token' },
    { kind: 'tokenId', issuer: 'https://gateway.example', id: 'id-1' },
    { kind: 'tokenId', issuer: 'https://main.example', id: 'id-0' },
    { kind: 'run', run: 'run-1' },
    member('agents/executor'),
    member('agents/planner'),
    member('main/dr a'),
  ])('by %j', (thing) => expect(isRevoked(thing)).toBe(true))

  it.each<RevokedThing>([
    { kind: 'token', digest: 'id-1' },
    { kind: 'tokenId', issuer: 'https://other.example', id: 'id-1' },
    { kind: 'tokenId', issuer: 'https://gateway.example', id: 'id-0' },
    { kind: 'run', run: 'run-2' },
    member('agents/dr a'),
    member('executor'),
  ])('not by %j', (thing) => expect(isRevoked(thing)).toBe(false))

  it('when the oldest token behind it was issued before, and while it lasts', () => {
    expect(isRevoked(member('main/dr a'), { issuedBefore: 1001 })).toBe(true)
    expect(isRevoked(member('main/dr a'), { issuedBefore: 1000 })).toBe(false)
    expect(isRevoked(member('main/dr a'), { until: 3001 })).toBe(true)
    expect(isRevoked(member('main/dr a'), { until: 3000 })).toBe(false)
  })

  it('as soon as the list has it, until one without it is put in place', () => {
    const revocations = new Revocations(() => 0)
    const one = revocation({ kind: 'run', run: 'run-1' })
    expect(revocations.of(identity)).toBeUndefined()
    revocations.replace([revocation(member('main/somebody else')), one])
    expect(revocations.of(identity)).toBe(one)
    revocations.replace([])
    expect(revocations.of(identity)).toBeUndefined()
  })

  it('when one of several for the same thing counts', () => {
    const revocations = new Revocations(() => 3000)
    const over = { ...revocation(member('main/dr a'), { until: 1 }), id: 'over' }
    const late = { ...revocation(member('main/dr a'), { issuedBefore: 10 }), id: 'late' }
    const good = { ...revocation(member('main/dr a')), id: 'good' }
    revocations.replace([over, late, good])
    expect(revocations.of(identity)?.id).toBe('good')
  })
})
