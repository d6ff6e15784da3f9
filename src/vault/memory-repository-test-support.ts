import type { TokenForm } from '../phi/tokens/stand-ins.ts'
import type { DeletionListener, NewToken, StoredScope, StoredToken, TokenRepository } from './repository.ts'
import type { ScopeKey } from './token-scope.ts'
import type { ScopeStatus } from './vault-status.ts'

export interface MemoryToken {
  row: NewToken
  expires: number
  isRetired: boolean
}

/** What the store does, in memory. Tests move its clock, look into it, change it and let it fail. */
export class MemoryRepository implements TokenRepository {
  now = 0
  readonly scopes = new Map<string, { stored: StoredScope; key: ScopeKey }>()
  readonly tokens = new Map<string, Map<string, MemoryToken>>()
  /** Of every question. */
  readonly asked: string[] = []
  failure: Error | undefined
  /** Waited for before a question is answered. */
  delay: Promise<void> = Promise.resolve()
  readonly listeners = new Set<DeletionListener>()
  hearsDeletions = true

  async findScope(digest: Buffer): Promise<StoredScope | undefined> {
    await this.#ask('findScope')
    return this.scopes.get(digest.toString('hex'))?.stored
  }

  async addScope(scope: StoredScope, key: ScopeKey): Promise<void> {
    await this.#ask('addScope')
    const name = scope.digest.toString('hex')
    if (!this.scopes.has(name)) this.scopes.set(name, { stored: scope, key })
  }

  async findByIndex(scopeId: string, indexes: readonly Buffer[]): Promise<readonly StoredToken[]> {
    await this.#ask('findByIndex')
    return this.#rows(scopeId)
      .filter(({ row, isRetired }) => !isRetired && indexes.some((index) => index.equals(row.index)))
      .map((one) => this.#stored(one))
  }

  async findByToken(scopeId: string, tokens: readonly string[]): Promise<readonly StoredToken[]> {
    await this.#ask('findByToken')
    return this.#rows(scopeId)
      .filter(({ row, isRetired, expires }) => !isRetired && expires > this.now && tokens.includes(row.token))
      .map((one) => this.#stored(one))
  }

  async addTokens(
    scopeId: string,
    rows: readonly NewToken[],
    lifetimeMs: number,
  ): Promise<ReadonlySet<string> | 'deleted'> {
    await this.#ask('addTokens')
    if (!this.#isLive(scopeId)) return 'deleted'
    const there = this.tokens.get(scopeId) ?? new Map<string, MemoryToken>()
    this.tokens.set(scopeId, there)
    const added = new Set<string>()
    for (const row of rows) {
      const isTaken = [...there.values()].some((one) => !one.isRetired && one.row.index.equals(row.index))
      if (isTaken || there.has(row.token)) continue
      there.set(row.token, { row, expires: this.now + lifetimeMs, isRetired: false })
      added.add(row.token)
    }
    return added
  }

  async retire(scopeId: string, tokens: readonly string[], kept: readonly TokenForm[]): Promise<void> {
    await this.#ask('retire')
    for (const token of tokens) {
      const one = this.tokens.get(scopeId)?.get(token)
      if (one === undefined || one.expires > this.now) continue
      if (kept.includes(one.row.form)) one.isRetired = true
      else this.tokens.get(scopeId)?.delete(token)
    }
  }

  async retireExpired(kept: readonly TokenForm[], limit: number): Promise<number> {
    await this.#ask('retireExpired')
    let count = 0
    for (const [scopeId, rows] of this.tokens) {
      for (const { row, expires, isRetired } of rows.values()) {
        if (isRetired || expires > this.now || count === limit) continue
        count++
        await this.retire(scopeId, [row.token], kept)
      }
    }
    return count
  }

  async deleteScope(digest: Buffer): Promise<boolean> {
    await this.#ask('deleteScope')
    const name = digest.toString('hex')
    const isDeleted = this.scopes.delete(name)
    if (isDeleted && this.hearsDeletions) for (const listener of this.listeners) listener.onDeleted(name)
    return isDeleted
  }

  async keyIds(): Promise<readonly string[]> {
    await this.#ask('keyIds')
    return [...new Set([...this.scopes.values()].map(({ stored }) => stored.keyId))].toSorted()
  }

  async scopesNotUnder(keyId: string): Promise<readonly StoredScope[]> {
    await this.#ask('scopesNotUnder')
    return [...this.scopes.values()].map(({ stored }) => stored).filter((stored) => stored.keyId !== keyId)
  }

  async rewrap(scope: StoredScope, keyId: string, wrappedKey: Buffer): Promise<boolean> {
    await this.#ask('rewrap')
    const entry = this.scopes.get(scope.digest.toString('hex'))
    if (entry === undefined || !entry.stored.wrappedKey.equals(scope.wrappedKey)) return false
    this.scopes.set(scope.digest.toString('hex'), { key: entry.key, stored: { ...scope, keyId, wrappedKey } })
    return true
  }

  async status(): Promise<readonly ScopeStatus[]> {
    await this.#ask('status')
    return [...this.scopes.values()].map(({ stored, key }) => ({
      ...key,
      key: stored.keyId,
      created: new Date(0),
      tokens: [],
    }))
  }

  listen(listener: DeletionListener): { close(): Promise<void> } {
    this.listeners.add(listener)
    listener.onHearing()
    return {
      close: () => {
        this.listeners.delete(listener)
        return Promise.resolve()
      },
    }
  }

  async #ask(name: string): Promise<void> {
    this.asked.push(name)
    await this.delay
    if (this.failure !== undefined) throw this.failure
  }

  #isLive(scopeId: string): boolean {
    return [...this.scopes.values()].some(({ stored }) => stored.id === scopeId)
  }

  #rows(scopeId: string): MemoryToken[] {
    return this.#isLive(scopeId) ? [...(this.tokens.get(scopeId)?.values() ?? [])] : []
  }

  #stored({ row, expires }: MemoryToken): StoredToken {
    return { ...row, remainingMs: expires - this.now }
  }
}
