import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { access } from '../../src/decide/access.ts'
import { AGENT, APPROVERS, grant, MASKED, NOON, policyOf, rule } from '../../src/decide/decide-test-support.ts'
import { asksOf, decide } from '../../src/decide/decide.ts'
import { anyFacts } from '../../src/decide/facts-arbitraries-test-support.ts'
import type { Principal } from '../../src/identity/principal.ts'
import { VerifiedIdentity } from '../../src/identity/verified-identity.ts'
import { recordedFacts, recordedSession } from '../../src/policy/recorded-facts.ts'
import type { LoginAttempt } from '../../src/protocols/protocol.ts'
import { decisionInputs } from '../../src/session/decision-inputs.ts'
import { sessionStart } from '../../src/session/session-start.ts'

const POLICY = policyOf(
  [
    rule('reading', 'reading.bound == "all" && reading.limit < 0', 'warn'),
    rule('patients', 'patients.used && !patients.bound', 'alert'),
    rule('touches', 'relations.exists(r, r.touchesPhi && "a" in r.columns)', 'hold'),
  ],
  undefined,
  [],
  APPROVERS,
)

it('what is recorded of a statement is decided as the statement was', () => {
  fc.assert(
    fc.property(fc.array(anyFacts, { minLength: 1, maxLength: 3 }), (given) => {
      const replayed = recordedFacts(decisionInputs(given).body)
      if (replayed === undefined) throw new TypeError('not readable')
      const request = { principal: AGENT, target: 'hospital', access: MASKED }
      expect(decide(POLICY, { ...request, facts: replayed })).toEqual(decide(POLICY, { ...request, facts: given }))
      expect(asksOf(POLICY, { ...request, facts: replayed })).toEqual(asksOf(POLICY, { ...request, facts: given }))
    }),
  )
})

it('what is recorded of a session has everything that access depends on', () => {
  const principal: Principal = {
    ...AGENT,
    purpose: 'TREAT',
    run: 'r1',
    patients: ['7'],
    targets: ['hospital'],
    onBehalfOf: [{ issuer: 'corp', subject: 'dr', kind: 'human', groups: ['staff'], claims: { dept: 'icu' } }],
  }
  const policy = policyOf(
    [],
    [
      grant('agents'),
      grant('staff', {
        principals: [
          {
            ...grant('x').principals[0],
            group: 'staff',
            kind: undefined,
            issuer: undefined,
            subject: undefined,
            claim: { dept: 'icu' },
          },
        ],
      }),
    ],
  )
  const moment = { now: NOON, activated: [] }
  const given = access(policy, principal, 'hospital', moment)
  if (given === undefined) throw new TypeError('no access')
  const identity = VerifiedIdentity.ofVerifiedToken({
    principal,
    tokenDigest: 'd',
    expiresAt: NOON,
    issuedAt: NOON,
    issuerUrl: 'i',
    audience: 'a',
  })
  const attempt: LoginAttempt = {
    token: 't',
    target: 'hospital',
    user: 'u',
    applicationName: 'x',
    peer: { address: 'a', port: 1, loopback: true },
    encrypted: true,
  }
  const { body } = sessionStart({ attempt, identity, access: given, tokenScope: undefined })
  const session = recordedSession(JSON.stringify(body))
  expect(session).toMatchObject({ grants: ['agents'], clearance: 'masked' })
  if (session === undefined) return
  expect(access(policy, session.principal, 'hospital', moment)?.key).toBe(given.key)
})
