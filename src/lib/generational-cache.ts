interface Entry<V> {
  readonly value: V
  readonly bytes: number
}

/**
 * A bounded map that forgets what was not used lately. Two generations instead of a list in order of use: a hit in the
 * young one costs a single look-up and changes nothing.
 */
export class GenerationalCache<V> {
  readonly #maxEntries: number
  readonly #maxBytes: number
  #young = new Map<string, Entry<V>>()
  #old = new Map<string, Entry<V>>()
  #youngBytes = 0

  /** Holds at most about `maxEntries` entries and `maxBytes` bytes as counted by the caller. */
  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = Math.max(1, Math.floor(maxEntries / 2))
    this.#maxBytes = Math.floor(maxBytes / 2)
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young.value
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#old.delete(key)
    this.#insert(key, old)
    return old.value
  }

  /** Stores a value unless it alone is too large. `bytes` is an estimate, key included. */
  set(key: string, value: V, bytes: number): void {
    this.#old.delete(key)
    if (bytes <= this.#maxBytes / 4) this.#insert(key, { value, bytes })
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  #insert(key: string, entry: Entry<V>): void {
    if (this.#young.size >= this.#maxEntries || this.#youngBytes + entry.bytes > this.#maxBytes) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    const replaced = this.#young.get(key)
    if (replaced !== undefined) this.#youngBytes -= replaced.bytes
    this.#young.set(key, entry)
    this.#youngBytes += entry.bytes
  }
}
