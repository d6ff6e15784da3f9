import { createLocalJWKSet, type CryptoKey, errors, type JWK } from 'jose'
import type { Clock } from '../../lib/clock.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import { FetchFailed, fetchJsonObject, isObject } from './bounded-fetch.ts'
import { type IssuerSettings, isAcceptableUrl } from './issuer-settings.ts'

export interface IssuerKeysOptions {
  readonly clock: Clock
  readonly fetch: typeof fetch
  /** Called when the keys could not be fetched, or some of them were left out. */
  readonly onProblem: (problem: string) => void
}

interface KeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly fetchedAt: number
  /** Whether a key that cannot be imported was reported: once is enough, any token could ask for it. */
  reported: boolean
}

const MAX_DISCOVERY_BYTES = 64 * 1024
const MAX_KEY_SET_BYTES = 256 * 1024
const MAX_KEYS = 64
/** Keys that are tried when a token does not say which one signed it and the set has several of the kind. */
const MAX_CANDIDATES = 4
const MIN_RSA_BITS = 2048
const DEFAULT_STALE_SECONDS = 3600
const DEFAULT_TIMEOUT_SECONDS = 5

/** The private members of RFC 7518 section 6: a key that was published with them is anybody's. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

function isPublicSigningKey(jwk: JWK): boolean {
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  if (jwk.kty === 'RSA') return typeof jwk.n === 'string' && Buffer.from(jwk.n, 'base64url').length * 8 >= MIN_RSA_BITS
  return jwk.kty === 'EC' || jwk.kty === 'OKP'
}

const isKey = (value: unknown): value is JWK => isObject(value) && typeof value['kty'] === 'string'

/** The public keys of one issuer: discovered, kept, renewed, and kept a bounded time longer when renewing fails. */
export class IssuerKeys {
  readonly #settings: IssuerSettings
  readonly #options: IssuerKeysOptions
  readonly #closing = new AbortController()
  #keys: KeySet | undefined
  #attemptedAt = Number.NEGATIVE_INFINITY
  #attemptFailed = false
  #refreshing: Promise<void> | undefined

  constructor(settings: IssuerSettings, options: IssuerKeysOptions) {
    this.#settings = settings
    this.#options = options
  }

  /** Fetches the keys now. A failure is reported to `onProblem`; the next token tries again. */
  async load(): Promise<void> {
    await this.#refresh()
  }

  /**
   * The keys that may have signed a token with this header, most often one.
   * @throws IdentityRejected key-unknown or keys-unavailable
   */
  async find(algorithm: string, keyId: string | undefined): Promise<readonly CryptoKey[]> {
    if (this.#age() >= this.#settings.jwksCacheSeconds * 1000) await this.#refreshUnlessTriedLately()
    let found = await this.#lookUp(algorithm, keyId)
    if (found.length === 0) {
      await this.#refreshUnlessTriedLately()
      found = await this.#lookUp(algorithm, keyId)
    }
    if (found.length > 0) return found
    // When the last fetch failed, the key may well exist; saying so saves the operator a search.
    throw this.#reject(this.#attemptFailed ? 'keys-unavailable' : 'key-unknown')
  }

  close(): void {
    this.#closing.abort()
  }

  #reject(reason: 'key-unknown' | 'keys-unavailable'): IdentityRejected {
    return new IdentityRejected(reason, this.#settings.name)
  }

  #age(): number {
    return this.#keys === undefined ? Number.POSITIVE_INFINITY : this.#options.clock() - this.#keys.fetchedAt
  }

  async #lookUp(alg: string, kid: string | undefined): Promise<readonly CryptoKey[]> {
    const { jwksCacheSeconds, jwksStaleSeconds = DEFAULT_STALE_SECONDS } = this.#settings
    const keepFor = Math.max(jwksCacheSeconds, jwksStaleSeconds) * 1000
    const keys = this.#keys
    if (keys === undefined || this.#age() > keepFor) throw this.#reject('keys-unavailable')
    try {
      return [await keys.find(kid === undefined ? { alg } : { alg, kid })]
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        const candidates: CryptoKey[] = []
        for await (const key of error) if (candidates.push(key) === MAX_CANDIDATES) break
        return candidates
      }
      // A key that cannot be imported is as good as absent.
      if (!(error instanceof errors.JWKSNoMatchingKey) && !keys.reported) {
        keys.reported = true
        this.#options.onProblem('key set: a key cannot be used')
      }
      return []
    }
  }

  /** At most one attempt per cooldown, whether it succeeds or not: neither bad tokens nor an outage make us hammer. */
  async #refreshUnlessTriedLately(): Promise<void> {
    const waited = this.#options.clock() - this.#attemptedAt
    if (this.#refreshing !== undefined || waited >= this.#settings.jwksCooldownSeconds * 1000) await this.#refresh()
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchKeys().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #fetchKeys(): Promise<void> {
    this.#attemptedAt = this.#options.clock()
    try {
      const find = await this.#fetchKeySet(await this.#discover())
      this.#keys = { find, fetchedAt: this.#attemptedAt, reported: false }
      this.#attemptFailed = false
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      this.#attemptFailed = true
      this.#options.onProblem(error.message)
    }
  }

  /** OpenID Connect Discovery 1.0, section 4. Repeated at every refresh, because the place of the keys may change too. */
  async #discover(): Promise<string> {
    const { issuer, allowInsecureLoopback } = this.#settings
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const document = await this.#fetch('discovery document', url, MAX_DISCOVERY_BYTES)
    if (document['issuer'] !== issuer) throw new FetchFailed('discovery document: it is of another issuer')
    const { jwks_uri: keysUrl } = document
    if (typeof keysUrl !== 'string' || !isAcceptableUrl(keysUrl, allowInsecureLoopback)) {
      throw new FetchFailed('discovery document: jwks_uri is not an https URL')
    }
    return keysUrl
  }

  async #fetchKeySet(url: string): Promise<KeySet['find']> {
    const { keys } = await this.#fetch('key set', url, MAX_KEY_SET_BYTES)
    if (!Array.isArray(keys)) throw new FetchFailed('key set: it has no list of keys')
    if (keys.length > MAX_KEYS) throw new FetchFailed(`key set: it has more than ${MAX_KEYS} keys`)
    const usable = keys.filter(isKey).filter(isPublicSigningKey)
    if (usable.length === 0) throw new FetchFailed('key set: it has no public signing key')
    const exposed = keys.filter(isKey).some((jwk) => PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member)))
    if (exposed) this.#options.onProblem('key set: it publishes a private or secret key, which is not used')
    try {
      return createLocalJWKSet({ keys: usable })
    } catch {
      throw new FetchFailed('key set: it is malformed')
    }
  }

  async #fetch(what: string, url: string, maxBytes: number): Promise<Record<string, unknown>> {
    const { fetchTimeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = this.#settings
    try {
      return await fetchJsonObject(url, {
        fetch: this.#options.fetch,
        timeoutMilliseconds: fetchTimeoutSeconds * 1000,
        maxBytes,
        signal: this.#closing.signal,
      })
    } catch (error) {
      throw error instanceof FetchFailed ? new FetchFailed(`${what}: ${error.message}`) : error
    }
  }
}
