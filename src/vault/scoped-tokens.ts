import { randomBytes, randomUUID } from 'node:crypto'
import type { PhiClass } from '../phi/classes.ts'
import type { TokenForm, TokenReference, TokenRequest } from '../phi/tokens/stand-ins.ts'
import type { BoundedMap, BoundedMaps } from './bounded-maps.ts'
import { vaultUnavailable } from './guarded.ts'
import { type IssuedToken, type IssuingOptions, issueBatch, type OpenScope } from './issue-batch.ts'
import { KEY_BYTES, type KeyRing } from './key-ring.ts'
import { batchesOf, inLanes } from './lanes.ts'
import type { StoredToken } from './repository.ts'
import { digestOf, ScopeKeys } from './scope-keys.ts'
import type { ScopeKey, TokenScope } from './token-scope.ts'

export interface ScopedTokensOptions extends IssuingOptions {
  readonly keyRing: KeyRing
  /** Bounds what is remembered of values and tokens. */
  readonly cache: BoundedMaps
  /** Bounds what is remembered of tokens that do not exist: whoever makes some up must not push out the others. */
  readonly unknownCache: BoundedMaps
  /** Whether deletions by other gateways are heard of. While they are not, nothing is remembered. */
  readonly isHearing: () => boolean
}

/** Values or tokens of one statement. */
const BATCH = 2000
/** A token that nobody has issued may be issued by another gateway later. */
const UNKNOWN_MS = 10_000
/** Of an entry besides its texts: objects, map, pointers. */
const ENTRY_BYTES = 160
/** The scope may be deleted while tokens are issued in it; hardly twice. */
const ATTEMPTS = 4

interface KnownToken {
  readonly token: string
  readonly expiresAt: number
  readonly bytes: number
}

interface KnownValue {
  readonly phiClass: string
  readonly value: string
  readonly expiresAt: number
  readonly bytes: number
}

interface UnknownToken {
  readonly expiresAt: number
  readonly bytes: number
}

type Results = ReadonlyMap<string, string>

const nameOf = ({ phiClass, form, value }: TokenRequest) => `${phiClass}\0${form}\0${value}`

/** The tokens of one scope, remembered. */
export class ScopedTokens implements TokenScope {
  readonly #key: ScopeKey
  readonly #digest: Buffer
  readonly #options: ScopedTokensOptions
  readonly #tokens = new Map<string, Map<string, BoundedMap<KnownToken>>>()
  readonly #values: BoundedMap<KnownValue>
  readonly #unknown: BoundedMap<UnknownToken>
  readonly #issuing = new Map<string, Promise<Results>>()
  #scope: OpenScope | undefined
  #opening: Promise<OpenScope> | undefined
  /** Most of what was asked for last was in the store already, as after a restart. */
  #looksFirst = false
  /** Counts how often all was forgotten: what was asked for before must not be remembered after. */
  #epoch = 0
  #isRetired = false

  constructor(key: ScopeKey, options: ScopedTokensOptions) {
    this.#key = key
    this.#digest = digestOf(key)
    this.#options = options
    this.#values = options.cache.add()
    this.#unknown = options.unknownCache.add()
  }

  find({ phiClass, form, value }: TokenRequest): string | undefined {
    return this.#live(this.#tokensOf(phiClass, form), value)
  }

  finder(phiClass: PhiClass, form: TokenForm): (value: string) => string | undefined {
    const known = this.#tokensOf(phiClass, form)
    return (value) => this.#live(known, value)
  }

  async issue(wanted: readonly TokenRequest[]): Promise<readonly (string | undefined)[]> {
    const found = new Map<string, string>()
    const missing = new Map<string, TokenRequest>()
    const names = wanted.map(nameOf)
    for (const [i, request] of wanted.entries()) {
      const name = names[i] ?? ''
      const token = this.find(request)
      if (token !== undefined) found.set(name, token)
      // A text that is not Unicode cannot be told from others once it is bytes.
      else if (request.value.isWellFormed()) missing.set(name, request)
    }
    await inLanes(batchesOf([...missing], BATCH), async (batch) => {
      for (const results of await this.#issueTogether(batch)) {
        for (const [name, token] of results) found.set(name, token)
      }
    })
    return names.map((name) => found.get(name))
  }

