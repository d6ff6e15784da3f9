import { assertNever } from '../lib/assert-never.ts'
import { chainOf, memberKey } from './principal.ts'
import { tokenIdDigest, type VerifiedIdentity } from './verified-identity.ts'

/** What a revocation is about. */
export type RevokedThing =
  /** One token, and all that were exchanged for it: the digest that logs and journal name it by. */
  | { readonly kind: 'token'; readonly digest: string }
  /** The same by its `jti`; `issuer` is the `iss` claim, because ids are unique within an issuer only. */
  | { readonly kind: 'tokenId'; readonly issuer: string; readonly id: string }
  /** Somebody (`memberKey`), wherever in a chain: a planner that is revoked ends what executors do for it. */
  | { readonly kind: 'member'; readonly member: string }
  /** Everything of one run. */
  | { readonly kind: 'run'; readonly run: string }

export interface Revocation {
  readonly id: string
  readonly thing: RevokedThing
  /** Milliseconds since the epoch: only tokens that were issued, or made of tokens that were issued, before. Undefined: all. */
  readonly issuedBefore: number | undefined
  /** Milliseconds since the epoch: over from then on. Undefined: until it is lifted. */
  readonly until: number | undefined
  /** Why, in the operator's words. For the journal. */
  readonly reason: string
  readonly createdAt: number
}

/** Where revocations outlive the process and reach other gateways. */
export interface RevocationRepository {
  /** All that are not over. */
  load(): Promise<readonly Revocation[]>
  /** Durable, and on its way to the other gateways, when it resolves. */
  add(revocation: Revocation): Promise<void>
  /** False when there was none. */
  lift(id: string): Promise<boolean>
}

/** Revocations as this process knows them: asked at every login and, for sessions that are open, every second. */
export class Revocations {
  #byKey: ReadonlyMap<string, readonly Revocation[]> = new Map()
  readonly #clock: () => number

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Puts the whole list in place of the one before. */
  replace(revocations: readonly Revocation[]): void {
    this.#byKey = Map.groupBy(revocations, ({ thing }) => keyOf(thing))
  }

  /** The revocation that voids an identity, if there is one. */
  of(identity: VerifiedIdentity): Revocation | undefined {
    if (this.#byKey.size === 0) return undefined
    const now = this.#clock()
    return keysOf(identity)
      .flatMap((key) => this.#byKey.get(key) ?? [])
      .find(
        ({ issuedBefore, until }) =>
          (until === undefined || now < until) && (issuedBefore === undefined || identity.firstIssuedAt < issuedBefore),
      )
  }

  /**
   * Whether what somebody (`memberKey`) did at that time is void. Which token it was done with is not known: what was done before the
   * revocation was made may have been done with one of those that are revoked.
   */
  voids(member: string, at: number): boolean {
    const revocations = this.#byKey.get(keyOf({ kind: 'member', member })) ?? []
    const now = this.#clock()
    return revocations.some(
      ({ issuedBefore, until, createdAt }) =>
        (until === undefined || now < until) && (issuedBefore === undefined || at < Math.max(issuedBefore, createdAt)),
    )
  }
}

function keysOf({ principal, tokenDigest, sources, tokenIds }: VerifiedIdentity): readonly string[] {
  return [
    ...[tokenDigest, ...sources].map((digest) => keyOf({ kind: 'token', digest })),
    ...tokenIds.map(keyOfTokenId),
    ...chainOf(principal).map((member) => keyOf({ kind: 'member', member: memberKey(member) })),
    ...(principal.run === undefined ? [] : [keyOf({ kind: 'run', run: principal.run })]),
  ]
}

function keyOf(thing: RevokedThing): string {
  switch (thing.kind) {
    case 'token':
      return `token ${thing.digest}`
    case 'tokenId':
      return keyOfTokenId(tokenIdDigest(thing.issuer, thing.id))
    case 'member':
      return `member ${thing.member}`
    case 'run':
      return `run ${thing.run}`
    default:
      return assertNever(thing)
  }
}

const keyOfTokenId = (digest: string): string => `tokenId ${digest}`
