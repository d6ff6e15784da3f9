/** What is kept knows its size: an estimate in bytes, key included. */
interface Sized {
  readonly bytes: number
}

/** Far below what a Map can hold (2^24). */
const MAX_ENTRIES = 2 ** 22

/**
 * Maps that share one bound, and forget what was not used lately. Two generations instead of a list in order of use: a hit in
 * the young one is a single look-up and changes nothing. When the young ones together reach half of the bound, all grow old.
 * Empty maps are not held, so that maps whose owners are gone go with what was in them.
 */
export class BoundedMaps {
  readonly #half: number
  readonly #maps = new Set<BoundedMap<Sized>>()
  #youngBytes = 0

  constructor(maxBytes: number) {
    this.#half = maxBytes / 2
  }

  add<V extends Sized>(): BoundedMap<V> {
    const map: BoundedMap<V> = new BoundedMap<V>((bytes) => this.#charge(map, bytes))
    return map
  }

  /** How many maps are held. */
  get held(): number {
    return this.#maps.size
  }

  /** False when nothing of that size is kept. */
  #charge(map: BoundedMap<Sized>, bytes: number): boolean {
    if (bytes > this.#half / 4) return false
    this.#youngBytes += bytes
    if (this.#youngBytes > this.#half) {
      this.#grow()
      this.#youngBytes = bytes
    }
    this.#maps.add(map)
    return true
  }

  #grow(): void {
    for (const map of this.#maps) {
      map.grow()
      if (map.size === 0) this.#maps.delete(map)
    }
  }
}

/** One of the maps of a bound. */
export class BoundedMap<V extends Sized> {
  readonly #charge: (bytes: number) => boolean
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  constructor(charge: (bytes: number) => boolean) {
    this.#charge = charge
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  /** Does nothing when the value alone is too large. */
  set(key: string, value: V): void {
    if (!this.#charge(value.bytes)) return
    if (this.#young.size >= MAX_ENTRIES) this.grow()
    this.#old.delete(key)
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
  }

  /** For the owner of the bound: what is young becomes old, what was old is forgotten. */
  grow(): void {
    this.#old = this.#young
    this.#young = new Map()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