  resolve(
    tokens: readonly TokenReference[],
  ): readonly (string | undefined)[] | Promise<readonly (string | undefined)[]> {
    const unknown = new Set<string>()
    const values = tokens.map(({ phiClass, token }) => {
      const known = this.#values.get(token)
      if (known !== undefined && known.expiresAt > this.#options.clock()) {
        return known.phiClass === phiClass ? known.value : undefined
      }
      const absent = this.#unknown.get(token)
      if (absent === undefined || absent.expiresAt <= this.#options.clock()) unknown.add(token)
      return undefined
    })
    return unknown.size === 0 ? values : this.#resolveStored(tokens, values, [...unknown])
  }

  /** Forgets everything: the scope may have been deleted. */
  forget(): void {
    this.#epoch++
    this.#scope = undefined
    this.#opening = undefined
    for (const forms of this.#tokens.values()) for (const known of forms.values()) known.clear()
    this.#values.clear()
    this.#unknown.clear()
  }

  /** Deletions are not told to it any more: it goes on, and remembers nothing. */
  retire(): void {
    this.#isRetired = true
    this.forget()
  }

  #mayRemember(epoch: number): boolean {
    return epoch === this.#epoch && !this.#isRetired && this.#options.isHearing()
  }

  #live(known: BoundedMap<KnownToken>, value: string): string | undefined {
    const entry = known.get(value)
    return entry !== undefined && entry.expiresAt > this.#options.clock() ? entry.token : undefined
  }

  #tokensOf(phiClass: PhiClass, form: TokenForm): BoundedMap<KnownToken> {
    let forms = this.#tokens.get(phiClass)
    if (forms === undefined) this.#tokens.set(phiClass, (forms = new Map()))
    let known = forms.get(form)
    if (known === undefined) forms.set(form, (known = this.#options.cache.add()))
    return known
  }

  /** Issues what nobody in this process is issuing at the moment, and waits for the rest. */
  async #issueTogether(batch: readonly (readonly [string, TokenRequest])[]): Promise<readonly Results[]> {
    const others = new Set<Promise<Results>>()
    const own: TokenRequest[] = []
    const names: string[] = []
    for (const [name, request] of batch) {
      const other = this.#issuing.get(name)
      if (other !== undefined) others.add(other)
      else {
        own.push(request)
        names.push(name)
      }
    }
    if (own.length > 0) {
      const results = this.#issueBatch(own)
      for (const name of names) this.#issuing.set(name, results)
      const isOver = () => {
        for (const name of names) this.#issuing.delete(name)
      }
      results.then(isOver, isOver)
      others.add(results)
    }
    return Promise.all(others)
  }

  async #issueBatch(requests: readonly TokenRequest[]): Promise<Results> {
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const epoch = this.#epoch
        const scope = await this.#open()
        const issued = await issueBatch(this.#options, scope, requests, this.#looksFirst)
        if (issued !== 'deleted') {
          this.#looksFirst = issued.known * 2 > issued.tokens.length
          if (this.#mayRemember(epoch)) this.#rememberTokens(issued.tokens)
          return new Map(issued.tokens.map(({ request, token }) => [nameOf(request), token]))
        }
        if (epoch === this.#epoch) this.forget()
      }
    } catch (error) {
      throw vaultUnavailable(error)
    }
    throw vaultUnavailable(new Error('the scope is deleted again and again'))
  }

