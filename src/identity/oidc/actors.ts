import { IdentityRejected } from '../identity-rejected.ts'
import { type Member, memberKey } from '../principal.ts'
import { isSafeText } from '../safe-text.ts'
import { isObject } from './bounded-fetch.ts'
import type { IssuerSettings } from './issuer-settings.ts'

/** Short names of the trusted issuers by their `iss`. */
export type IssuerNames = ReadonlyMap<string, string>

/** Actors in one token at most. Longer chains are somebody playing, or a loop between planners. */
const MAX_ACTORS = 8

/**
 * The members of a token's `act` claim (RFC 8693, section 4.1), the current actor first. An actor is known by `iss` and
 * `sub` alone: groups and claims of somebody else are not for this issuer to say, so that it has none.
 * @throws IdentityRejected actor-refused
 */
export function actorsOf(
  claims: Readonly<Record<string, unknown>>,
  settings: IssuerSettings,
  names: IssuerNames,
): readonly Member[] {
  const refused = () => new IdentityRejected('actor-refused', settings.name)
  const actors: Member[] = []
  let at: Readonly<Record<string, unknown>> = claims
  while (Object.hasOwn(at, 'act')) {
    const { act } = at
    if (!isObject(act) || actors.length === MAX_ACTORS) throw refused()
    const member = actorOf(act, settings, names)
    if (member === undefined) throw refused()
    actors.push(member)
    at = act
  }
  return actors
}

function actorOf(
  act: Readonly<Record<string, unknown>>,
  { issuer: ownUrl, actors: mapping }: IssuerSettings,
  names: IssuerNames,
): Member | undefined {
  const { sub: subject } = act
  const url = Object.hasOwn(act, 'iss') ? act['iss'] : ownUrl
  const issuer = typeof url === 'string' ? names.get(url) : undefined
  if (mapping === undefined || issuer === undefined || !mapping.issuers.includes(issuer)) return undefined
  const kind = Object.hasOwn(mapping.kind, issuer) ? mapping.kind[issuer] : undefined
  if (kind === undefined || !isSafeText(subject)) return undefined
  return { issuer, subject, kind, groups: [] }
}

/**
 * The one who may act for the token's subject according to `may_act` (RFC 8693, section 4.4), by its `memberKey`; null where
 * the claim names nobody that can be known here; undefined without the claim. What is not understood in it could be a
 * condition, so that nobody meets it.
 */
export function mayActOf(
  claims: Readonly<Record<string, unknown>>,
  ownUrl: string,
  names: IssuerNames,
): string | null | undefined {
  if (!Object.hasOwn(claims, 'may_act')) return undefined
  const { may_act: named } = claims
  if (!isObject(named)) return null
  const { sub: subject, iss: url = ownUrl, ...others } = named
  const issuer = typeof url === 'string' ? names.get(url) : undefined
  if (issuer === undefined || !isSafeText(subject) || Object.keys(others).length > 0) return null
  return memberKey({ issuer, subject })
}
