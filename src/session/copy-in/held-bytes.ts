/** Bytes that wait for more of their kind. It grows by doubling, so that a long row costs no more for coming in many pieces. */
export class HeldBytes {
  #buffer = Buffer.alloc(0)
  #length = 0
  #seen = 0

  get length(): number {
    return this.#length
  }

  /** Valid until more is appended or taken. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** How many of them were there when the last `append` came. */
  get seen(): number {
    return this.#seen
  }

  append(data: Buffer): void {
    this.#seen = this.#length
    const needed = this.#length + data.length
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, this.#length)
      this.#buffer = grown
    }
    data.copy(this.#buffer, this.#length)
    this.#length = needed
  }

  /** A copy of the first of them, which are gone then. */
  take(count: number): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, count))
    this.#buffer.copyWithin(0, count, this.#length)
    this.#length -= count
    return taken
  }
}
