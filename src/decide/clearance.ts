import type { GrantConfig } from '../config/config.ts'

/** Which PHI classes somebody sees as they are. */
export interface Clearance {
  /** For a class that no grant names, and for what has no class, the default of the grants holds. */
  clears(phiClass: string): boolean
  /** Nothing is masked, not even what no label covers. */
  readonly clearsEverything: boolean
  /** Whether any class is seen as it is. */
  readonly clearsAnything: boolean
  /** Equal for clearances that clear the same, for cache keys and the journal: `masked`, `masked+ssn`, `clear-name-ssn`. */
  readonly key: string
}

/** For each class, the most permissive among the grants. No grant clears nothing. */
export function combineClearances(grants: readonly GrantConfig['clearance'][]): Clearance {
  const clearByDefault = grants.some((grant) => grant.default === 'clear')
  const named = new Set(grants.flatMap((grant) => Object.keys(grant.classes)))
  const exceptions = [...named]
    .filter((name) => grants.some((grant) => (grant.classes[name] ?? grant.default) === 'clear') !== clearByDefault)
    .toSorted()
  const exceptional = new Set(exceptions)
  const sign = clearByDefault ? '-' : '+'
  return Object.freeze({
    clears: (phiClass: string) => exceptional.has(phiClass) !== clearByDefault,
    clearsEverything: clearByDefault && exceptions.length === 0,
    clearsAnything: clearByDefault || exceptions.length > 0,
    key: [clearByDefault ? 'clear' : 'masked', ...exceptions].join(sign),
  })
}
