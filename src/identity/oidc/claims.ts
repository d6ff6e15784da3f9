import type { JWTPayload } from 'jose'
import { IdentityRejected, type RejectionReason } from '../identity-rejected.ts'
import type { ClaimValue, Member, Principal, PrincipalKind } from '../principal.ts'
import { isSafeText } from '../safe-text.ts'
import { actorsOf, type IssuerNames } from './actors.ts'
import { isObject } from './bounded-fetch.ts'
import { claimNamed } from './claim-path.ts'
import type { IssuerSettings } from './issuer-settings.ts'

const MAX_GROUPS = 1000

const isClaimValue = (value: unknown): value is ClaimValue => ['string', 'number', 'boolean'].includes(typeof value)

/**
 * Makes the principal that a verified token's claims stand for: its subject, or, when the token has an `act` claim, the
 * current actor on behalf of the actors before it and of the subject.
 * @throws IdentityRejected claim-missing, claim-mismatch, kind-unknown or actor-refused
 */
export function principalOf(claims: JWTPayload, settings: IssuerSettings, names: IssuerNames): Principal {
  checkRequiredClaims(claims, settings)
  const subject = memberOf(claims, settings)
  const name = optionalText(claims, settings.claims.name, settings)
  const purpose = optionalText(claims, settings.claims.purpose, settings)
  const purposed = purpose === undefined ? {} : { purpose }
  const [holder, ...before] = actorsOf(claims, settings, names)
  if (holder === undefined) return { ...subject, name, ...purposed }
  // The name is that of the subject.
  return { ...holder, name: undefined, ...purposed, onBehalfOf: [...before, subject] }
}

function memberOf(claims: JWTPayload, settings: IssuerSettings): Member {
  const { name: issuer } = settings
  const subject = claimNamed(claims, settings.claims.subject)
  if (subject === undefined) throw new IdentityRejected('claim-missing', issuer)
  if (!isSafeText(subject)) throw new IdentityRejected('claim-mismatch', issuer)
  const member = { issuer, subject, kind: kindOf(claims, settings), groups: groupsOf(claims, settings) }
  const kept = keptClaims(claims, settings)
  return kept === undefined ? member : { ...member, claims: kept }
}

function checkRequiredClaims(claims: JWTPayload, settings: IssuerSettings): void {
  for (const [name, wanted] of Object.entries(settings.requiredClaims ?? {})) {
    const value = claimNamed(claims, name)
    if (value === undefined) throw new IdentityRejected('claim-missing', settings.name)
    if (!(Array.isArray(value) ? value.includes(wanted) : value === wanted)) {
      throw new IdentityRejected('claim-mismatch', settings.name)
    }
  }
}

function kindOf(claims: JWTPayload, settings: IssuerSettings): PrincipalKind {
  const { kind } = settings.claims
  if ('fixed' in kind) return kind.fixed
  const value = claimNamed(claims, kind.claim)
  const mapped = typeof value === 'string' && Object.hasOwn(kind.values, value) ? kind.values[value] : undefined
  if (mapped === undefined) throw new IdentityRejected('kind-unknown', settings.name)
  return mapped
}

/** A token without the claim has no groups, which gives fewer rights; one whose groups are elsewhere is not understood. */
function groupsOf(claims: JWTPayload, settings: IssuerSettings): readonly string[] {
  const reject = (reason: RejectionReason) => new IdentityRejected(reason, settings.name)
  const value = claimNamed(claims, settings.claims.groups)
  if (value === undefined) {
    // Distributed claims (OpenID Connect Core 5.6.2): the issuer left the groups out because they are too many.
    const elsewhere = claims['_claim_names']
    if (isObject(elsewhere) && Object.hasOwn(elsewhere, settings.claims.groups)) throw reject('claim-missing')
    return []
  }
  // One text is a group by itself, blanks and all: of CI tokens, where any claim may serve as the group.
  const list: readonly unknown[] | undefined = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? [value]
      : undefined
  if (list === undefined || list.length > MAX_GROUPS) throw reject('claim-mismatch')
  const groups: string[] = []
  for (const group of list) {
    if (!isSafeText(group)) throw reject('claim-mismatch')
    groups.push(group)
  }
  return [...new Set(groups)]
}

function optionalText(claims: JWTPayload, claim: string | undefined, settings: IssuerSettings): string | undefined {
  const value = claim === undefined ? undefined : claimNamed(claims, claim)
  if (value === undefined || value === '') return undefined
  if (!isSafeText(value)) throw new IdentityRejected('claim-mismatch', settings.name)
  return value
}

function keptClaims(claims: JWTPayload, settings: IssuerSettings): Member['claims'] {
  if (settings.keepClaims === undefined) return undefined
  const kept: [string, ClaimValue | readonly ClaimValue[]][] = []
  for (const name of settings.keepClaims) {
    const value = claimNamed(claims, name)
    if (value === undefined) continue
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    const usable = list.filter(isClaimValue).filter((item) => typeof item !== 'string' || isSafeText(item))
    if (usable.length !== list.length || list.length > MAX_GROUPS) {
      throw new IdentityRejected('claim-mismatch', settings.name)
    }
    kept.push([name, Array.isArray(value) ? Object.freeze(usable) : (usable[0] ?? false)])
  }
  return Object.freeze(Object.fromEntries(kept))
}
