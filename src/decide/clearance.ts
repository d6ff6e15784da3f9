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

type Levels = GrantConfig['clearance']

/** For each class, the most permissive among the grants. No grant clears nothing. */
export const combineClearances = (grants: readonly Levels[]): Clearance => chainClearance([grants])

/** For each class the strictest of the members, each of which has the most permissive of its grants. No member clears nothing. */
export function chainClearance(members: readonly (readonly Levels[])[]): Clearance {
  const isClear = (levelOf: (grant: Levels) => Levels['default']): boolean =>
    members.length > 0 && members.every((grants) => grants.some((grant) => levelOf(grant) === 'clear'))
  const clearByDefault = isClear((grant) => grant.default)
  const named = new Set(members.flat().flatMap((grant) => Object.keys(grant.classes)))
  const exceptions = [...named]
    .filter((name) => isClear((grant) => grant.classes[name] ?? grant.default) !== clearByDefault)
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