  async #resolveStored(
    tokens: readonly TokenReference[],
    values: readonly (string | undefined)[],
    unknown: readonly string[],
  ): Promise<readonly (string | undefined)[]> {
    const found = new Map<string, KnownValue>()
    try {
      await inLanes(batchesOf(unknown, BATCH), async (batch) => {
        for (const [token, known] of await this.#read(batch)) found.set(token, known)
      })
    } catch (error) {
      throw vaultUnavailable(error)
    }
    return tokens.map(({ phiClass, token }, i) => {
      const known = found.get(token)
      return known?.phiClass === phiClass ? known.value : values[i]
    })
  }

  async #read(tokens: readonly string[]): Promise<ReadonlyMap<string, KnownValue>> {
    const { repository, clock, guard } = this.#options
    const now = clock()
    const epoch = this.#epoch
    const scope = await this.#openIfThere()
    const rows = scope === undefined ? [] : await guard(repository.findByToken(scope.id, tokens))
    const found = new Map<string, KnownValue>()
    for (const row of rows) if (scope !== undefined) found.set(row.token, knownValue(row, scope.keys, now))
    if (this.#mayRemember(epoch)) this.#rememberValues(tokens, found, now)
    return found
  }

  #rememberTokens(issued: readonly IssuedToken[]): void {
    for (const { request, token, expiresAt } of issued) {
      const bytes = request.value.length * 2 + token.length + ENTRY_BYTES
      this.#tokensOf(request.phiClass, request.form).set(request.value, { token, expiresAt, bytes })
      this.#unknown.delete(token)
    }
  }

  #rememberValues(tokens: readonly string[], found: ReadonlyMap<string, KnownValue>, now: number): void {
    for (const token of tokens) {
      const known = found.get(token)
      if (known !== undefined) this.#values.set(token, known)
      else this.#unknown.set(token, { expiresAt: now + UNKNOWN_MS, bytes: token.length + ENTRY_BYTES })
    }
  }

  /** The scope in the store; undefined when it has no tokens yet, because nobody has made it. */
  async #openIfThere(): Promise<OpenScope | undefined> {
    if (this.#scope !== undefined) return this.#scope
    const epoch = this.#epoch
    const { repository, keyRing, guard } = this.#options
    const stored = await guard(repository.findScope(this.#digest))
    if (stored === undefined) return undefined
    // Under the digest that was asked for, so that a store that answers with another scope is noticed.
    const dataKey = keyRing.unwrap(stored.wrappedKey, stored.keyId, stored.id, this.#digest)
    const scope = { id: stored.id, keys: new ScopeKeys(stored.id, dataKey) }
    if (this.#mayRemember(epoch)) this.#scope = scope
    return scope
  }

  /** The scope in the store; made if there is none. */
  #open(): Promise<OpenScope> {
    if (this.#scope !== undefined) return Promise.resolve(this.#scope)
    if (this.#opening === undefined) {
      const opening = this.#make().finally(() => {
        if (this.#opening === opening) this.#opening = undefined
      })
      this.#opening = opening
    }
    return this.#opening
  }

  async #make(): Promise<OpenScope> {
    const { repository, keyRing, guard } = this.#options
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const there = await this.#openIfThere()
      if (there !== undefined) return there
      const id = randomUUID()
      const digest = this.#digest
      const wrappedKey = keyRing.wrap(randomBytes(KEY_BYTES), id, digest)
      await guard(repository.addScope({ id, digest, keyId: keyRing.currentId, wrappedKey }, this.#key))
    }
    throw new Error('the scope is deleted again and again')
  }
}

/** @throws Error for a row that was not sealed in this scope as what it says it is. */
function knownValue(row: StoredToken, keys: ScopeKeys, now: number): KnownValue {
  const value = keys.open(row.sealed, row)
  if (value === undefined) throw new Error('a stored token does not open')
  const bytes = value.length * 2 + row.token.length + ENTRY_BYTES
  return { phiClass: row.phiClass, value, expiresAt: now + row.remainingMs, bytes }
}
