import type { RowWriter } from './datarow.ts'

/**
 * Collects what leaves for the client from the frames of one chunk. As long as every frame passes untouched the result
 * is a slice of what came in; the first frame that is dropped or changed makes it a copy.
 */
export class ChunkOutput {
  readonly #writer: RowWriter
  #buffer: Buffer | undefined
  #from = 0
  #to = 0

  constructor(writer: RowWriter) {
    this.#writer = writer
  }

  /** How many bytes the output has so far. */
  get length(): number {
    return this.#writer.length + this.#to - this.#from
  }

  /** The frame passes as it is. */
  pass(buffer: Buffer, start: number, end: number): void {
    if (buffer !== this.#buffer || start !== this.#to) {
      this.#settle()
      this.#buffer = buffer
      this.#from = start
    }
    this.#to = end
  }

  /** Puts other bytes in the place of a frame. */
  put(bytes: Buffer): void {
    this.#settle()
    this.#writer.appendRange(bytes, 0, bytes.length)
  }

  /** The writer, for a caller that writes the frame anew. */
  writer(): RowWriter {
    this.#settle()
    return this.#writer
  }

  /** The whole output; starts anew. */
  take(): Buffer {
    if (this.#writer.length === 0 && this.#buffer !== undefined) {
      const slice = this.#buffer.subarray(this.#from, this.#to)
      this.#reset()
      return slice
    }
    this.#settle()
    return this.#writer.take()
  }

  #settle(): void {
    if (this.#buffer !== undefined && this.#to > this.#from) {
      this.#writer.appendRange(this.#buffer, this.#from, this.#to)
    }
    this.#reset()
  }

  #reset(): void {
    this.#buffer = undefined
    this.#from = 0
    this.#to = 0
  }
}
