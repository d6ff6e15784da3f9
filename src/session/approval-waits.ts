import type { ApprovalRequest } from '../approve/approval-request.ts'
import type { Approvals } from '../approve/approvals.ts'
import type { Need } from '../decide/decision.ts'
import { assertNever } from '../lib/assert-never.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Execution, WaitNotice } from '../protocols/protocol.ts'

/** So often a client that waits is told that it does; middleboxes and drivers give up connections that say nothing for longer. */
const NOTICE_EVERY_MS = 10_000

export interface ApprovalWait {
  readonly approvals: Pick<Approvals, 'settled' | 'withdraw' | 'urlOf'>
  readonly execution: Pick<Execution, 'signal' | 'say'>
  readonly request: ApprovalRequest
  readonly needs: readonly Need[]
  readonly waitMs: number
}

/** Waits until somebody has decided, or the time is up. 'decided': it may be covered now. */
export async function waitForApproval(wait: ApprovalWait): Promise<'decided' | ChaperoneError> {
  const { approvals, execution, request, needs, waitMs } = wait
  const url = approvals.urlOf(request.id)
  const notice = waitNotice(request, needs, url)
  const timeUp = new AbortController()
  const timer = setTimeout(() => timeUp.abort(), Math.max(0, waitMs))
  const again = setInterval(() => execution.say(notice), NOTICE_EVERY_MS)
  try {
    execution.say(notice)
    const settled = await approvals.settled(request.id, AbortSignal.any([execution.signal, timeUp.signal]))
    if (execution.signal.aborted) return await withdrawn(approvals, request.id, execution.signal.reason !== 'ended')
    return outcomeOf(settled, needs, url)
  } finally {
    clearTimeout(timer)
    clearInterval(again)
  }
}

/** What a client is told that has to come back later. */
export function ticketFor({ id }: ApprovalRequest, needs: readonly Need[], url: string): ChaperoneError {
  return new ChaperoneError('CHP-APPROVAL-PENDING', {
    message: `this statement waits for an approval (${reasonsOf(needs)}); request ${id} at ${url}`,
    hint: `Send exactly the same statement again, with the same parameters, once request ${id} is approved.`,
    ...ruleOf(needs),
  })
}

/** Whoever refuses is named by nothing: what they say may be about a patient, and stands where they said it. */
export function refusedAt({ id }: ApprovalRequest, needs: readonly Need[], url: string): ChaperoneError {
  return new ChaperoneError('CHP-APPROVAL-REFUSED', {
    message: `an approver refused this statement; the reason is with request ${id} at ${url}`,
    hint: 'Do not send it again as it is: do without it, or ask the person you work for.',
    ...ruleOf(needs),
  })
}

function outcomeOf(request: ApprovalRequest, needs: readonly Need[], url: string): 'decided' | ChaperoneError {
  switch (request.state) {
    case 'approved':
    // By another client with the same operation.
    case 'used':
      return 'decided'
    case 'pending':
      return ticketFor(request, needs, url)
    case 'refused':
      return refusedAt(request, needs, url)
    case 'expired':
      return new ChaperoneError('CHP-APPROVAL-PENDING', {
        message: `nobody decided about request ${request.id} in time`,
        hint: 'Send the statement again to ask anew.',
        ...ruleOf(needs),
      })
    case 'withdrawn':
      return new ChaperoneError('CHP-APPROVAL-WITHDRAWN')
    default:
      return assertNever(request.state)
  }
}

/** A session that was ended by others leaves its request: its client may connect again, and ask for the same. */
async function withdrawn(
  approvals: Pick<Approvals, 'withdraw'>,
  id: string,
  byClient: boolean,
): Promise<ChaperoneError> {
  // Where it cannot be taken back it ends by itself, and nothing runs by it but this very operation of this chain.
  if (byClient) await approvals.withdraw(id).catch(() => undefined)
  return new ChaperoneError('CHP-APPROVAL-WITHDRAWN')
}

function waitNotice({ id }: ApprovalRequest, needs: readonly Need[], url: string): WaitNotice {
  const pools = [...new Set(needs.flatMap((need) => need.pools))].toSorted().join(', ')
  return {
    message: `waiting for an approval by ${pools} (${reasonsOf(needs)}); request ${id} at ${url}`,
    hint: 'Wait for the answer and do not send the statement again; cancel it to withdraw the request.',
  }
}

const reasonsOf = (needs: readonly Need[]): string =>
  [...new Set(needs.map(({ message, rule }) => (message === '' ? rule : message)))].join('; ')

const ruleOf = ([first]: readonly Need[]): { readonly rule?: string } =>
  first === undefined ? {} : { rule: first.rule }
