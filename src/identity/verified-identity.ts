import type { Principal } from './principal.ts'

/** What a token said, after every check. */
export interface VerifiedFacts {
  readonly principal: Principal
  /** The `iss` claim. */
  readonly issuerUrl: string
  /** The configured audience that the token was issued for. */
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch, tolerated clock skew included: from this moment on the identity is void. */
  readonly expiresAt: number
  /** The first 16 hexadecimal digits of the token's SHA-256: names it in logs without giving it away. */
  readonly tokenDigest: string
}

const proven = new WeakSet<object>()

/** Proof that a token was verified. It cannot be made by hand, copied or changed; `isVerified` tells. */
export class VerifiedIdentity implements VerifiedFacts {
  readonly principal: Principal
  readonly issuerUrl: string
  readonly audience: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly tokenDigest: string

  private constructor(facts: VerifiedFacts) {
    const { principal } = facts
    this.principal = Object.freeze({ ...principal, groups: Object.freeze([...principal.groups]) })
    this.issuerUrl = facts.issuerUrl
    this.audience = facts.audience
    this.issuedAt = facts.issuedAt
    this.expiresAt = facts.expiresAt
    this.tokenDigest = facts.tokenDigest
    Object.freeze(this)
  }

  /** The only maker. For the verifiers of this room, after the last check, and for tests of what comes after them. */
  static ofVerifiedToken(facts: VerifiedFacts): VerifiedIdentity {
    const identity = new VerifiedIdentity(facts)
    proven.add(identity)
    return identity
  }
}

/** True for what `VerifiedIdentity.ofVerifiedToken` returned, and for nothing that only looks like it. */
export function isVerified(value: unknown): value is VerifiedIdentity {
  return typeof value === 'object' && value !== null && proven.has(value)
}
