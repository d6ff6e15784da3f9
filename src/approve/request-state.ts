import { assertNever } from '../lib/assert-never.ts'
import type { ApprovalNeed, ApprovalRequest, Decision, RequestMember } from './approval-request.ts'
import type { Approver, Opinion } from './approvals.ts'

/** What can happen to a request. Time happens by itself: see `withTime`. */
export type RequestEvent =
  | {
      readonly kind: 'decide'
      readonly approver: Approver
      readonly opinion: Opinion
      readonly stepUp: Decision['stepUp']
    }
  | { readonly kind: 'use' }
  /** What was approved cannot be brought about any more. */
  | { readonly kind: 'lapse' }
  | { readonly kind: 'withdraw' }

/** What the configuration says about times, in milliseconds. */
export interface RequestLimits {
  readonly requestLifetime: number
  readonly maxApproval: number
}

/** The request as it is afterwards, or why the event changes nothing: words for people, free of values. */
export type Outcome =
  | { readonly kind: 'changed'; readonly request: ApprovalRequest }
  | { readonly kind: 'invalid'; readonly reason: string }

export const RATIONALE_LENGTH = { minimum: 3, maximum: 2000 } as const

const MINUTE_MS = 60_000
/** Clocks of gateways differ by so much. What was made or decided later than that was so before the clock was set back. */
const CLOCK_SKEW_MS = 60_000

/** The request as time has made it. Every other function of this file takes one that went through here. */
export function withTime(request: ApprovalRequest, now: number): ApprovalRequest {
  if (request.state !== 'pending' && request.state !== 'approved') return request
  const isOver = now >= request.expiresAt || decidedAt(request) > now + CLOCK_SKEW_MS
  return isOver ? { ...request, state: 'expired' } : request
}

/** The state table. `now`: of a clock that never goes back. */
export function transition(before: ApprovalRequest, event: RequestEvent, now: number, limits: RequestLimits): Outcome {
  const request = withTime(before, now)
  switch (event.kind) {
    case 'decide':
      return decide(request, event, now, limits)
    case 'use':
      return use(request)
    case 'lapse':
      return request.state === 'approved'
        ? changed({ ...request, state: 'expired' })
        : invalid(`the request is ${request.state}`)
    case 'withdraw':
      return request.state === 'pending'
        ? changed({ ...request, state: 'withdrawn' })
        : invalid('the request is not pending')
    default:
      return assertNever(event)
  }
}

/** Whether this human may decide about the request, and if not, why. Says nothing of the request's state. */
export function mayDecide(request: ApprovalRequest, { member, isDelegated, pools }: Approver): true | string {
  if (member.kind !== 'human') return 'only people decide'
  if (isDelegated) return 'a token that acts for somebody else decides nothing'
  if (request.chain.some((one) => isSamePerson(one, member))) return 'nobody of the chain decides about its own request'
  if (!request.needs.some((need) => counts(need, pools))) return 'none of the pools that may decide has this person'
  if (request.decisions.some(({ by }) => isSamePerson(by, member))) return 'this person has decided already'
  return true
}

/** Whether each need has its quorum of distinct people. A request that needs nobody is never met: it is a mistake. */
export function isMet(needs: readonly ApprovalNeed[], decisions: readonly Decision[]): boolean {
  return needs.length > 0 && needs.every((need) => hasQuorum(need, decisions))
}

/** When the latest decision fell; when it was made, while there is none. */
export function decidedAt({ decisions, createdAt }: ApprovalRequest): number {
  return decisions.reduce((latest, { at }) => Math.max(latest, at), createdAt)
}

function hasQuorum(need: ApprovalNeed, decisions: readonly Decision[]): boolean {
  const people: RequestMember[] = []
  for (const { by, pools, verdict } of decisions) {
    if (verdict.kind === 'refuse' || by.kind !== 'human' || !counts(need, new Set(pools))) continue
    if (!people.some((one) => isSamePerson(one, by))) people.push(by)
  }
  return need.quorum >= 1 && people.length >= need.quorum
}

const counts = (need: ApprovalNeed, pools: ReadonlySet<string>): boolean => need.pools.some((pool) => pools.has(pool))

/**
 * The same subject at two issuers may be one person, so it counts as one: the mistake the other way would let somebody approve
 * their own request. Case, spelling variants of Unicode, blanks and characters that nobody sees make no second person either.
 */
