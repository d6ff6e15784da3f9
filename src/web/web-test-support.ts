import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import type { ApprovalRequest, RequestMember } from '../approve/approval-request.ts'
import type { ApproverDesk, Approver, Opinion, Proof } from '../approve/approvals.ts'
import { IdentityRejected } from '../identity/identity-rejected.ts'
import { memberKey, type Principal } from '../identity/principal.ts'
import { VerifiedIdentity } from '../identity/verified-identity.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { startWebListener, type WebListener, type WebListenerOptions } from './web-listener.ts'
import type { ApprovalService, PasskeyService, WebServices } from './web-services.ts'

const person = (subject: string, more: Partial<Principal> = {}): Principal => ({
  issuer: 'dev',
  subject,
  kind: 'human',
  groups: [],
  name: undefined,
  ...more,
})

/** By their tokens. */
export const PEOPLE: Readonly<Record<string, Principal>> = {
  ana: person('ana@example.org', { name: 'Ana Approver', groups: ['clinicians'] }),
  ben: person('ben@example.org', { name: 'Ben Approver', groups: ['clinicians'] }),
  stranger: person('stranger@example.org'),
  agent: person('agent:executor', { kind: 'agent', groups: ['clinicians'] }),
  service: person('job-1', { kind: 'service', groups: ['clinicians'] }),
  delegated: person('dee@example.org', {
    groups: ['clinicians'],
    onBehalfOf: [{ issuer: 'dev', subject: 'ana@example.org', kind: 'human', groups: [] }],
  }),
}

export const identityOf = (principal: Principal): VerifiedIdentity =>
  VerifiedIdentity.ofVerifiedToken({
    principal,
    issuerUrl: 'https://issuer.example.org',
    audience: 'chaperone',
    issuedAt: 0,
    expiresAt: 32_503_680_000_000,
    tokenDigest: '0000000000000000',
  })

export function verify(token: string): VerifiedIdentity {
  if (token === 'expired') throw new IdentityRejected('expired', 'dev')
  if (token === 'revoked') throw new ChaperoneError('CHP-AUTH-REVOKED')
  const principal = Object.hasOwn(PEOPLE, token) ? PEOPLE[token] : undefined
  if (principal === undefined) throw new IdentityRejected('signature', 'dev')
  return identityOf(principal)
}

export const memberOf = (who: string): RequestMember => {
  const { issuer, subject, kind, name } = PEOPLE[who] ?? person(who)
  return { issuer, subject, kind, ...(name === undefined ? {} : { name }) }
}

const NOW = Date.parse('2026-03-01T09:00:00Z')

export function operationRequest(id: string, more: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    id,
    digest: 'd'.repeat(64),
    state: 'pending',
    createdAt: NOW,
    expiresAt: NOW + 3_600_000,
    decisions: [],
    chain: [memberOf('agent'), { issuer: 'dev', subject: 'carla@example.org', kind: 'human', name: 'Dr. Carla Care' }],
    chainKey: '[]',
    purpose: 'TREAT',
    needs: [{ pools: ['clinicians'], quorum: 1, rule: 'hold-updates' }],
    subject: {
      kind: 'operation',
      shown: {
        target: 'hospital',
        protocol: 'postgres',
        statement: 'UPDATE hospital.patients SET phone = $1 WHERE id = $2',
        commands: ['UPDATE'],
        effects: ['write'],
        relations: ['write hospital.patients'],
        classes: ['phone'],
        parameters: 0,
        estimatedRows: 1,
        reasons: [{ rule: 'hold-updates', message: 'agents change charts with approval' }],
        hasPreview: true,
      },
    },
    ...more,
  }
}

/** A desk without rules of its own beyond the least: what the listener does before it, is what is under test. */
export class FakeDesk implements ApproverDesk {
  readonly requests = new Map<string, ApprovalRequest>()
  readonly decided: {
    readonly id: string
    readonly approver: Approver
    readonly opinion: Opinion
    readonly proof: Proof
  }[] = []
  failure: ChaperoneError | undefined

  constructor(...requests: ApprovalRequest[]) {
    for (const request of requests) this.requests.set(request.id, request)
  }

  list: ApproverDesk['list'] = async ({ state, limit }) => {
    if (this.failure !== undefined) throw this.failure
    const found = [...this.requests.values()].filter((one) => state === undefined || one.state === state)
    return found.slice(0, limit)
  }
  get = async (id: string): Promise<ApprovalRequest | undefined> => this.requests.get(id)
  exactOf = async (): Promise<undefined> => undefined
  mayDecide: ApproverDesk['mayDecide'] = (request, { member, pools }) => {
    if (request.chain.some((one) => memberKey(one) === memberKey(member)))
      return 'nobody decides about their own request'
    return request.needs.some((need) => need.pools.some((one) => pools.has(one))) || 'not in the pools of this request'
  }
  challenge: ApproverDesk['challenge'] = async (id) => ({ challenge: `challenge-of-${id}` })
  decide: ApproverDesk['decide'] = async (id, approver, opinion, proof) => {
    const request = this.requests.get(id)
    const may = request === undefined ? 'gone' : this.mayDecide(request, approver)
    if (request === undefined || may !== true)
      throw new ChaperoneError('CHP-APPROVAL-INVALID', { message: String(may) })
    this.decided.push({ id, approver, opinion, proof })
    const changed: ApprovalRequest = { ...request, state: opinion.verdict.kind === 'refuse' ? 'refused' : 'approved' }
    this.requests.set(id, changed)
    return changed
  }
}

const unused = (): Promise<never> => Promise.reject(new ChaperoneError('CHP-APPROVAL-INVALID', { message: 'not here' }))

export const noPasskeys: PasskeyService = {
  list: async () => [],
  beginRegistration: unused,
  finishRegistration: unused,
}

export const approvalsOf = (desk: ApproverDesk, more: Partial<ApprovalService> = {}): ApprovalService => ({
  desk,
  withdraw: async () => undefined,
  stepUp: 'tokenOnlyWithoutPasskey',
  maxMinutes: 480,
  passkeys: noPasskeys,
  poolsOf: ({ groups }) => new Set(groups),
  preview: async () => undefined,
  ...more,
})

export const ABOUT: WebServices['about'] = { version: '0.0.0', postgres: { host: 'db.example.org', port: 5432 } }

export const PUBLIC_URL = 'http://localhost:8443'

/** A listener on a free port of this machine. */
export const startTestListener = (
  services: Partial<WebServices>,
  more: Partial<WebListenerOptions> = {},
): Promise<WebListener> =>
  startWebListener({
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    publicUrl: PUBLIC_URL,
    services: { verify, delegation: undefined, approvals: undefined, access: undefined, about: ABOUT, ...services },
    signIn: undefined,
    clock: () => Date.now(),
    onError: () => undefined,
    ...more,
  })

/** Of the right form; what is in it is for the desk. */
export const ASSERTION: AuthenticationResponseJSON = {
  id: 'abc',
  rawId: 'abc',
  type: 'public-key',
  clientExtensionResults: {},
  response: { clientDataJSON: 'e30', authenticatorData: 'AAAA', signature: 'AAAA' },
}
