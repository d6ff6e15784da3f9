import { describe, expect, it } from 'vitest'
import type { GrantConfig, PredicatesConfig } from '../config/config.ts'
import { grantConfig } from '../config/policy-test-support.ts'
import type { ActivatedGrant } from '../decide/decision.ts'
import { compilePolicy, type Policy } from '../decide/policy.ts'
import { VerifiedIdentity } from '../identity/verified-identity.ts'
import { steadyClock } from '../lib/steady-clock.ts'
import { AccessWatch } from './access-watch.ts'
import { Verdicts } from './verdicts.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000

const policyOf = (
  grants: readonly GrantConfig[],
  version = '1',
  predicates: PredicatesConfig = { default: 'allow', classes: {} },
): Policy =>
  compilePolicy({
    grants,
    rules: [],
    packs: { guardrails: { disable: [] } },
    phi: { predicates },
    policyVersion: version,
  })

function setUp(grants: readonly GrantConfig[], expiresAt = NOW + 10 * HOUR) {
  let policy = policyOf(grants)
  let activated: readonly ActivatedGrant[] = []
  const told: string[] = []
  const identity = VerifiedIdentity.ofVerifiedToken({
    principal: { issuer: 'i', subject: 's', kind: 'agent', name: undefined, groups: [] },
    issuerUrl: 'https://i',
    audience: 'a',
    issuedAt: 0,
    expiresAt,
    tokenDigest: '0',
  })
  const sources = {
    policy: () => policy,
    activated: () => activated,
    verdictsFor: (profile: ConstructorParameters<typeof Verdicts>[0]) => new Verdicts(profile),
    onPolicy: ({ version }: Policy) => told.push(version),
  }
  return {
    told,
    open: () => AccessWatch.open(identity, 'hospital', sources, NOW),
    change: (next: Policy) => {
      policy = next
    },
    activate: (given: readonly ActivatedGrant[]) => {
      activated = given
    },
  }
}

const codeAt = (watch: AccessWatch | undefined, now: number): string | undefined => watch?.review(now)?.code

describe('the access of a session', () => {
  it('is not longer for a clock that is set back: the gateway’s goes on', () => {
    let wall = NOW
    let monotonic = 0
    const clock = steadyClock(
      () => wall,
      () => monotonic,
    )
    const watch = setUp([grantConfig({ expires: NOW + HOUR })], NOW + 5 * HOUR).open()
    wall = NOW - 10 * HOUR
    monotonic = HOUR - 1
    expect(codeAt(watch, clock())).toBeUndefined()
    monotonic = HOUR
    expect(codeAt(watch, clock())).toBe('CHP-SESSION-TERMINATED')
  })

  it('does not outlive what a version says of comparing with PHI, which its constants are judged by', () => {
    const grants = [grantConfig()]
    const { open, change } = setUp(grants)
    const watch = open()
    change(policyOf(grants, '2', { default: 'allow', classes: {} }))
    expect(codeAt(watch, NOW)).toBeUndefined()
    change(policyOf(grants, '3', { default: 'allow', classes: { ssn: 'released-granularity' } }))
    expect(codeAt(watch, NOW)).toBe('CHP-SESSION-TERMINATED')
  })

  it('is none without a grant', () => {
    expect(setUp([]).open()).toBeUndefined()
  })

  it('stands while nothing changes, and ends with the token', () => {
    const watch = setUp([grantConfig()], NOW + HOUR).open()
    expect(codeAt(watch, NOW + HOUR - 1)).toBeUndefined()
    expect(codeAt(watch, NOW + HOUR)).toBe('CHP-AUTH-EXPIRED')
  })

  it.each<readonly [string, readonly GrantConfig[]]>([
    ['is taken away', []],
    ['is narrower', [grantConfig({ relations: [{ schema: 'ehr', table: 'bed', columns: '*' }] })]],
    ['is wider', [grantConfig({ clearance: { default: 'clear', classes: {} } })]],
    ['has a budget', [grantConfig({ budgets: [{ span: 'session', unit: 'rows', limit: 1 }] })]],
  ])('ends the session when by a new policy it %s, for good', (_, grants) => {
    const { open, change } = setUp([grantConfig()])
    const watch = open()
    change(policyOf(grants, '2'))
    expect(codeAt(watch, NOW)).toBe('CHP-SESSION-TERMINATED')
    change(policyOf([grantConfig()], '3'))
    expect(codeAt(watch, NOW)).toBe('CHP-SESSION-TERMINATED')
  })

  it('goes on under a new policy that gives the same, by whose rules everything is judged anew', () => {
    const { open, change, told } = setUp([grantConfig()])
    const watch = open()
    const before = watch?.verdicts
    change(policyOf([grantConfig()], '2'))
    expect(watch?.verdicts).toBe(before)
    expect(codeAt(watch, NOW)).toBeUndefined()
    expect(watch?.verdicts).not.toBe(before)
    expect(watch?.policy.version).toBe('2')
    expect(told).toEqual(['2'])
  })

  it('ends when a grant does', () => {
    const watch = setUp([grantConfig({ expires: NOW + HOUR })]).open()
    expect(codeAt(watch, NOW + HOUR - 1)).toBeUndefined()
    expect(codeAt(watch, NOW + HOUR)).toBe('CHP-SESSION-TERMINATED')
  })

  it('ends when what was given on request does, and is another one when it is given', () => {
    const onRequest = grantConfig({
      name: 'more',
      onRequest: { pools: ['p'], quorum: 1, maxDuration: HOUR },
      clearance: { default: 'clear', classes: {} },
    })
    const { open, activate } = setUp([grantConfig(), onRequest])
    const watch = open()
    expect(watch?.access.grants).toEqual(['agents'])
    expect(codeAt(watch, NOW + 9 * HOUR)).toBeUndefined()
    activate([])
    expect(codeAt(watch, NOW)).toBeUndefined()
  })
})
