import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Permit } from '../protocol.ts'

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
    this.flush()
    this.#memory = frame.buffer
    this.#start = frame.byteOffset
    this.#length = frame.length
  }

  /** A message of the gateway's own. */
  inject(bytes: Buffer): void {
    this.flush()
    this.#toTarget.push(bytes, this.#durable)
  }

  flush(): void {
    if (this.#memory === undefined) return
    this.#toTarget.push(Buffer.from(this.#memory, this.#start, this.#length), this.#durable)
    this.#memory = undefined
  }
}
