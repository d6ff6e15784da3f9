import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import type { ApprovalRequest, NewRequest, RequestMember, RequestState, Verdict } from './approval-request.ts'

/** Whether an operation is covered now. Using an approval that holds once uses it up, durably, before this resolves. */
export type Coverage =
  | { readonly kind: 'covered'; readonly request: ApprovalRequest }
  | { readonly kind: 'pending'; readonly request: ApprovalRequest }
  | { readonly kind: 'refused'; readonly request: ApprovalRequest }

/** What the session asks of approvals. Everything rejects with CHP-APPROVAL-UNAVAILABLE when the store cannot be reached. */
export interface Approvals {
  /**
   * Uses an approval of this digest if there is one; else joins the pending request of the same digest, or makes one. A refusal is
   * told once: to whoever waits for it, or to the next identical operation; the one after that makes a new request. Rejects with
   * CHP-LIMIT-EXCEEDED when too many requests of the chain are pending.
   */
  ask(request: NewRequest): Promise<Coverage>
  /** Resolves when the request is not pending any more, or the signal aborts; with the state as it is then. */
  settled(id: string, signal: AbortSignal): Promise<ApprovalRequest>
  /** By the requester; a request that is not pending, or that another client of this gateway waits for, stays as it is. */
  withdraw(id: string): Promise<void>
  /** Where people decide about it. */
  urlOf(id: string): string
}

/** Somebody who has signed in, as the verifier found them. */
export interface Approver {
  readonly member: RequestMember
  /** Whether their token acts for somebody else: such a token decides nothing. */
  readonly isDelegated: boolean
  /** Pools that they are in by the present configuration. */
  readonly pools: ReadonlySet<string>
}

/** What an approver is about to say. */
export interface Opinion {
  readonly verdict: Verdict
  readonly rationale: string
}

/** token-only: counts where the configuration has that weaker setting, of approvers who have no passkey. */
export type Proof =
  | { readonly kind: 'passkey'; readonly assertion: AuthenticationResponseJSON }
  | { readonly kind: 'token-only' }

export interface RequestFilter {
  readonly state?: RequestState
  readonly limit: number
  /** Only requests of a chain with this member (`issuer/subject`), or that one of these pools decides about. */
  readonly visibleTo?: { readonly member: string; readonly pools: readonly string[] }
}

/** What approvers ask of it. */
export interface ApproverDesk {
  /** Newest first. */
  list(filter: RequestFilter): Promise<readonly ApprovalRequest[]>
  get(id: string): Promise<ApprovalRequest | undefined>
  /** Whether this human may decide about it, and if not, why. */
  mayDecide(request: ApprovalRequest, approver: Approver): true | string
  /** What a passkey has to sign for this very decision: single use, for five minutes. Rejects with CHP-APPROVAL-INVALID. */
  challenge(id: string, approver: Approver, opinion: Opinion): Promise<PublicKeyCredentialRequestOptionsJSON>
  /** Rejects with CHP-APPROVAL-INVALID: over, own request, not in the pools, decided already, an agent, no rationale, a wrong proof. */
  decide(id: string, approver: Approver, opinion: Opinion, proof: Proof): Promise<ApprovalRequest>
  /** The exact statement, decrypted, for the preview; while the request is pending. */
  exactOf(id: string): Promise<string | undefined>
}
