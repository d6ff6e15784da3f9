import type { ChaperoneError } from '../lib/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { TokenForm } from '../phi/tokens/stand-ins.ts'
import { BoundedMaps } from './bounded-maps.ts'
import { guarded, vaultUnavailable } from './guarded.ts'
import { mintToken, SCARCE_FORMS } from './issue-batch.ts'
import { KeyRing } from './key-ring.ts'
import type { TokenRepository } from './repository.ts'
import { ScopedTokens, type ScopedTokensOptions } from './scoped-tokens.ts'
import { digestOf } from './scope-keys.ts'
import type { ScopeKey, TokenScope, Vault } from './token-scope.ts'
import type { VaultStatus } from './vault-status.ts'

export interface VaultOptions {
  readonly repository: TokenRepository
  /** Wraps the keys of scopes; 32 bytes. */
  readonly key: Buffer
  /** Those that may still be in use in the store. */
  readonly previousKeys?: readonly Buffer[]
  /** From the issue of a token to its end. */
  readonly lifetimeMs: number
  /** Of values and tokens in memory. Unset: 64 MiB. */
  readonly cacheBytes?: number
  /** How long one question to the store may take. Unset: 5 s. */
  readonly timeoutMs?: number
  /** Of what nobody waits for: deleting expired tokens, hearing of deletions. Told of the first failure of several. */
  readonly onBackgroundError?: (error: ChaperoneError) => void
  /** Milliseconds from anywhere; must not jump. Unset: since the start of the process. */
  readonly clock?: Clock
  /** Unset: at random. */
  readonly mint?: (form: TokenForm) => string
}

/** The vault, and what its operators do with it. Everything rejects with CHP-VAULT-UNAVAILABLE when the store fails. */
export interface TokenVault extends Vault {
  status(): Promise<VaultStatus>
  /** Which keys are missing that scopes are encrypted under. */
  lackedKeys(): Promise<LackedKeys>
  /** Makes all tokens of a scope worthless, for every gateway within a second. False: it has none. */
  deleteScope(key: ScopeKey): Promise<boolean>
  /** Deletes tokens that are over; how many. Also done once an hour. */
  expire(): Promise<number>
  /** Wraps the keys of all scopes with the current key; how many were not. Previous keys are not needed afterwards. */
  rewrap(): Promise<number>
}

/** Keys that scopes in the store are wrapped with, and that are not configured. */
export interface LackedKeys {
  /** Ids of keys. */
  readonly ids: readonly string[]
  /** No scope at all can be opened. */
  readonly all: boolean
}

const CACHE_BYTES = 64 * 1024 * 1024
const UNKNOWN_CACHE_BYTES = 1024 * 1024
/** Purposes come from identities, so that nobody knows how many there will be. */
const MAX_SCOPES = 4096
const TIMEOUT_MS = 5000
/** An operator's order may read or delete everything. */
const LONG_MS = 10 * 60_000
const EXPIRY_MS = 60 * 60_000
const EXPIRY_BATCH = 5000

const monotonicClock: Clock = () => performance.now()

/** Nothing is asked of the store yet. */
export function openVault(options: VaultOptions): TokenVault {
  return new StoredVault(options)
}

class StoredVault implements TokenVault {
  readonly #repository: TokenRepository
  readonly #keyRing: KeyRing
  /** By digest; the one that was asked for longest ago comes first. */
  readonly #scopes = new Map<string, ScopedTokens>()
  readonly #scopeOptions: ScopedTokensOptions
  readonly #onBackgroundError: (error: ChaperoneError) => void
  readonly #listening: { close(): Promise<void> }
  readonly #timer: NodeJS.Timeout
  /** Nothing is remembered otherwise. */
  #isHearing = false
  /** Somebody was told that it hears nothing. */
  #isDeaf = false

