import { hash } from 'node:crypto'
import type { Member, Principal } from './principal.ts'

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
  /** The `jti` claim. Ids are unique within an issuer. */
  readonly tokenId?: string | undefined
  /** Digests of the tokens that this one was exchanged for, if it was. Revoking one of them revokes it. */
  readonly sources?: readonly string[]
  /** The same by their ids (`tokenIdDigest`), of those that have one. */
  readonly sourceIds?: readonly string[]
  /** When the oldest of the tokens behind it was issued. Default: `issuedAt`. */
  readonly firstIssuedAt?: number
  /** `memberKey` of the only one who may act for the subject (RFC 8693, section 4.4); null: nobody. Undefined: not said. */
  readonly mayAct?: string | null | undefined
}

/** Names a token by its `jti`, in a length that does not depend on what the issuer put there. */
export const tokenIdDigest = (issuerUrl: string, tokenId: string): string =>
  hash('sha256', JSON.stringify([issuerUrl, tokenId])).slice(0, 32)

const proven = new WeakSet<object>()

/** Proof that a token was verified. It cannot be made by hand, copied or changed; `isVerified` tells. */
export class VerifiedIdentity implements VerifiedFacts {
  readonly principal: Principal
  readonly issuerUrl: string
  readonly audience: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly tokenDigest: string
  readonly tokenId: string | undefined
  readonly sources: readonly string[]
  readonly sourceIds: readonly string[]
  readonly firstIssuedAt: number
  readonly mayAct: string | null | undefined

  private constructor(facts: VerifiedFacts) {
    this.principal = frozenPrincipal(facts.principal)
    this.issuerUrl = facts.issuerUrl
    this.audience = facts.audience
    this.issuedAt = facts.issuedAt
    this.expiresAt = facts.expiresAt
    this.tokenDigest = facts.tokenDigest
    this.tokenId = facts.tokenId
    this.sources = frozenList(facts.sources ?? [])
    this.sourceIds = frozenList(facts.sourceIds ?? [])
    this.firstIssuedAt = facts.firstIssuedAt ?? facts.issuedAt
    this.mayAct = facts.mayAct
    Object.freeze(this)
  }

  /** Ids of the token itself and of those that it was made of. */
  get tokenIds(): readonly string[] {
    const own = this.tokenId === undefined ? [] : [tokenIdDigest(this.issuerUrl, this.tokenId)]
    return [...own, ...this.sourceIds]
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

const frozenList = <Item>(list: readonly Item[]): readonly Item[] => Object.freeze([...list])

function frozenMember<Kind extends Member>(member: Kind): Kind {
  const { claims } = member
  const kept = claims && Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, frozenClaim(value)]))
  return {
    ...member,
    groups: frozenList(member.groups),
    ...(kept === undefined ? {} : { claims: Object.freeze(kept) }),
  }
}

const frozenClaim = <Value>(value: Value | readonly Value[]): Value | readonly Value[] =>
  Array.isArray(value) ? frozenList<Value>(value) : value

function frozenPrincipal(principal: Principal): Principal {
  const { onBehalfOf, patients, targets } = principal
  return Object.freeze({
    ...frozenMember(principal),
    ...(onBehalfOf === undefined
      ? {}
      : { onBehalfOf: frozenList(onBehalfOf.map((one) => Object.freeze(frozenMember(one)))) }),
    ...(patients === undefined ? {} : { patients: frozenList(patients) }),
    ...(targets === undefined ? {} : { targets: frozenList(targets) }),
  })
}
