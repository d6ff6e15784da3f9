import { ChaperoneError } from '../lib/errors.ts'
import type { ApprovalOptions } from './approval-options.ts'
import { decidedRecord } from './approval-records.ts'
import type { ApprovalRequest, Decision } from './approval-request.ts'
import { approvalUnavailable, available } from './approval-unavailable.ts'
import type { Approver, ApproverDesk, Opinion, Proof } from './approvals.ts'
import type { DecisionSignature, DecisionToSign } from './decision-challenge.ts'
import { isRequestId } from './request-id.ts'
import type { RequestLedger } from './request-ledger.ts'
import { mayDecide, transition, withTime } from './request-state.ts'

const MAX_LISTED = 500

/** @param bringAbout what is done with a request that was approved; gives it back as it is then. */
export function approverDesk(
  options: ApprovalOptions,
  ledger: RequestLedger,
  bringAbout: (request: ApprovalRequest) => Promise<ApprovalRequest>,
): ApproverDesk {
  const { repository, config, signing, clock } = options
  const find = (id: string) => (isRequestId(id) ? available(repository.find(id)) : Promise.resolve(undefined))

  const get = async (id: string): Promise<ApprovalRequest | undefined> => {
    const request = ledger.open(await find(id))
    return request === undefined ? undefined : withTime(request, clock())
  }

  const invalid = (id: string, { member }: Approver, reason: string): ChaperoneError => {
    options.onInvalid(id, member, reason)
    return new ChaperoneError('CHP-APPROVAL-INVALID', { message: `this decision does not count: ${reason}`, reason })
  }

  /** The request as it would be if this decision counted now. It is looked at again under a lock. */
  const decidable = async (id: string, approver: Approver, opinion: Opinion): Promise<ApprovalRequest> => {
    const request = await get(id)
    if (request === undefined) throw invalid(isRequestId(id) ? id : '', approver, 'there is no such request')
    decided(request, approver, opinion, { kind: 'token-only' }, clock())
    return request
  }

  const decided = (
    request: ApprovalRequest,
    approver: Approver,
    opinion: Opinion,
    stepUp: Decision['stepUp'],
    now: number,
  ): ApprovalRequest => {
    const outcome = transition(request, { kind: 'decide', approver, opinion, stepUp }, now, config)
    if (outcome.kind === 'invalid') throw invalid(request.id, approver, outcome.reason)
    return outcome.request
  }

  /** Undefined: there is none, and none is asked for. */
  const signatureOf = async (
    toSign: DecisionToSign,
    approver: Approver,
    proof: Proof,
  ): Promise<DecisionSignature | undefined> => {
    if (proof.kind === 'token-only') {
      const isEnough = config.stepUp === 'tokenOnlyWithoutPasskey' && !(await available(signing.hasPasskey(toSign.by)))
      if (isEnough) return undefined
      throw invalid(toSign.request, approver, 'it has to be signed with a passkey')
    }
    try {
      return await signing.verify(toSign, proof.assertion)
    } catch (error) {
      const told = approvalUnavailable(error)
      if (told.code !== 'CHP-APPROVAL-INVALID') throw told
      throw invalid(toSign.request, approver, told.reason ?? 'the passkey does not prove it')
    }
  }

  return {
    list: async (filter) => {
      const limit = Math.max(1, Math.min(filter.limit, MAX_LISTED))
      const stored = await available(repository.list({ ...filter, limit }))
      const now = clock()
      return stored.flatMap((one) => {
        const request = ledger.open(one)
        const current = request === undefined ? undefined : withTime(request, now)
        return current === undefined || (filter.state ?? current.state) !== current.state ? [] : [current]
      })
    },
    get,
    mayDecide,
    challenge: async (id, approver, opinion) => {
      const request = await decidable(id, approver, opinion)
      return available(signing.challenge(toSignOf(request, approver, opinion)))
    },
    decide: async (id, approver, opinion, proof) => {
      const toSign = toSignOf(await decidable(id, approver, opinion), approver, opinion)
      const signature = await signatureOf(toSign, approver, proof)
      const after = await ledger.told(
        repository.withRequest(id, async (rows, stored) => {
          const before = ledger.open(stored)
          if (before === undefined || stored === undefined) throw invalid(id, approver, 'there is no such request')
          const request = decided(before, approver, opinion, stepUpOf(signature), rows.now)
          const decision = request.decisions.at(-1)
          if (decision === undefined) throw new Error('a decision is missing')
          await ledger.change(rows, stored, request, decidedRecord(request, decision, signature))
          return request
        }),
      )
      return after.state === 'approved' ? bringAbout(after) : after
    },
    exactOf: async (id) => ledger.openExact(await find(id)),
  }
}

const toSignOf = ({ id, digest }: ApprovalRequest, { member }: Approver, opinion: Opinion): DecisionToSign => ({
  request: id,
  digest,
  by: member,
  ...opinion,
})

const stepUpOf = (signature: DecisionSignature | undefined): Decision['stepUp'] =>
  signature === undefined ? { kind: 'token-only' } : { kind: 'passkey', credential: signature.credential }
