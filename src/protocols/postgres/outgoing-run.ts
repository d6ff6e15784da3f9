import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Permit } from '../protocol.ts'

/** Pieces up to this many bytes leave as one: a copy costs less than a call of the system for each. */
const JOINED_BYTES = 32 * 1024

/**
 * What leaves for the target: frames that lie one behind the other in memory leave as one piece, and nothing leaves before
 * the intent of an operation that changes something is durable.
 */
export class OutgoingRun {
  readonly #toTarget: GatedWriter
  #memory: ArrayBufferLike | undefined
  #start = 0
  #length = 0
  #durable = 0
  /** Pieces that came before the run. */
  #pieces: Buffer[] = []
  #pieceBytes = 0

  constructor(toTarget: GatedWriter) {
    this.#toTarget = toTarget
  }

  /** What comes from here on waits for the intent, if the operation changes something. */
  require(permit: Permit): void {
    if (!permit.verdict.effectful) return
    this.flush()
    this.#durable = permit.intent
  }

  /** A frame of the client, as it came. */
  forward(frame: Buffer): void {
    const follows = frame.buffer === this.#memory && frame.byteOffset === this.#start + this.#length
    if (follows) {
      this.#length += frame.length
      return
    }
    this.#endRun()
    this.#memory = frame.buffer
    this.#start = frame.byteOffset
    this.#length = frame.length
  }

  /** A message of the gateway's own. */
  inject(bytes: Buffer): void {
    this.#endRun()
    this.#add(bytes)
  }

  flush(): void {
    this.#endRun()
    this.#leave()
  }

  #endRun(): void {
    if (this.#memory === undefined) return
    const run = Buffer.from(this.#memory, this.#start, this.#length)
    this.#memory = undefined
    this.#add(run)
  }

  #add(piece: Buffer): void {
    if (this.#pieceBytes + piece.length > JOINED_BYTES) this.#leave()
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
  }

  #leave(): void {
    const [first, ...others] = this.#pieces
    if (first === undefined) return
    this.#toTarget.push(others.length === 0 ? first : Buffer.concat(this.#pieces), this.#durable)
    this.#pieces = []
    this.#pieceBytes = 0
  }
}
