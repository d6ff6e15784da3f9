import { ChaperoneError } from '../../lib/errors.ts'
import type { ClaimValue, PrincipalKind } from '../principal.ts'

/** One trusted OpenID Connect issuer and how its tokens become principals. */
export interface IssuerSettings {
  /** Short name for grants, logs and messages. */
  readonly name: string
  /** The `iss` claim, exactly; the discovery document is fetched from below it. */
  readonly issuer: string
  /** One of them must be in the token's `aud`. */
  readonly audiences: readonly string[]
  /** Accepted signature algorithms, out of SIGNATURE_ALGORITHMS. */
  readonly algorithms: readonly string[]
  /** Tolerance for exp, nbf and iat. */
  readonly clockSkewSeconds: number
  /** Longest accepted time from iat to exp. */
  readonly maxLifetimeSeconds: number
  readonly claims: ClaimMapping
  /** Claims that must be there with this value; a list in the token has to contain it. */
  readonly requiredClaims?: Readonly<Record<string, ClaimValue>> | undefined
  /** Further claims to keep on the principal, when the token has them. */
  readonly keepClaims?: readonly string[] | undefined
  /** Accept http for an issuer on a loopback address. For development. */
  readonly allowInsecureLoopback: boolean
  /** Where the keys are. Default: where the discovery document says. */
  readonly keySource?: KeySource | undefined
  /** PEM file of the authorities for the issuer's https. Default: those that the runtime trusts. */
  readonly caFile?: string | undefined
  /** How the members of an `act` claim (RFC 8693, section 4.1) are taken. Default: a token with one is refused. */
  readonly actors?: ActorMapping | undefined
  /** Keys are fetched again after this time, so a withdrawn key stops working within twice this time. */
  readonly jwksCacheSeconds: number
  /** How long keys that cannot be fetched again stay in use since the last fetch. Default: one hour. */
  readonly jwksStaleSeconds?: number | undefined
  /** At most one fetch in this time, whatever tokens arrive. */
  readonly jwksCooldownSeconds: number
  /** For one HTTP request. Default: 5. */
  readonly fetchTimeoutSeconds?: number | undefined
}

export type KeySource =
  | { readonly kind: 'discovery' }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly file: string }

/** An actor without `iss` is of the token's own issuer. */
export interface ActorMapping {
  /** Short names of the issuers that an actor may be of. */
  readonly issuers: readonly string[]
  /** What actors are, by the short name of their issuer. */
  readonly kind: Readonly<Record<string, PrincipalKind>>
}

/** Names of claims. A dotted name walks into objects when there is no claim of that very name. */
export interface ClaimMapping {
  readonly subject: string
  readonly groups: string
  readonly name?: string | undefined
  readonly purpose?: string | undefined
  readonly kind:
    | { readonly fixed: PrincipalKind }
    | { readonly claim: string; readonly values: Readonly<Record<string, PrincipalKind>> }
}

/** Public-key signatures (RFC 7518 section 3, RFC 8037, RFC 9864). Never `none`, never a shared secret. */
export const SIGNATURE_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** https, or http to a loopback address when that was allowed; without credentials. */
export function isAcceptableUrl(text: string, allowInsecureLoopback: boolean): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return allowInsecureLoopback && url.protocol === 'http:' && LOOPBACK.has(url.hostname)
}

function refuse(message: string): never {
  throw new ChaperoneError('CHP-CONFIG-INVALID', { message })
}

/** Refuses settings with which no token, or any token, could be accepted. The configuration checks more, with positions. */
export function checkIssuerSettings(issuers: readonly IssuerSettings[]): void {
  for (const settings of issuers) {
    const at = `issuer ${settings.name}`
    const url = URL.parse(settings.issuer)
    if (!isAcceptableUrl(settings.issuer, settings.allowInsecureLoopback) || url?.search || url?.hash) {
      refuse(`${at}: the issuer must be an https URL without query and fragment`)
    }
    const { keySource } = settings
    if (keySource?.kind === 'url' && !isAcceptableUrl(keySource.url, settings.allowInsecureLoopback)) {
      refuse(`${at}: the URL of its keys must be an https URL`)
    }
    if (settings.audiences.length === 0) refuse(`${at}: at least one audience is needed`)
    if (settings.algorithms.length === 0) refuse(`${at}: at least one algorithm is needed`)
    for (const algorithm of settings.algorithms) {
      if (!SIGNATURE_ALGORITHMS.includes(algorithm)) refuse(`${at}: ${algorithm} is not a public-key signature`)
    }
    const { clockSkewSeconds, maxLifetimeSeconds, jwksCacheSeconds, jwksCooldownSeconds } = settings
    const optional = [settings.jwksStaleSeconds ?? 0, settings.fetchTimeoutSeconds ?? 1]
    for (const seconds of [clockSkewSeconds, maxLifetimeSeconds, jwksCacheSeconds, jwksCooldownSeconds, ...optional]) {
      if (!Number.isFinite(seconds) || seconds < 0) refuse(`${at}: times must be finite and not negative`)
    }
  }
  const known = new Set(issuers.map(({ name }) => name))
  for (const { name, actors } of issuers) {
    for (const actor of actors?.issuers ?? []) {
      if (!known.has(actor)) refuse(`issuer ${name}: its actors cannot be of ${actor}, which is no issuer here`)
      if (!Object.hasOwn(actors?.kind ?? {}, actor)) refuse(`issuer ${name}: what actors of ${actor} are is not said`)
    }
  }
  for (const key of ['name', 'issuer'] as const) {
    const values = issuers.map((settings) => settings[key])
    if (new Set(values).size !== values.length) refuse(`two issuers have the same ${key}`)
  }
}
