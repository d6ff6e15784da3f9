import type { ApprovalRequest, ShownAccess } from '../approve/approval-request.ts'
import type { Approvals } from '../approve/approvals.ts'
import { accessDuration } from '../approve/request-state.ts'
import { accessDigest } from '../approve/subject-digest.ts'
import type { GrantConfig } from '../config/config.ts'
import { requestable } from '../decide/access.ts'
import { combineClearances } from '../decide/clearance.ts'
import { grantDigest } from '../decide/grant-digest.ts'
import type { Policy } from '../decide/policy.ts'
import { chainKey, chainOf, type Principal } from '../identity/principal.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { PolicyRepository } from './policy-repository.ts'

const MAX_JUSTIFICATION = 2000

export interface RequestableAccess {
  readonly name: string
  readonly targets: readonly string[]
  readonly clearance: string
  readonly maxDurationMs: number
}

export interface WantedAccess {
  readonly grant: string
  readonly durationMs: number
  readonly justification: string
}

export interface AccessRequestsOptions {
  readonly policy: () => Policy
  readonly approvals: Pick<Approvals, 'ask'>
  readonly clock: Clock
}

/** Time-boxed use of grants that are given on request. */
export class AccessRequests {
  readonly #options: AccessRequestsOptions

  constructor(options: AccessRequestsOptions) {
    this.#options = options
  }

  /** What a chain may ask for. */
  requestable(principal: Principal): readonly RequestableAccess[] {
    const { policy, clock } = this.#options
    return requestable(policy(), principal, clock()).flatMap(({ name, targets, clearance, onRequest }) => {
      if (onRequest === undefined) return []
      const { key } = combineClearances([clearance])
      return [{ name, targets, clearance: key, maxDurationMs: onRequest.maxDuration }]
    })
  }

  /** @throws CHP-AUTH-REFUSED for a grant that the chain may not ask for, CHP-REQUEST-INVALID for a time or justification that is none */
  async request(principal: Principal, wanted: WantedAccess): Promise<ApprovalRequest> {
    const { policy, approvals, clock } = this.#options
    const current = policy()
    const grant = requestable(current, principal, clock()).find(({ name }) => name === wanted.grant)
    if (grant?.onRequest === undefined)
      throw new ChaperoneError('CHP-AUTH-REFUSED', { reason: 'no such grant on request' })
    const { maxDuration, pools, quorum } = grant.onRequest
    const access = shownAccess(grant, wanted)
    if (!Number.isInteger(wanted.durationMs) || wanted.durationMs <= 0 || wanted.durationMs > maxDuration) {
      throw invalid(`the time has to be between 1 and ${Math.floor(maxDuration / 60_000)} minutes`)
    }
    if (access.justification === '' || access.justification.length > MAX_JUSTIFICATION) {
      throw invalid(`a justification of at most ${MAX_JUSTIFICATION} characters is needed`)
    }
    const { purpose, run } = principal
    const chain = chainKey(principal)
    const { request } = await approvals.ask({
      digest: accessDigest({ access, chain, purpose, run, policyVersion: current.version }),
      subject: { kind: 'access', shown: access },
      chain: chainOf(principal).map(({ issuer, subject, kind }, index) => {
        const name = index === 0 ? principal.name : undefined
        return { issuer, subject, kind, ...(name === undefined ? {} : { name }) }
      }),
      chainKey: chain,
      ...(purpose === undefined ? {} : { purpose }),
      ...(run === undefined ? {} : { run }),
      needs: [{ pools: [...pools].toSorted(), quorum, rule: `grants.${grant.name}` }],
    })
    return request
  }
}

/**
 * Gives what an approved request asks for, until its time is over. False when the policy has changed since, so that something else would
 * be given than was approved.
 */
export async function giveAccess(
  request: ApprovalRequest,
  policy: Policy,
  repository: Pick<PolicyRepository, 'give'>,
): Promise<boolean> {
  const { subject, chainKey: chain, purpose, run, decisions } = request
  const approvedAt = decisions.at(-1)?.at
  if (subject.kind !== 'access' || approvedAt === undefined) return false
  const access = subject.shown
  const grant = policy.grants.find(({ name }) => name === access.grant)
  if (grant?.onRequest === undefined) return false
  if (accessDigest({ access, chain, purpose, run, policyVersion: policy.version }) !== request.digest) return false
  // An approver may have given less than was asked for.
  const until = approvedAt + Math.min(accessDuration(request), grant.onRequest.maxDuration)
  await repository.give({ request: request.id, chain, grant: grant.name, digest: grantDigest(grant, purpose), until })
  return true
}

const shownAccess = (
  { name, targets, clearance }: GrantConfig,
  { durationMs, justification }: WantedAccess,
): ShownAccess => ({
  grant: name,
  targets: targets.toSorted(),
  clearance: combineClearances([clearance]).key,
  durationMs,
  justification: justification.trim(),
})

const invalid = (message: string): ChaperoneError => new ChaperoneError('CHP-REQUEST-INVALID', { message })
