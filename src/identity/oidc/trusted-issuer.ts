import type { CryptoKey, JWTPayload } from 'jose'
import type { VerifiedFacts } from '../verified-identity.ts'

/** Where the keys of an issuer come from. */
export interface VerificationKeys {
  /** Makes the keys ready; a failure is reported elsewhere, and the next token tries again. */
  load(): Promise<void>
  /**
   * The keys that may have signed a token with this header, most often one.
   * @throws IdentityRejected key-unknown or keys-unavailable
   */
  find(algorithm: string, keyId: string | undefined): Promise<readonly CryptoKey[]>
  close(): void
}

/** An issuer whose tokens are accepted, and how they are read once their signature and times are right. */
export interface TrustedIssuer {
  /** Short name for logs. */
  readonly name: string
  /** The `iss` claim, exactly. */
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly clockSkewSeconds: number
  readonly maxLifetimeSeconds: number
  /** Tokens are verified again after this time at the latest. */
  readonly cacheSeconds: number
  readonly keys: VerificationKeys
  /** @throws IdentityRejected */
  read(claims: JWTPayload): Pick<VerifiedFacts, 'principal' | 'mayAct' | 'sources' | 'sourceIds' | 'firstIssuedAt'>
}
