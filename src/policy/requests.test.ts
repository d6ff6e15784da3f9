import { describe, expect, it } from 'vitest'
import type { ApprovalRequest, Decision, NewRequest } from '../approve/approval-request.ts'
import { parseConfig } from '../config/load.ts'
import { access } from '../decide/access.ts'
import { policyChecks } from '../decide/policy-checks.ts'
import { compilePolicy } from '../decide/policy.ts'
import type { Principal } from '../identity/principal.ts'
import { AccessRequests, giveAccess } from './access-requests.ts'
import { MemoryPolicyRepository } from './memory-policy-repository-test-support.ts'
import { managedConfig, managedText } from './policy-config-test-support.ts'
import { configInForce } from './policy-in-force.ts'
import { activateVersion, PolicyOffice } from './policy-office.ts'

const NOW = 1_000_000
const HOUR = 3_600_000
const CONFIG = managedConfig()
const POLICY = compilePolicy(CONFIG)
const NURSE: Principal = { issuer: 'corp', subject: 'nurse', kind: 'human', groups: ['staff'], name: 'Nurse' }
const OPERATOR = { issuer: 'operator', subject: 'root', kind: 'human' } as const

/** Approvals that remember what they were asked for. */
class Asked {
  readonly requests: NewRequest[] = []

