import type { PhiClass } from '../phi/classes.ts'
import type { TokenForm } from '../phi/tokens/stand-ins.ts'
import type { ScopeKey } from './token-scope.ts'
import type { ScopeStatus } from './vault-status.ts'

/** A scope as it is stored: what it is for is not needed to use it. */
export interface StoredScope {
  readonly id: string
  /** SHA-256 of the ScopeKey. */
  readonly digest: Buffer
  /** Names the key that wraps the data key. */
  readonly keyId: string
  readonly wrappedKey: Buffer
}

/** A token to be stored, with its value sealed. */
export interface NewToken {
  readonly phiClass: PhiClass
  readonly form: TokenForm
  readonly token: string
  /** Keyed digest of class, form and value. */
  readonly index: Buffer
  /** The value, encrypted. */
  readonly sealed: Buffer
}

/** As text, because what is stored is not known to be one of ours before it is opened. */
export interface StoredToken {
  readonly phiClass: string
  readonly form: string
  readonly token: string
  readonly index: Buffer
  readonly sealed: Buffer
  /** Until its end, by the clock of the store; not above zero when it is over. */
  readonly remainingMs: number
}

/** What is heard from the other gateways. */
export interface DeletionListener {
  /** From now on every deletion is heard. */
  onHearing(): void
  /** Deletions may have been missed; they are not heard until `onHearing`. */
  onDeaf(error: unknown): void
  /** In hexadecimal. */
  onDeleted(digest: string): void
}

/** Where the vault keeps scopes and tokens. It knows no values and no keys. Whatever it rejects with is a failure of the store. */
export interface TokenRepository {
  findScope(digest: Buffer): Promise<StoredScope | undefined>
  /** Does nothing when there is one with that digest. Durable when it resolves. */
  addScope(scope: StoredScope, key: ScopeKey): Promise<void>
  /** With those that are over. None when the scope is deleted. */
  findByIndex(scopeId: string, indexes: readonly Buffer[]): Promise<readonly StoredToken[]>
  /** Without those that are over. None when the scope is deleted. */
  findByToken(scopeId: string, tokens: readonly string[]): Promise<readonly StoredToken[]>
  /**
   * Stores those whose token and index are both free, and tells which; 'deleted' when the scope is. Durable when it resolves.
   * It takes them in one order, whatever the order given, so that two who store the same do not wait for each other.
   */
  addTokens(scopeId: string, tokens: readonly NewToken[], lifetimeMs: number): Promise<ReadonlySet<string> | 'deleted'>
  /**
   * Makes room for those of the tokens that are over: their values go. Tokens of a form in `kept` stay taken, all others
   * are free again.
   */
  retire(scopeId: string, tokens: readonly string[], kept: readonly TokenForm[]): Promise<void>
  /** The same for all scopes, at most `limit`; how many there were. Also finishes deletions of scopes. */
  retireExpired(kept: readonly TokenForm[], limit: number): Promise<number>
  /** The key of the scope is gone when this resolves, its tokens follow. False: there was none. */
  deleteScope(digest: Buffer): Promise<boolean>
  /** Of the keys that wrap the data keys of scopes, each once. */
  keyIds(): Promise<readonly string[]>
  /** All that are not wrapped by this key. */
  scopesNotUnder(keyId: string): Promise<readonly StoredScope[]>
  /** False: somebody else has changed it or deleted it meanwhile. */
  rewrap(scope: StoredScope, keyId: string, wrappedKey: Buffer): Promise<boolean>
  status(): Promise<readonly ScopeStatus[]>
  /** Tells the listener until `close`. */
  listen(listener: DeletionListener): { close(): Promise<void> }
}
