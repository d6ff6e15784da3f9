import type { ScopeKey } from './token-scope.ts'

/** Of one class and form in a scope. */
export interface TokenCount {
  readonly phiClass: string
  readonly form: string
  readonly live: number
  /** Over, but not deleted yet. */
  readonly expired: number
}

export interface ScopeStatus extends ScopeKey {
  /** Names the key that wraps the scope's. */
  readonly key: string
  readonly created: Date
  readonly tokens: readonly TokenCount[]
}

/** What operators see: names and numbers, no token and no value. */
export interface VaultStatus {
  /** Names the key that new scopes are wrapped with. */
  readonly currentKey: string
  readonly scopes: readonly ScopeStatus[]
}
