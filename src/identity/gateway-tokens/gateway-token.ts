import type { JWTPayload } from 'jose'
import { SignJWT } from 'jose'
import { IdentityRejected } from '../identity-rejected.ts'
import { isObject } from '../oidc/bounded-fetch.ts'
import type { TrustedIssuer } from '../oidc/trusted-issuer.ts'
import { chainOf, type ClaimValue, type Member, type Principal, type PrincipalKind } from '../principal.ts'
import { isSafeText } from '../safe-text.ts'
import type { VerifiedFacts } from '../verified-identity.ts'
import { GATEWAY_ISSUER_NAME, GATEWAY_TOKEN_ALGORITHM, type GatewayKeys } from './gateway-keys.ts'

/** What the gateways that share a key may differ by in their clocks. It is inside the life of a token, not on top of it. */
export const CLOCK_SKEW_SECONDS = 5
/** RFC 9068, section 2.1. */
const TOKEN_TYPE = 'at+jwt'
const KINDS: ReadonlySet<unknown> = new Set<PrincipalKind>(['human', 'agent', 'service'])

/** What a gateway token says. */
export interface GatewayTokenContent {
  readonly principal: Principal
  readonly tokenId: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** From this moment on the token is void, wherever it is verified. */
  readonly expiresAt: number
  readonly sources: readonly string[]
  readonly sourceIds: readonly string[]
  readonly firstIssuedAt: number
  readonly mayAct: string | null | undefined
}

/** `exp` in seconds: such that nobody accepts the token at `expiresAt` or later. */
export const expirationOf = (expiresAt: number): number => Math.floor(expiresAt / 1000) - CLOCK_SKEW_SECONDS

/**
 * Signs a gateway token. `sub` and `act` are those of RFC 8693, for others to read; the claim `chaperone` has what the gateway
 * goes by: every member as it was verified at the exchange.
 */
export function signGatewayToken(
  { principal, ...content }: GatewayTokenContent,
  issuer: string,
  keys: GatewayKeys,
): Promise<string> {
  const chain = chainOf(principal)
  const { name, purpose, run, patients, targets } = principal
  const { key, keyId } = keys.signing
  const act = actClaim(chain.slice(0, -1))
  const details = {
    chain: chain.map(({ issuer: vouching, subject, kind, groups, claims }) => {
      return { issuer: vouching, subject, kind, groups, claims }
    }),
    name,
    run,
    patients,
    targets,
    sources: content.sources,
    sourceIds: content.sourceIds,
    firstIssuedAt: content.firstIssuedAt,
    mayAct: content.mayAct,
  }
  const iat = Math.floor(content.issuedAt / 1000)
  const { subject: sub } = chain.at(-1) ?? principal
  return new SignJWT({ sub, jti: content.tokenId, act, purpose_of_use: purpose, chaperone: details })
    .setProtectedHeader({ alg: GATEWAY_TOKEN_ALGORITHM, kid: keyId, typ: TOKEN_TYPE })
    .setIssuer(issuer)
    .setAudience(issuer)
    .setIssuedAt(iat)
    .setExpirationTime(expirationOf(content.expiresAt))
    .sign(key)
}

/** The actors, the current one first, as nested `act` claims. */
const actClaim = (actors: readonly Member[]): object | undefined =>
  actors.reduceRight<object | undefined>(
    (inner, { subject, issuer }) => ({ sub: subject, issuer_name: issuer, ...(inner && { act: inner }) }),
    undefined,
  )

export interface GatewayIssuerOptions {
  /** How clients reach the gateway: `iss` and `aud` of its tokens. */
  readonly publicUrl: string
  readonly keys: GatewayKeys
  readonly lifetimeSeconds: number
  readonly maxChain: number
  /** Short names of the issuers that are trusted now. */
  readonly issuerNames: readonly string[]
}

/** The gateway as an issuer of tokens that it accepts itself: with keys that are at hand, never over the network. */
export function gatewayIssuer({
  publicUrl,
  keys,
  lifetimeSeconds,
  maxChain,
  issuerNames,
}: GatewayIssuerOptions): TrustedIssuer {
  const known = new Set(issuerNames)
  return {
    name: GATEWAY_ISSUER_NAME,
    issuer: publicUrl,
    audiences: [publicUrl],
    algorithms: [GATEWAY_TOKEN_ALGORITHM],
    clockSkewSeconds: CLOCK_SKEW_SECONDS,
    maxLifetimeSeconds: lifetimeSeconds,
    cacheSeconds: lifetimeSeconds,
    keys,
    read: (claims) => {
      const facts = readDetails(claims)
      // An issuer that is trusted no more, and a chain that is longer than allowed now, do not live on in tokens.
      const chain = facts === undefined ? [] : chainOf(facts.principal)
      if (facts === undefined || chain.length > maxChain)
        throw new IdentityRejected('claim-mismatch', GATEWAY_ISSUER_NAME)
      if (!chain.every(({ issuer }) => known.has(issuer)))
        throw new IdentityRejected('issuer-unknown', GATEWAY_ISSUER_NAME)
      return facts
    },
  }
}

/** The gateway signed it, but perhaps one of another version: what is not exactly as it is written here is not understood. */
function readDetails({
  chaperone: details,
  purpose_of_use: purpose,
}: JWTPayload): ReturnType<TrustedIssuer['read']> | undefined {
  if (!isObject(details)) return undefined
  const { chain, name, run, patients, targets, sources, sourceIds, firstIssuedAt, mayAct } = details
  if (!Array.isArray(chain)) return undefined
  const [holder, ...onBehalfOf] = chain.map(readMember)
  if (holder === undefined || !onBehalfOf.every((member) => member !== undefined)) return undefined
  if (![name, run, purpose].every((value) => value === undefined || isSafeText(value))) return undefined
  if (![patients, targets].every((value) => value === undefined || isTextList(value))) return undefined
  if (!isTextList(sources) || !isTextList(sourceIds) || typeof firstIssuedAt !== 'number') return undefined
  if (mayAct !== undefined && mayAct !== null && typeof mayAct !== 'string') return undefined
  const principal: Principal = {
    ...holder,
    name: isSafeText(name) ? name : undefined,
    ...(isSafeText(purpose) && { purpose }),
    ...(onBehalfOf.length > 0 && { onBehalfOf }),
    ...(isSafeText(run) && { run }),
    ...(isTextList(patients) && { patients }),
    ...(isTextList(targets) && { targets }),
  }
  const facts: Pick<VerifiedFacts, 'principal' | 'mayAct' | 'sources' | 'sourceIds' | 'firstIssuedAt'> = {
    principal,
    sources,
    sourceIds,
    firstIssuedAt,
    mayAct,
  }
  return facts
}

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => isSafeText(item))
const isKind = (value: unknown): value is PrincipalKind => KINDS.has(value)
const isClaimValue = (value: unknown): value is ClaimValue => ['string', 'number', 'boolean'].includes(typeof value)
const isClaims = (value: unknown): value is NonNullable<Member['claims']> =>
  isObject(value) &&
  Object.values(value).every((item) => isClaimValue(item) || (Array.isArray(item) && item.every(isClaimValue)))

function readMember(value: unknown): Member | undefined {
  if (!isObject(value)) return undefined
  const { issuer, subject, kind, groups, claims } = value
  if (!isSafeText(issuer) || !isSafeText(subject) || !isKind(kind) || !isTextList(groups)) return undefined
  if (claims === undefined) return { issuer, subject, kind, groups }
  return isClaims(claims) ? { issuer, subject, kind, groups, claims } : undefined
}
