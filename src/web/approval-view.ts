import type { ApprovalRequest, RequestMember, Subject } from '../approve/approval-request.ts'
import type { Approver } from '../approve/approvals.ts'
import { type Member, memberKey, type Principal } from '../identity/principal.ts'
import type { RequestView } from './approval-schemas.ts'
import type { ApprovalService } from './web-services.ts'

const memberOf = ({ issuer, subject, kind }: Member, name: string | undefined): RequestMember => ({
  issuer,
  subject,
  kind,
  ...(name === undefined ? {} : { name }),
})

/** The caller as approvals know it. */
export const approverOf = (principal: Principal, { poolsOf }: Pick<ApprovalService, 'poolsOf'>): Approver => ({
  member: memberOf(principal, principal.name),
  isDelegated: principal.onBehalfOf !== undefined && principal.onBehalfOf.length > 0,
  pools: poolsOf(principal),
})

/** People who act for themselves decide; agents, services and whoever holds a delegated token do not. */
export const canDecideAtAll = ({ member, isDelegated }: Approver): boolean => member.kind === 'human' && !isDelegated

/** Pools that count for what somebody may see. */
export const poolsSeen = (approver: Approver): readonly string[] =>
  canDecideAtAll(approver) ? [...approver.pools].toSorted() : []

export const isOfChain = (
  { chain }: { readonly chain: readonly Pick<RequestMember, 'issuer' | 'subject'>[] },
  member: RequestMember,
): boolean => chain.some((one) => memberKey(one) === memberKey(member))

/** Members of the chain see their own requests, approvers those of their pools; for everybody else there is none. */
export function maySee(request: ApprovalRequest, approver: Approver): boolean {
  const pools = poolsSeen(approver)
  return (
    isOfChain(request, approver.member) || request.needs.some((need) => need.pools.some((one) => pools.includes(one)))
  )
}

/** What a caller sees of a request: neither its digest, which could be guessed from, nor the exact statement. */
export function viewOf(
  request: ApprovalRequest,
  { mayDecide, stepUp, publicUrl }: { mayDecide: true | string; stepUp: RequestView['stepUp']; publicUrl: string },
): RequestView {
  const { id, state, chain, purpose, run, session, needs, decisions, holds } = request
  return {
    id,
    state,
    url: `${publicUrl}/approvals/${id}`,
    createdAt: new Date(request.createdAt).toISOString(),
    expiresAt: new Date(request.expiresAt).toISOString(),
    holds,
    subject: subjectOf(request.subject),
    chain: [...chain],
    purpose,
    run,
    session,
    needs: needs.map(({ rule, pools, quorum }) => ({ rule, pools: [...pools], quorum })),
    decisions: decisions.map(({ by, verdict, rationale, at, stepUp: shown }) => ({
      by,
      verdict,
      rationale,
      at: new Date(at).toISOString(),
      stepUp: shown.kind,
    })),
    mayDecide: mayDecide === true,
    whyNot: mayDecide === true ? undefined : mayDecide,
    stepUp,
  }
}

function subjectOf(subject: Subject): RequestView['subject'] {
  if (subject.kind === 'access') {
    const { grant, targets, clearance, durationMs, justification } = subject.shown
    return {
      kind: 'access',
      grant,
      targets: [...targets],
      clearance,
      durationSeconds: durationMs / 1000,
      justification,
    }
  }
  if (subject.kind === 'policy') return { kind: 'policy', ...subject.shown, diff: [...subject.shown.diff] }
  const { commands, effects, relations, classes, reasons, ...shown } = subject.shown
  return {
    kind: 'operation',
    ...shown,
    commands: [...commands],
    effects: [...effects],
    relations: [...relations],
    classes: [...classes],
    reasons: reasons.map((one) => ({ ...one })),
  }
}