  ask(request: NewRequest) {
    this.requests.push(request)
    return Promise.resolve({ kind: 'pending' as const, request: this.#stored(request) })
  }

  urlOf(id: string): string {
    return `https://gateway/approvals/${id}`
  }

  /** The last request, approved. */
  approved(changes: Partial<ApprovalRequest> = {}): ApprovalRequest {
    const request = this.requests.at(-1)
    if (request === undefined) throw new TypeError('nothing was asked for')
    const decision: Decision = {
      by: { issuer: 'corp', subject: 'officer', kind: 'human' },
      pools: ['privacy'],
      verdict: { kind: 'approve-once' },
      rationale: 'fine',
      at: NOW + 5,
      stepUp: { kind: 'token-only' },
    }
    return { ...this.#stored(request), state: 'approved', decisions: [decision], ...changes }
  }

  #stored(request: NewRequest): ApprovalRequest {
    const id = `apr-${this.requests.length}`
    return { ...request, id, createdAt: NOW, expiresAt: NOW + HOUR, state: 'pending', decisions: [] }
  }
}

const parse = (text: string) => parseConfig(text, '/nowhere/chaperone.yaml', {}, policyChecks)

const asking = () => {
  const approvals = new Asked()
  return { approvals, requests: new AccessRequests({ policy: () => POLICY, approvals, clock: () => NOW }) }
}

const wanted = { grant: 'break-glass', durationMs: HOUR / 2, justification: '  night shift  ' }

const purposed = (purpose: string | undefined) => (purpose === undefined ? NURSE : { ...NURSE, purpose })

/** Whether what was given to a request with one purpose, or none, opens anything for another. */
async function opens(asked: string | undefined, used: string | undefined): Promise<boolean | undefined> {
  const { approvals, requests } = asking()
  await requests.request(purposed(asked), wanted)
  const repository = new MemoryPolicyRepository()
  await giveAccess(approvals.approved(), POLICY, repository)
  const found = access(POLICY, purposed(used), 'hospital', { now: NOW, activated: await repository.given() })
  return found?.grants.includes('break-glass')
}

describe('AccessRequests', () => {
  it('asks for what can be asked for, in all words that count', async () => {
    const { approvals, requests } = asking()
    expect(requests.requestable(NURSE)).toEqual([
      { name: 'break-glass', targets: ['hospital'], clearance: 'clear', maxDurationMs: HOUR },
    ])
    await requests.request({ ...NURSE, purpose: 'ETREAT' }, wanted)
    expect(approvals.requests).toMatchObject([
      {
        subject: {
          kind: 'access',
          shown: { grant: 'break-glass', clearance: 'clear', durationMs: HOUR / 2, justification: 'night shift' },
        },
        chain: [{ issuer: 'corp', subject: 'nurse', kind: 'human', name: 'Nurse' }],
        chainKey: '["corp/nurse"]',
        purpose: 'ETREAT',
        needs: [{ pools: ['privacy'], quorum: 1, rule: 'grants.break-glass' }],
      },
    ])
  })

  it.each([
    [{ grant: 'staff' }, 'CHP-AUTH-REFUSED'],
    [{ grant: 'nothing' }, 'CHP-AUTH-REFUSED'],
    [{ durationMs: HOUR + 1 }, 'CHP-REQUEST-INVALID'],
    [{ durationMs: 0 }, 'CHP-REQUEST-INVALID'],
    [{ durationMs: Number.NaN }, 'CHP-REQUEST-INVALID'],
    [{ justification: ' ' }, 'CHP-REQUEST-INVALID'],
    [{ justification: 'x'.repeat(2001) }, 'CHP-REQUEST-INVALID'],
  ])('does not ask for %j', async (changes, code) => {
    const { approvals, requests } = asking()
    await expect(requests.request(NURSE, { ...wanted, ...changes })).rejects.toMatchObject({ code })
    expect(approvals.requests).toEqual([])
  })

  it('does not ask for somebody else', async () => {
    const { requests } = asking()
    const other = { ...NURSE, groups: [] }
    expect(requests.requestable(other)).toEqual([])
    await expect(requests.request(other, wanted)).rejects.toMatchObject({ code: 'CHP-AUTH-REFUSED' })
  })

  it('gives it to the chain, for the time since it was approved, once', async () => {
    const { approvals, requests } = asking()
    await requests.request(NURSE, wanted)
    const repository = new MemoryPolicyRepository()
    expect(await giveAccess(approvals.approved(), POLICY, repository)).toBe(true)
    const change = await repository.change()
    expect(await giveAccess(approvals.approved(), POLICY, repository)).toBe(true)
    expect(await repository.change()).toBe(change)
    const activated = await repository.given()
    const until = NOW + 5 + HOUR / 2
    expect(access(POLICY, NURSE, 'hospital', { now: NOW, activated })).toMatchObject({
      grants: ['break-glass', 'staff'],
      until,
    })
    expect(access(POLICY, NURSE, 'hospital', { now: until, activated })?.grants).toEqual(['staff'])
    const agent = { ...NURSE, subject: 'bot', onBehalfOf: [NURSE] }
    expect(access(POLICY, agent, 'hospital', { now: NOW, activated })?.grants).toEqual(['staff'])
  })

  it('gives it for the purpose that it was asked for, and for any where none was', async () => {
    expect(await opens('ETREAT', 'ETREAT')).toBe(true)
    expect(await opens('ETREAT', 'HRESCH')).toBe(false)
    expect(await opens('ETREAT', undefined)).toBe(false)
    expect(await opens(undefined, 'ETREAT')).toBe(true)
  })

  it('gives nothing but what was approved', async () => {
    const { approvals, requests } = asking()
    await requests.request(NURSE, wanted)
    const repository = new MemoryPolicyRepository()
    const longer = approvals.approved()
    if (longer.subject.kind !== 'access') throw new TypeError('not about access')
    const forged: readonly ApprovalRequest[] = [
      { ...longer, chainKey: '["corp/other"]' },
      { ...longer, purpose: 'HRESCH' },
      { ...longer, digest: 'f'.repeat(64) },
      { ...longer, decisions: [] },
      { ...longer, subject: { kind: 'access', shown: { ...longer.subject.shown, durationMs: HOUR } } },
    ]
    for (const request of forged) expect(await giveAccess(request, POLICY, repository)).toBe(false)
    const changed = compilePolicy(managedConfig(['maxDuration: 1h', 'maxDuration: 2h']))
    expect(await giveAccess(approvals.approved(), changed, repository)).toBe(false)
    expect(await repository.given()).toEqual([])
  })
})

async function opened(current = CONFIG) {
  const repository = new MemoryPolicyRepository()
  await configInForce(CONFIG, repository)
  const approvals = new Asked()
  const office = new PolicyOffice({ repository, approvals, parse, current: () => current })
  return { repository, approvals, office }
}

describe('PolicyOffice', () => {
  const changed = managedText(['group: staff', 'group: nurses'])

  it('asks those whom the version in force names, and shows them what changes', async () => {
    const { approvals, office, repository } = await opened()
    const result = await office.propose({ text: changed, note: 'renamed', by: OPERATOR })
    expect(result).toMatchObject({ kind: 'requested', request: 'apr-1', url: 'https://gateway/approvals/apr-1' })
    expect(approvals.requests).toMatchObject([
      {
        subject: {
          kind: 'policy',
          shown: {
            version: result.version,
            active: CONFIG.policyVersion,
            diff: [expect.stringContaining('grants[staff].principals')],
          },
        },
        needs: [{ pools: ['privacy'], quorum: 2, rule: 'activation' }],
      },
    ])
    expect(await office.history(9)).toMatchObject({
      versions: [{ version: result.version, note: 'renamed', createdBy: 'root' }, { createdBy: 'first start' }],
      activations: [{ version: CONFIG.policyVersion }],
    })
    expect(await activateVersion(approvals.approved(), repository)).toBe(true)
    expect(await activateVersion(approvals.approved(), repository)).toBe(true)
    expect(await repository.activations(9)).toMatchObject([
      { version: result.version, by: 'corp/officer', request: 'apr-1' },
      { version: CONFIG.policyVersion },
    ])
  })

  it('does not let a proposal name its own approvers', async () => {
    const { approvals, office } = await opened()
    await office.propose({ text: managedText(['quorum: 2', 'quorum: 1']), note: '', by: OPERATOR })
    expect(approvals.requests[0]?.needs).toEqual([{ pools: ['privacy'], quorum: 2, rule: 'activation' }])
  })

  it('activates nothing over another version, and nothing but what was approved', async () => {
    const { approvals, office, repository } = await opened()
    await office.propose({ text: changed, note: '', by: OPERATOR })
    const first = approvals.approved()
    if (first.subject.kind !== 'policy') throw new TypeError('not about the policy')
    const forged = {
      ...first,
      subject: { kind: 'policy', shown: { ...first.subject.shown, version: 'sha256:0' } },
    } as const
    expect(await activateVersion(forged, repository)).toBe(false)
    await office.propose({ text: managedText(['group: staff', 'group: doctors']), note: '', by: OPERATOR })
    expect(await activateVersion(approvals.approved(), repository)).toBe(true)
    expect(await activateVersion(first, repository)).toBe(false)
    expect(await repository.activations(9)).toHaveLength(2)
  })

  it('takes no text that is no configuration, and nothing where the file decides', async () => {
    const { approvals, office } = await opened()
    await expect(office.propose({ text: 'version: 1', note: '', by: OPERATOR })).rejects.toMatchObject({
      code: 'CHP-CONFIG-INVALID',
    })
    expect(await office.propose({ text: managedText(), note: '', by: OPERATOR })).toMatchObject({ kind: 'in-force' })
    const byFile = await opened({ ...CONFIG, activation: { kind: 'file' } })
    await expect(byFile.office.propose({ text: changed, note: '', by: OPERATOR })).rejects.toMatchObject({
      code: 'CHP-REQUEST-FORBIDDEN',
    })
    expect(approvals.requests).toEqual([])
  })
})
