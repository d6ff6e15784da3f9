/** The first allocation; it doubles when it is too small. */
const FIRST_CAPACITY = 1024
/** Runs up to this length are copied byte by byte: cheaper than the call that copies memory. */
const SHORT_RUN_BYTES = 32
/** What is kept from one value to the next; a single huge value does not hold its memory for ever. */
const MAX_KEPT = 256 * 1024

/** A growing output buffer that is used again for value after value. What `take` returned is never written to again. */
export class ByteWriter {
  #buffer: Buffer = Buffer.alloc(0)
  #length = 0

  /** Bytes written since the last `take` or `clear`. */
  get length(): number {
    return this.#length
  }

  /** Appends bytes `start` to `end` of `source`. */
  appendRange(source: Buffer, start: number, end: number): void {
    const at = this.#length
    this.#grow(end - start)
    const target = this.#buffer
    if (end - start > SHORT_RUN_BYTES) source.copy(target, at, start, end)
    else for (let i = start; i < end; i += 1) target[at + i - start] = source[i]!
    this.#length = at + end - start
  }

  append(bytes: Buffer): void {
    this.appendRange(bytes, 0, bytes.length)
  }

  appendByte(byte: number): void {
    this.#grow(1)
    this.#buffer[this.#length] = byte
    this.#length += 1
  }

  appendInt32(value: number): void {
    this.#grow(4)
    this.#buffer.writeInt32BE(value, this.#length)
    this.#length += 4
  }

  /** Overwrites four bytes that were written before. */
  setInt32(value: number, at: number): void {
    this.#buffer.writeInt32BE(value, at)
  }

  clear(): void {
    this.#length = 0
    if (this.#buffer.length > MAX_KEPT) this.#buffer = Buffer.alloc(0)
  }

  /** A copy of the bytes written; the writer starts anew. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#length)
    this.#buffer.copy(taken, 0, 0, this.#length)
    this.clear()
    return taken
  }

  #grow(extra: number): void {
    const needed = this.#length + extra
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, FIRST_CAPACITY))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
