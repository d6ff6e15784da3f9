import { hash } from 'node:crypto'
import { type CryptoKey, errors, type JWTPayload, jwtVerify } from 'jose'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import { IdentityRejected, type RejectionReason } from '../identity-rejected.ts'
import type { Revocations } from '../revocations.ts'
import { isSafeText } from '../safe-text.ts'
import { VerifiedIdentity } from '../verified-identity.ts'
import { mayActOf } from './actors.ts'
import { BoundedMap } from './bounded-map.ts'
import { principalOf } from './claims.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { checkIssuerSettings, type IssuerSettings } from './issuer-settings.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'
import { MAX_TOKEN_CHARACTERS, readUnverifiedToken, type UnverifiedToken } from './unverified-token.ts'

export interface IssuerWarning {
  /** Configured name of the issuer. */
  readonly issuer: string
  readonly problem: string
}

export interface OidcVerifierOptions {
  readonly clock?: Clock
  readonly fetch?: typeof fetch
  /** Verified tokens that are remembered. Default: 10,000. */
  readonly maxCachedTokens?: number
  /** An issuer that could not be reached, or whose keys are odd. For the log. */
  readonly onWarning?: (warning: IssuerWarning) => void
  /** The gateway's own tokens, where it issues some. */
  readonly gateway?: TrustedIssuer | undefined
  /** Asked for every token, remembered or not. */
  readonly revocations?: Revocations | undefined
}

interface Remembered<Value> {
  readonly value: Value
  readonly until: number
}

const MAX_CACHED_TOKENS = 10_000
const MAX_CACHED_REJECTIONS = 4096
/** Short, so that a rejection that time or the issuer repairs does not outlive the repair by much. */
const REJECTION_CACHE_MS = 10_000

/** Rejections that cost a signature check to find out, and that a second look a moment later would repeat. */
const CACHED_REJECTIONS: ReadonlySet<RejectionReason> = new Set<RejectionReason>([
  'signature',
  'audience',
  'expired',
  'lifetime-too-long',
  'claim-missing',
  'claim-mismatch',
  'kind-unknown',
  'actor-refused',
])

/**
 * Verifies access tokens of the trusted OpenID Connect issuers: JWTs (RFC 7519, RFC 8725, RFC 9068) signed with a public
 * key of the issuer's own key set. docs/identity.md has the rules.
 */
