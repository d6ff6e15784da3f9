import { readFile, stat } from 'node:fs/promises'
import { createLocalJWKSet, type CryptoKey, errors, type JWK } from 'jose'
import type { Clock } from '../../lib/clock.ts'
import { codeOf } from '../../lib/error-code.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import { FetchFailed, fetchJsonObject, isObject, parseJsonObject } from './bounded-fetch.ts'
import { type IssuerSettings, isAcceptableUrl } from './issuer-settings.ts'
import { fetchTrusting } from './private-fetch.ts'
import type { VerificationKeys } from './trusted-issuer.ts'

export interface IssuerKeysOptions {
  readonly clock: Clock
  readonly fetch: typeof fetch
  /** Called when the keys could not be fetched, or some of them were left out. */
  readonly onProblem: (problem: string) => void
}

interface KeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly fetchedAt: number
  /** Of a key file: what tells that it was changed. */
  readonly version: string | undefined
  /** Whether a key that cannot be imported was reported: once is enough, any token could ask for it. */
  reported: boolean
}

const MAX_DISCOVERY_BYTES = 64 * 1024
const MAX_KEY_SET_BYTES = 256 * 1024
const MAX_KEYS = 64
/** Keys that are tried when a token does not say which one signed it and the set has several of the kind. */
const MAX_CANDIDATES = 4
const MIN_RSA_BITS = 2048
/** How often it is asked whether a key file was changed. */
const LOOK_AT_FILE_MS = 1000
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
export class IssuerKeys implements VerificationKeys {
  readonly #settings: IssuerSettings
  readonly #options: IssuerKeysOptions
  readonly #closing = new AbortController()
  #keys: KeySet | undefined
  #attemptedAt = Number.NEGATIVE_INFINITY
  #attemptFailed = false
  #lookedAt = Number.NEGATIVE_INFINITY
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
    if (await this.#fileWasChanged()) await this.#refresh()
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
      const { document, version } = await this.#keySetDocument()
      this.#keys = { find: this.#usableKeys(document), fetchedAt: this.#attemptedAt, version, reported: false }
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

  async #keySetDocument(): Promise<{ document: Record<string, unknown>; version: string | undefined }> {
    const source = this.#settings.keySource ?? { kind: 'discovery' }
    if (source.kind === 'file') {
      const version = await versionOf(source.file)
      return { document: await readKeyFile(source.file), version }
    }
    const url = source.kind === 'url' ? source.url : await this.#discover()
    return { document: await this.#fetch('key set', url, MAX_KEY_SET_BYTES), version: undefined }
  }

  /** A file is cheap to look at, so that a key that was taken out of it stops to count at once and not with the cache. */
  async #fileWasChanged(): Promise<boolean> {
    const { keySource } = this.#settings
    const now = this.#options.clock()
    if (keySource?.kind !== 'file' || this.#keys === undefined || Math.abs(now - this.#lookedAt) < LOOK_AT_FILE_MS) {
      return false
    }
    this.#lookedAt = now
    const known = this.#keys.version
    return versionOf(keySource.file).then(
      (version) => version !== known,
      // As with a server that is away, the keys at hand stay in use until they are too old.
      () => false,
    )
  }

  #usableKeys({ keys }: Record<string, unknown>): KeySet['find'] {
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
    const { fetchTimeoutSeconds = DEFAULT_TIMEOUT_SECONDS, caFile } = this.#settings
    try {
      return await fetchJsonObject(url, {
        fetch: caFile === undefined ? this.#options.fetch : await fetchTrusting(caFile),
        timeoutMilliseconds: fetchTimeoutSeconds * 1000,
        maxBytes,
        signal: this.#closing.signal,
      })
    } catch (error) {
      throw error instanceof FetchFailed ? new FetchFailed(`${what}: ${error.message}`) : error
    }
  }
}

async function versionOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file)
    return `${mtimeMs} ${size} ${ino}`
  } catch (error) {
    throw new FetchFailed(`key file: it cannot be read (${codeOf(error) ?? 'error'})`)
  }
}

async function readKeyFile(file: string): Promise<Record<string, unknown>> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    throw new FetchFailed(`key file: it cannot be read (${codeOf(error) ?? 'error'})`)
  }
  if (bytes.byteLength > MAX_KEY_SET_BYTES)
    throw new FetchFailed(`key file: it is longer than ${MAX_KEY_SET_BYTES} bytes`)
  return parseJsonObject(bytes, 'the key file')
}