function isSamePerson(left: RequestMember, right: RequestMember): boolean {
  return folded(left.subject) === folded(right.subject)
}

/** Upper case first: `ß` is `ss`. */
const folded = (subject: string): string =>
  subject
    .normalize('NFKC')
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\s]/gu, '')
    .toUpperCase()
    .toLowerCase()

type DecideEvent = Extract<RequestEvent, { kind: 'decide' }>

function decide(request: ApprovalRequest, event: DecideEvent, now: number, limits: RequestLimits): Outcome {
  const reason = whyNot(request, event, limits)
  if (reason !== undefined) return invalid(reason)
  const { member, pools } = event.approver
  const decision: Decision = {
    by: member,
    pools: [...pools].toSorted(),
    verdict: event.opinion.verdict,
    rationale: event.opinion.rationale,
    at: now,
    stepUp: event.stepUp,
  }
  const decisions = [...request.decisions, decision]
  if (decision.verdict.kind === 'refuse') return changed({ ...request, decisions, state: 'refused' })
  if (!isMet(request.needs, decisions)) return changed({ ...request, decisions })
  return changed({ ...request, decisions, state: 'approved', ...extent(request, decisions, now, limits) })
}

/** Why a decision does not count; undefined when it does. */
function whyNot(
  request: ApprovalRequest,
  { approver, opinion }: DecideEvent,
  limits: RequestLimits,
): string | undefined {
  const { verdict, rationale } = opinion
  const may = mayDecide(request, approver)
  if (may !== true) return may
  // An approver may still stop an operation that others have approved, as long as it was not used. Access and policy take effect
  // with the approval: that is ended by revoking it.
  const stops = verdict.kind === 'refuse' && request.subject.kind === 'operation'
  const isOpen = request.state === 'pending' || (request.state === 'approved' && stops)
  if (!isOpen) return `the request is ${request.state}`
  const { length } = rationale.trim()
  if (length < RATIONALE_LENGTH.minimum || rationale.length > RATIONALE_LENGTH.maximum || !rationale.isWellFormed()) {
    return `a rationale of ${RATIONALE_LENGTH.minimum} to ${RATIONALE_LENGTH.maximum} characters is required`
  }
  if (verdict.kind !== 'approve-timed') return undefined
  if (request.subject.kind === 'policy') return 'a version of the policy is approved as it is, not for a time'
  const { minutes } = verdict
  const isTime = Number.isInteger(minutes) && minutes >= 1 && minutes * MINUTE_MS <= limits.maxApproval
  return isTime ? undefined : `the minutes are not between 1 and ${Math.floor(limits.maxApproval / MINUTE_MS)}`
}

/** The strictest of what the approvers said: one use if anybody said so, else the shortest time. */
function extent(
  request: ApprovalRequest,
  decisions: readonly Decision[],
  now: number,
  { requestLifetime, maxApproval }: RequestLimits,
): Pick<ApprovalRequest, 'holds' | 'expiresAt'> {
  const minutes = decisions.map(({ verdict }) => (verdict.kind === 'approve-timed' ? verdict.minutes : undefined))
  const shortest = minutes.reduce<number | undefined>((least, one) => smaller(least, one), undefined)
  // What is not an operation is used once, by the gateway itself; a time shortens what it gives.
  if (request.subject.kind !== 'operation' || shortest === undefined || minutes.includes(undefined)) {
    return { holds: 'once', expiresAt: now + Math.min(requestLifetime, maxApproval) }
  }
  return { holds: 'timed', expiresAt: now + Math.min(shortest * MINUTE_MS, maxApproval) }
}

function smaller(left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return left ?? right
  return Math.min(left, right)
}

function use(request: ApprovalRequest): Outcome {
  if (request.state !== 'approved') return invalid(`the request is ${request.state}`)
  return changed(request.holds === 'timed' ? request : { ...request, state: 'used' })
}

const changed = (request: ApprovalRequest): Outcome => ({ kind: 'changed', request })
const invalid = (reason: string): Outcome => ({ kind: 'invalid', reason })

/** For how long an approved request for access gives it: as asked for, or less when an approver said so. */
export function accessDuration(request: ApprovalRequest): number {
  if (request.subject.kind !== 'access') return 0
  return request.decisions.reduce(
    (least, { verdict }) => (verdict.kind === 'approve-timed' ? Math.min(least, verdict.minutes * MINUTE_MS) : least),
    request.subject.shown.durationMs,
  )
}