export class OidcVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>
  readonly #revocations: Revocations | undefined
  readonly #clock: Clock
  readonly #verified: BoundedMap<string, Remembered<VerifiedIdentity>>
  readonly #rejected = new BoundedMap<string, Remembered<IdentityRejected>>(MAX_CACHED_REJECTIONS)
  readonly #running = new Map<string, Promise<VerifiedIdentity>>()

  /** @throws ChaperoneError CHP-CONFIG-INVALID for settings that cannot work or are not safe */
  constructor(issuers: readonly IssuerSettings[], options: OidcVerifierOptions = {}) {
    checkIssuerSettings(issuers)
    this.#clock = options.clock ?? systemClock
    this.#verified = new BoundedMap(options.maxCachedTokens ?? MAX_CACHED_TOKENS)
    this.#revocations = options.revocations
    const { gateway } = options
    if (gateway !== undefined && issuers.some(({ issuer }) => issuer === gateway.issuer)) {
      throw new ChaperoneError('CHP-CONFIG-INVALID', { message: 'an issuer has the URL of the gateway itself' })
    }
    const trusted = issuers.map((settings) => this.#trust(settings, issuers, options))
    this.#issuers = new Map([...trusted, ...(gateway ? [gateway] : [])].map((issuer) => [issuer.issuer, issuer]))
  }

  #trust(settings: IssuerSettings, all: readonly IssuerSettings[], options: OidcVerifierOptions): TrustedIssuer {
    const names = new Map(all.map(({ issuer, name }) => [issuer, name]))
    return {
      name: settings.name,
      issuer: settings.issuer,
      audiences: settings.audiences,
      algorithms: settings.algorithms,
      clockSkewSeconds: settings.clockSkewSeconds,
      maxLifetimeSeconds: settings.maxLifetimeSeconds,
      cacheSeconds: settings.jwksCacheSeconds,
      keys: new IssuerKeys(settings, {
        clock: this.#clock,
        fetch: options.fetch ?? fetch,
        onProblem: (problem) => options.onWarning?.({ issuer: settings.name, problem }),
      }),
      read: (claims) => ({
        principal: principalOf(claims, settings, names),
        mayAct: mayActOf(claims, settings.issuer, names),
      }),
    }
  }

  /** Fetches the keys of all issuers. One that cannot be reached is a warning: its tokens are refused until it can be. */
  async start(): Promise<void> {
    await Promise.all([...this.#issuers.values()].map(({ keys }) => keys.load()))
  }

  /**
   * Whom a token stands for. Synchronous when the token was seen before.
   * @throws IdentityRejected, ChaperoneError CHP-AUTH-REVOKED (thrown or as a rejected promise)
   */
  verify(token: string): VerifiedIdentity | Promise<VerifiedIdentity> {
    if (token.length > MAX_TOKEN_CHARACTERS) throw new IdentityRejected('malformed')
    const digest = hash('sha256', token)
    const known = this.#recall(digest)
    if (known !== undefined) return this.#unrevoked(known)
    const unverified = readUnverifiedToken(token)
    const issuer = this.#issuers.get(unverified.issuer)
    if (issuer === undefined) throw new IdentityRejected('issuer-unknown')
    if (!issuer.algorithms.includes(unverified.algorithm)) {
      throw new IdentityRejected('algorithm', issuer.name)
    }
    const running = this.#running.get(digest)
    if (running !== undefined) return running
    const started = this.#verifyAndRemember(token, digest, unverified, issuer)
    this.#running.set(digest, started)
    return started
  }

  /** Ends requests to issuers that are under way and forgets all tokens. */
  close(): void {
    for (const { keys } of this.#issuers.values()) keys.close()
    this.#verified.clear()
    this.#rejected.clear()
  }

  #unrevoked(identity: VerifiedIdentity): VerifiedIdentity {
    const revocation = this.#revocations?.of(identity)
    if (revocation === undefined) return identity
    throw new ChaperoneError('CHP-AUTH-REVOKED', { reason: `revocation ${revocation.id}` })
  }

  #recall(digest: string): VerifiedIdentity | undefined {
    const now = this.#clock()
    const verified = this.#verified.get(digest)
    if (verified !== undefined) {
      if (now < verified.until) return verified.value
      this.#verified.delete(digest)
    }
    const rejected = this.#rejected.get(digest)
    if (rejected !== undefined) {
      if (now < rejected.until) throw new IdentityRejected(rejected.value.reason, rejected.value.issuer)
      this.#rejected.delete(digest)
    }
    return undefined
  }

  async #verifyAndRemember(
    token: string,
    digest: string,
    unverified: UnverifiedToken,
    issuer: TrustedIssuer,
  ): Promise<VerifiedIdentity> {
    try {
      const identity = await this.#verifyAnew(token, digest, unverified, issuer)
      // Looked at again no later than the keys are, so that a withdrawn key ends the tokens it signed.
      const until = Math.min(identity.expiresAt, this.#clock() + issuer.cacheSeconds * 1000)
      this.#verified.set(digest, { value: identity, until })
      return this.#unrevoked(identity)
    } catch (error) {
      if (error instanceof IdentityRejected && CACHED_REJECTIONS.has(error.reason)) {
        this.#rejected.set(digest, { value: error, until: this.#clock() + REJECTION_CACHE_MS })
      }
      throw error
    } finally {
      this.#running.delete(digest)
    }
  }

  async #verifyAnew(
    token: string,
    digest: string,
    unverified: UnverifiedToken,
    issuer: TrustedIssuer,
  ): Promise<VerifiedIdentity> {
    const reject = (reason: RejectionReason) => new IdentityRejected(reason, issuer.name)
    const candidates = await issuer.keys.find(unverified.algorithm, unverified.keyId)
    const now = this.#clock()
    const claims = await verifyWithOneOf(token, candidates, issuer, now)
    const { iat, exp, jti } = claims
    // JSON has no infinity, but 1e999 is read as one.
    if (iat === undefined || exp === undefined || !Number.isFinite(iat) || !Number.isFinite(exp))
      throw reject('malformed')
    const skew = issuer.clockSkewSeconds
    if (iat > now / 1000 + skew) throw reject('not-yet-valid')
    if (exp - iat > issuer.maxLifetimeSeconds) throw reject('lifetime-too-long')
    const expiresAt = (exp + skew) * 1000
    if (now >= expiresAt) throw reject('expired')
    const presented = [claims.aud].flat()
    const audience = issuer.audiences.find((accepted) => presented.includes(accepted))
    if (audience === undefined || !presented.every((value) => typeof value === 'string')) throw reject('audience')
    // An id that is no text could not be revoked by its name.
    if (jti !== undefined && !isSafeText(jti)) throw reject('claim-mismatch')
    return VerifiedIdentity.ofVerifiedToken({
      ...issuer.read(claims),
      issuerUrl: issuer.issuer,
      audience,
      issuedAt: iat * 1000,
      expiresAt,
      tokenDigest: digest.slice(0, 16),
      tokenId: jti,
    })
  }
}

/** Several keys come into question only when the token does not name one. */
async function verifyWithOneOf(
  token: string,
  candidates: readonly CryptoKey[],
  issuer: TrustedIssuer,
  now: number,
): Promise<JWTPayload> {
  for (const key of candidates) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [...issuer.algorithms],
        issuer: issuer.issuer,
        audience: [...issuer.audiences],
        requiredClaims: ['exp', 'iat'],
        clockTolerance: issuer.clockSkewSeconds,
        currentDate: new Date(now),
      })
      return payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw rejectionFor(error, issuer.name)
    }
  }
  throw new IdentityRejected('signature', issuer.name)
}

/** The library's error in our words. It is not passed on as a cause, because it holds the claims. */
function rejectionFor(error: unknown, issuer: string): ChaperoneError {
  if (error instanceof errors.JWTExpired) return new IdentityRejected('expired', issuer)
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return new IdentityRejected('claim-missing', issuer)
    if (error.claim === 'aud') return new IdentityRejected('audience', issuer)
    if (error.claim === 'nbf' && error.reason === 'check_failed') return new IdentityRejected('not-yet-valid', issuer)
    return new IdentityRejected('malformed', issuer)
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return new IdentityRejected('algorithm', issuer)
  if (error instanceof errors.JOSEError) return new IdentityRejected('malformed', issuer)
  const name = error instanceof Error ? error.name : typeof error
  return new ChaperoneError('CHP-INTERNAL', { reason: `a token could not be verified (${name})` })
}
