import type { JWTPayload } from 'jose'
import { IdentityRejected, type RejectionReason } from '../identity-rejected.ts'
import type { ClaimValue, Principal, PrincipalKind } from '../principal.ts'
import { isObject } from './bounded-fetch.ts'
import type { IssuerSettings } from './issuer-settings.ts'

const MAX_GROUPS = 1000
const MAX_TEXT_CHARACTERS = 255

/**
 * What could forge a line of a log or hide in a name: control characters, line and paragraph separators, lone
 * surrogates, and the marks that change the direction of text.
 */
const UNSAFE_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u

const isSafeText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS && value.trim() !== '' && !UNSAFE_TEXT.test(value)

const isClaimValue = (value: unknown): value is ClaimValue => ['string', 'number', 'boolean'].includes(typeof value)

/** A claim by its name, or else by the path that a dotted name spells. Own properties only. */
function claimNamed(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  let at: unknown = claims
  for (const step of name.split('.')) {
    if (!isObject(at) || !Object.hasOwn(at, step)) return undefined
    at = at[step]
  }
  return at
}

/**
 * Makes the principal that a verified token's claims stand for.
 * @throws IdentityRejected claim-missing, claim-mismatch or kind-unknown
 */
export function principalOf(claims: JWTPayload, settings: IssuerSettings): Principal {
  const { claims: mapping, name: issuer } = settings
  checkRequiredClaims(claims, settings)
  const subject = claimNamed(claims, mapping.subject)
  if (subject === undefined) throw new IdentityRejected('claim-missing', issuer)
  if (!isSafeText(subject)) throw new IdentityRejected('claim-mismatch', issuer)
  const principal = {
    issuer,
    subject,
    kind: kindOf(claims, settings),
    groups: groupsOf(claims, settings),
    name: optionalText(claims, settings.claims.name, settings),
  }
  const purpose = optionalText(claims, settings.claims.purpose, settings)
  const kept = keptClaims(claims, settings)
  return {
    ...principal,
    ...(purpose === undefined ? {} : { purpose }),
    ...(kept === undefined ? {} : { claims: kept }),
  }
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
  if (!Array.isArray(value) || value.length > MAX_GROUPS) throw reject('claim-mismatch')
  const groups: string[] = []
  for (const group of value as readonly unknown[]) {
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

function keptClaims(claims: JWTPayload, settings: IssuerSettings): Principal['claims'] {
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
