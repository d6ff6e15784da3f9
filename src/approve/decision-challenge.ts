import { createHash } from 'node:crypto'
import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { BindingDigest, RequestMember, Verdict } from './approval-request.ts'

/** First words of what is hashed, so that no signature can be taken for one of another purpose. */
const DOMAIN = 'chaperone approval/1'

/** One decision about one request, which is named with all that it is bound to by its digest. */
export interface DecisionToSign {
  readonly request: string
  readonly digest: BindingDigest
  readonly by: RequestMember
  readonly verdict: Verdict
  readonly rationale: string
}

/** What a passkey signs, and whether it did. */
export interface DecisionSigning {
  hasPasskey(by: RequestMember): Promise<boolean>
  challenge(decision: DecisionToSign): Promise<PublicKeyCredentialRequestOptionsJSON>
  /** Rejects with CHP-APPROVAL-INVALID. */
  verify(decision: DecisionToSign, assertion: AuthenticationResponseJSON): Promise<DecisionSignature>
}

/** All that somebody else needs, besides the decision, to verify the signature again. Binary parts in base64url. */
export interface DecisionSignature extends ChallengeNonce {
  readonly credential: string
  /** COSE_Key. */
  readonly publicKey: string
  readonly authenticatorData: string
  readonly clientDataJSON: string
  readonly signature: string
}

/** What makes each challenge one of a kind. */
export interface ChallengeNonce {
  readonly nonce: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * The challenge of a decision: SHA-256 over the canonical JSON of it. The passkey's signature over it can be checked later, by
 * whoever knows these members.
 */
export function decisionChallenge(decision: DecisionToSign, { nonce, expiresAt }: ChallengeNonce): Buffer {
  const { request, digest, by, verdict, rationale } = decision
  const text = canonicalJson({
    domain: DOMAIN,
    request,
    digest,
    verdict,
    rationale: createHash('sha256').update(rationale).digest('hex'),
    approver: `${by.issuer}/${by.subject}`,
    nonce,
    expires: expiresAt,
  })
  return createHash('sha256').update(text).digest()
}
