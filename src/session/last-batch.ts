import type { Clock } from '../lib/clock.ts'

interface Entry<V> {
  readonly value: V
  readonly fetchedAt: number
}

/**
 * What was fetched last, and of what was fetched before only what was asked for since: enough for masking to come to an end
 * when a second fetch shows what a third one has to bring, however small the caches behind are.
 */
export class LastBatch<V> {
  readonly #maxAgeMs: number
  readonly #clock: Clock
  #found: ReadonlyMap<string, Entry<V>> = new Map()
  #used = new Map<string, Entry<V>>()

  /** @param maxAgeMs since it was fetched, however often it was asked for */
  constructor(maxAgeMs: number, clock: Clock) {
    this.#maxAgeMs = maxAgeMs
    this.#clock = clock
  }

  get(key: string): V | undefined {
    const entry = this.#found.get(key)
    if (entry === undefined || this.#clock() - entry.fetchedAt >= this.#maxAgeMs) return undefined
    this.#used.set(key, entry)
    return entry.value
  }

  replace(fetched: Iterable<readonly [string, V]>): void {
    const fetchedAt = this.#clock()
    for (const [key, value] of fetched) this.#used.set(key, { value, fetchedAt })
    this.#found = this.#used
    this.#used = new Map()
  }
}
