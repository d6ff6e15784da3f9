import { chainKey, type Principal } from '../principal.ts'
import { BoundedMap } from '../oidc/bounded-map.ts'
import type { VerifiedIdentity } from '../verified-identity.ts'

/** Budgets count by run, so that a token is not to begin as many as its holder likes. */
const MAX_RUNS = 100
const MAX_TOKENS = 10_000

/** The runs that were begun with tokens which state none. */
export class BegunRuns {
  readonly #begun = new BoundedMap<string, Set<string>>(MAX_TOKENS)

  /** False when a chain has begun so many with this token that this one would be too many. */
  begin({ tokenDigest }: VerifiedIdentity, principal: Principal): boolean {
    const { run } = principal
    if (run === undefined) return true
    const key = `${tokenDigest} ${chainKey(principal)}`
    const begun = this.#begun.get(key) ?? new Set()
    if (begun.size >= MAX_RUNS && !begun.has(run)) return false
    this.#begun.set(key, begun.add(run))
    return true
  }
}
