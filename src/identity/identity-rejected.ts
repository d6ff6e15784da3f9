import { ChaperoneError } from '../lib/errors.ts'

/** Why a token was not accepted. For the log; the client gets one message for all. docs/identity.md explains each. */
export const REJECTION_REASONS = [
  'malformed',
  'unsigned',
  'issuer-unknown',
  'audience',
  'algorithm',
  'key-unknown',
  'signature',
  'expired',
  'not-yet-valid',
  'lifetime-too-long',
  'claim-missing',
  'claim-mismatch',
  'kind-unknown',
  'actor-refused',
  'keys-unavailable',
] as const

export type RejectionReason = (typeof REJECTION_REASONS)[number]

/**
 * A token that was not accepted. It holds neither the token nor anything of its claims, and no cause: the errors of the
 * token library carry the claims.
 */
export class IdentityRejected extends ChaperoneError {
  declare readonly reason: RejectionReason
  /** Configured name of the issuer, once the token has named one that is known. */
  readonly issuer: string | undefined

  constructor(reason: RejectionReason, issuer?: string) {
    super('CHP-AUTH-FAILED', { reason })
    this.name = 'IdentityRejected'
    this.issuer = issuer
  }
}
