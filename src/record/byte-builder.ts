/** Keeps its memory between batches up to this size, and gives back what one large batch needed. */
const KEPT_BYTES = 4 * 1024 * 1024

/** Bytes that grow at the end. Room is reserved first, so that adding cannot fail half way. */
export class ByteBuilder {
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }

  /** UTF-8. Reserves its own room. */
  text(text: string): void {
    // Three bytes a code unit is the most UTF-8 needs; counting is worth it only for long texts.
    this.reserve(text.length < 16_384 ? text.length * 3 : Buffer.byteLength(text))
    this.#length += this.#bytes.write(text, this.#length)
  }

  bytes(source: Uint8Array): void {
    this.reserve(source.length)
    this.#bytes.set(source, this.#length)
    this.#length += source.length
  }

  /** Eight bytes for the sequence number and four for a length that `patchLength` sets, see ENTRY_PREFIX_BYTES. */
  entry(seq: number): void {
    this.reserve(12)
    this.#bytes.writeUInt16BE(0, this.#length)
    this.#bytes.writeUIntBE(seq, this.#length + 2, 6)
    this.#bytes.writeUInt32BE(0, this.#length + 8)
    this.#length += 12
  }

  patchLength(entryStart: number, length: number): void {
    this.#bytes.writeUInt32BE(length, entryStart + 8)
  }

  /** Valid until the next change. */
  view(from = 0): Buffer {
    return this.#bytes.subarray(from, this.#length)
  }

  truncate(length: number): void {
    this.#length = length
  }

  clear(): void {
    this.#length = 0
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(64 * 1024)
  }
}
