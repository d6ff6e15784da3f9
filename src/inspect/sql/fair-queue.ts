/** A bounded queue that serves owners in turn, so that one with many items cannot make the others wait for all of them. */
export class FairQueue<T> {
  readonly #capacity: number
  readonly #byOwner = new Map<object, T[]>()
  #size = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** Returns false when the queue is full. */
  push(owner: object, item: T): boolean {
    if (this.#size >= this.#capacity) return false
    const items = this.#byOwner.get(owner)
    if (items === undefined) this.#byOwner.set(owner, [item])
    else items.push(item)
    this.#size++
    return true
  }

  /** The next item of the owner whose turn it is. */
  shift(): T | undefined {
    const [first] = this.#byOwner
    if (first === undefined) return undefined
    const [owner, items] = first
    const item = items.shift()
    this.#byOwner.delete(owner)
    if (items.length > 0) this.#byOwner.set(owner, items)
    this.#size--
    return item
  }

  remove(owner: object, item: T): void {
    const items = this.#byOwner.get(owner)
    const index = items?.indexOf(item) ?? -1
    if (items === undefined || index < 0) return
    items.splice(index, 1)
    if (items.length === 0) this.#byOwner.delete(owner)
    this.#size--
  }
}
