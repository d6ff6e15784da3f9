import { describe, expect, it } from 'vitest'
import { grantConfig } from '../config/policy-test-support.ts'
import { access } from '../decide/access.ts'
import { compilePolicy } from '../decide/policy.ts'
import type { Principal } from '../identity/principal.ts'
import { VerifiedIdentity } from '../identity/verified-identity.ts'
import { recordedSession } from '../policy/recorded-facts.ts'
import { fragment } from '../record/canonical.ts'
import { sessionStart } from './session-start.ts'

const PRINCIPAL: Principal = {
  issuer: 'idp',
  subject: 'agent-1',
  kind: 'agent',
  name: 'Agent',
  groups: ['care'],
  claims: { ward: 'icu' },
  purpose: 'TREAT',
  run: 'run-1',
  patients: ['4711', '4712'],
  onBehalfOf: [{ issuer: 'idp', subject: 'planner', kind: 'agent', groups: ['care'] }],
}

function started() {
  const policy = compilePolicy({
    grants: [grantConfig()],
    rules: [],
    packs: { guardrails: { disable: [] } },
    phi: { predicates: { default: 'allow', classes: {} } },
    policyVersion: '1',
  })
  const granted = access(policy, PRINCIPAL, 'hospital', { now: 0, activated: [] })
  if (granted === undefined) throw new Error('no access')
  return sessionStart({
    attempt: {
      token: 'secret-token',
      target: 'hospital',
      user: 'Quuxalot',
      applicationName: 'Zebediah',
      peer: { address: '127.0.0.1', port: 1, loopback: true },
      encrypted: true,
    },
    identity: VerifiedIdentity.ofVerifiedToken({
      principal: PRINCIPAL,
      issuerUrl: 'https://idp',
      audience: 'a',
      issuedAt: 0,
      expiresAt: 1000,
      tokenDigest: '0123456789abcdef',
    }),
    access: granted,
    tokenScope: undefined,
  })
}

describe('the record of a beginning session', () => {
  it('names the chain, purpose and run in its header, and patients by their number only', () => {
    const { header } = started()
    expect(header).toMatchObject({
      chain: ['idp/agent-1', 'idp/planner'],
      purpose: 'TREAT',
      run: 'run-1',
      patients: 2,
      grants: ['agents'],
      token: '0123456789abcdef',
    })
    expect(JSON.stringify(header)).not.toMatch(/4711|Quuxalot|Zebediah|secret/)
  })

  it('has in its body what decisions can be made again from, and no token', () => {
    const { body } = started()
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(recordedSession(fragment(body))).toMatchObject({
      principal: { ...PRINCIPAL, name: undefined },
      grants: ['agents'],
      clearance: 'masked',
    })
  })
})
