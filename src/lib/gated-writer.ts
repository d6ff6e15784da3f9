import type { Duplex } from 'node:stream'

/** How far a log has come; both only grow. */
export interface Watermarks {
  /** Everything up to here was handed to the operating system. */
  readonly written: number
  /** Everything up to here survives what it has to survive. */
  readonly durable: number
  /** The number of the newest entry, written or not. */
  readonly appended: number
}

interface Held {
  readonly bytes: Buffer
  readonly written: number
  readonly durable: number
}

/**
 * Writes to a stream in order, each piece only when the log has come far enough: every entry that was appended before
 * the piece was pushed is written, and the entry that the piece names is durable. Nothing overtakes a piece that waits.
 */
export class GatedWriter {
  readonly #stream: Duplex
  readonly #marks: Watermarks
  readonly #waiting: Set<GatedWriter>
  readonly #held: Held[] = []
  #heldBytes = 0
  #ended = false

  readonly #onReleased: () => void

  /**
   * `waiting` is the set of writers whose `release` is to be called when the log advances; `onReleased` is told when
   * that has let something go.
   */
  constructor(stream: Duplex, marks: Watermarks, waiting: Set<GatedWriter>, onReleased: () => void) {
    this.#stream = stream
    this.#marks = marks
    this.#waiting = waiting
    this.#onReleased = onReleased
  }

  /** Bytes that wait here or in the stream. */
  get backlog(): number {
    return this.#heldBytes + this.#stream.writableLength
  }

  push(bytes: Buffer, durable = 0): void {
    if (bytes.length === 0 || this.#ended) return
    const written = this.#marks.appended
    if (this.#held.length === 0 && this.#ready(written, durable)) {
      this.#stream.write(bytes)
      return
    }
    this.#held.push({ bytes, written, durable })
    this.#heldBytes += bytes.length
    this.#waiting.add(this)
  }

  /** Writes what has become free. */
  release(): void {
    let count = 0
    for (const held of this.#held) {
      if (!this.#ready(held.written, held.durable)) break
      count++
    }
    const free = this.#held.splice(0, count)
    if (count > 1) this.#stream.cork()
    for (const { bytes } of free) {
      this.#heldBytes -= bytes.length
      this.#stream.write(bytes)
    }
    if (count > 1) this.#stream.uncork()
    if (this.#held.length === 0) {
      this.#waiting.delete(this)
      if (this.#ended) this.#stream.end()
    }
    if (count > 0) this.#onReleased()
  }

  /** Ends the stream once everything pushed so far has been written. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#held.length === 0) this.#stream.end()
  }

  /** Forgets what waits: used when the log has failed and nothing more may leave. */
  discard(): void {
    this.#held.length = 0
    this.#heldBytes = 0
    this.#waiting.delete(this)
    if (this.#ended) this.#stream.end()
  }

  #ready(written: number, durable: number): boolean {
    return this.#marks.written >= written && this.#marks.durable >= durable
  }
}