  constructor(options: VaultOptions) {
    this.#repository = options.repository
    this.#keyRing = new KeyRing(options.key, options.previousKeys ?? [])
    this.#onBackgroundError = options.onBackgroundError ?? (() => undefined)
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#scopeOptions = {
      repository: options.repository,
      keyRing: this.#keyRing,
      cache: new BoundedMaps(options.cacheBytes ?? CACHE_BYTES),
      unknownCache: new BoundedMaps(UNKNOWN_CACHE_BYTES),
      clock: options.clock ?? monotonicClock,
      mint: options.mint ?? mintToken,
      lifetimeMs: options.lifetimeMs,
      isHearing: () => this.#isHearing,
      guard: (work) => guarded(work, timeoutMs),
    }
    this.#listening = this.#repository.listen({
      onHearing: () => {
        // What was asked for before may have been answered before a deletion that nobody heard of.
        this.#forgetAll()
        this.#isHearing = true
        this.#isDeaf = false
      },
      onDeaf: (error) => {
        this.#isHearing = false
        this.#forgetAll()
        if (!this.#isDeaf) this.#onBackgroundError(vaultUnavailable(error))
        this.#isDeaf = true
      },
      onDeleted: (digest) => this.#scopes.get(digest)?.forget(),
    })
    this.#timer = setInterval(() => void this.#expireInBackground(), EXPIRY_MS)
    this.#timer.unref()
  }

  scope(key: ScopeKey): TokenScope {
    const name = digestOf(key).toString('hex')
    const scope = this.#scopes.get(name) ?? new ScopedTokens(key, this.#scopeOptions)
    this.#scopes.delete(name)
    this.#scopes.set(name, scope)
    if (this.#scopes.size > MAX_SCOPES) this.#retireOldest()
    return scope
  }

  async status(): Promise<VaultStatus> {
    return { currentKey: this.#keyRing.currentId, scopes: await guarded(this.#repository.status(), LONG_MS) }
  }

  async lackedKeys(): Promise<LackedKeys> {
    const inUse = await guarded(this.#repository.keyIds(), TIMEOUT_MS)
    const ids = inUse.filter((id) => !this.#keyRing.has(id))
    return { ids, all: ids.length > 0 && ids.length === inUse.length }
  }

  async deleteScope(key: ScopeKey): Promise<boolean> {
    const digest = digestOf(key)
    try {
      return await guarded(this.#repository.deleteScope(digest), LONG_MS)
    } finally {
      // Without waiting for the notification, and also when it is not known how far it got.
      this.#scopes.get(digest.toString('hex'))?.forget()
    }
  }

  async expire(): Promise<number> {
    let total = 0
    for (;;) {
      const expired = await guarded(this.#repository.retireExpired(SCARCE_FORMS, EXPIRY_BATCH), LONG_MS)
      total += expired
      if (expired < EXPIRY_BATCH) return total
    }
  }

  async rewrap(): Promise<number> {
    const { currentId } = this.#keyRing
    let changed = 0
    try {
      for (const scope of await guarded(this.#repository.scopesNotUnder(currentId), LONG_MS)) {
        const dataKey = this.#keyRing.unwrap(scope.wrappedKey, scope.keyId, scope.id, scope.digest)
        const wrapped = this.#keyRing.wrap(dataKey, scope.id, scope.digest)
        if (await guarded(this.#repository.rewrap(scope, currentId, wrapped), LONG_MS)) changed++
      }
    } catch (error) {
      throw vaultUnavailable(error)
    }
    return changed
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#listening.close()
  }

  /** Sessions that still use it are served from the store from now on. */
  #retireOldest(): void {
    for (const [name, scope] of this.#scopes) {
      this.#scopes.delete(name)
      scope.retire()
      return
    }
  }

  #forgetAll(): void {
    for (const scope of this.#scopes.values()) scope.forget()
  }

  async #expireInBackground(): Promise<void> {
    try {
      await this.expire()
    } catch (error) {
      this.#onBackgroundError(vaultUnavailable(error))
    }
  }
}
