import type { ApprovalRequest, NewRequest, RequestMember } from './approval-request.ts'
import type { Approver, Opinion } from './approvals.ts'

export const HOUR = 3_600_000
export const NOW = 1_800_000_000_000
export const LIMITS = { requestLifetime: HOUR, maxApproval: 8 * HOUR }

export const human = (subject: string, issuer = 'clinic'): RequestMember => ({ issuer, subject, kind: 'human' })

export const approver = (
  subject: string,
  pools: readonly string[] = ['privacy'],
  more: Partial<Approver> = {},
): Approver => ({
  member: human(subject),
  isDelegated: false,
  pools: new Set(pools),
  ...more,
})

export const AGENT: RequestMember = { issuer: 'agents', subject: 'planner', kind: 'agent' }

/** An agent that acts for Dora wants to change a row. */
export const newRequest = (more: Partial<NewRequest> = {}): NewRequest => ({
  digest: 'd'.repeat(64),
  subject: {
    kind: 'operation',
    shown: {
      target: 'hospital',
      protocol: 'postgres',
      statement: 'UPDATE ehr.patient SET city = $1 WHERE id = $2',
      commands: ['UPDATE'],
      effects: ['write'],
      relations: ['write ehr.patient'],
      classes: ['city'],
      parameters: 2,
      reasons: [{ rule: 'guardrails/masked-write', message: 'labelled columns are changed' }],
      hasPreview: true,
    },
  },
  chain: [AGENT, human('dora')],
  chainKey: '["agents/planner","clinic/dora"]',
  purpose: 'TREAT',
  run: 'run-1',
  session: '7f0c5a8e-0000-4000-8000-000000000000',
  needs: [{ pools: ['privacy'], quorum: 1, rule: 'guardrails/masked-write' }],
  exact: '{"sql":"UPDATE ehr.patient SET city = \'Springfield\' WHERE id = 7"}',
  ...more,
})

export function pending(more: Partial<ApprovalRequest> = {}): ApprovalRequest {
  const { exact: _, ...request } = newRequest()
  return {
    ...request,
    id: 'apr-0123456789ab',
    createdAt: NOW,
    expiresAt: NOW + HOUR,
    state: 'pending',
    decisions: [],
    ...more,
  }
}

export const ONCE: Opinion = { verdict: { kind: 'approve-once' }, rationale: 'as agreed with the ward' }
export const REFUSE: Opinion = { verdict: { kind: 'refuse' }, rationale: 'not today' }
export const timed = (minutes: number): Opinion => ({
  verdict: { kind: 'approve-timed', minutes },
  rationale: 'for the run',
})
