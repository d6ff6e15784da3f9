import type { ApprovalsConfig } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { ApprovalRecorder } from './approval-records.ts'
import type { ApprovalRepository } from './approval-repository.ts'
import type { ApprovalRequest, RequestMember } from './approval-request.ts'
import type { DecisionSigning } from './decision-challenge.ts'

/**
 * What an approved request brings about that is no operation. May be called again for a request that it was done for. False: it can
 * never be done, since something else has changed meanwhile. What rejects is tried again.
 */
export type ApprovalEffects = Readonly<Record<'access' | 'policy', (request: ApprovalRequest) => Promise<boolean>>>

export interface ApprovalOptions {
  readonly config: Pick<ApprovalsConfig, 'stepUp' | 'requestLifetime' | 'maxApproval' | 'maxPending'> & {
    readonly webhooks: readonly { readonly name: string }[]
  }
  /** Without a slash at the end. */
  readonly publicUrl: string
  readonly repository: ApprovalRepository
  readonly signing: DecisionSigning
  /** 32 bytes, the same for all gateways of a store. */
  readonly key: Buffer
  readonly recorder: ApprovalRecorder
  readonly effects: ApprovalEffects
  /** Whether what somebody decided at that time counts no more, because they were revoked. */
  readonly isRevoked: (member: RequestMember, at: number) => boolean
  /** A decision that does not count: an alert. The reason is free of values. */
  readonly onInvalid: (request: string, by: RequestMember, reason: string) => void
  /** What fails where nobody waits for it. */
  readonly onBackgroundError: (error: ChaperoneError) => void
  /** There are messages to be sent. */
  readonly onMessages: () => void
  /** One that never goes back. */
  readonly clock: Clock
  /** Between looks for what is over. Unset: 5 s. */
  readonly sweepMs?: number
  /** Between looks at what is waited for. Unset: 2 s. */
  readonly pollMs?: number
}
