import type { ClaimValue, PrincipalMatch } from '../config/config.ts'
import type { Member } from '../identity/principal.ts'

/** Whether every field of the pattern matches. A pattern without one matches nobody. */
export function matchesPrincipal(match: PrincipalMatch, principal: Member): boolean {
  const { issuer, subject, group, kind, claim } = match
  if (subject === undefined && group === undefined && kind === undefined && claim === undefined) return false
  return (
    (issuer === undefined || principal.issuer === issuer) &&
    (subject === undefined || principal.subject === subject) &&
    (group === undefined || principal.groups.includes(group)) &&
    (kind === undefined || principal.kind === kind) &&
    (claim === undefined || Object.entries(claim).every(([name, value]) => hasClaim(principal, name, value)))
  )
}

function hasClaim(principal: Member, name: string, wanted: ClaimValue): boolean {
  const { claims } = principal
  if (claims === undefined || !Object.hasOwn(claims, name)) return false
  const value: unknown = claims[name]
  return value === wanted || (Array.isArray(value) && value.includes(wanted))
}
