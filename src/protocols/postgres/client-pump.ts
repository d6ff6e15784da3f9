import type { HoldEnd } from '../protocol.ts'
import { ClientRequests, type ClientRequestsOptions } from './client-requests.ts'
import type { FrameCursor } from './framing.ts'
import { FRONTEND } from './messages.ts'
import type { Later } from './request-flow.ts'

export interface ClientPumpOptions extends ClientRequestsOptions {
  readonly cursor: FrameCursor
  /** Replies that may be outstanding before the next message waits. */
  readonly maxPipelined: number
  /** Stops reading from the client until `resume` is called. */
  readonly pause: () => void
  readonly resume: () => void
  readonly fail: (error: unknown) => void
}

const PASSES_WHILE_HELD: ReadonlySet<number> = new Set([FRONTEND.Flush, FRONTEND.Terminate])

/** Takes the client's messages in order. Waits only for a verdict that is not known, or for the target where it has to. */
export class ClientPump {
  readonly #options: ClientPumpOptions
  readonly #requests: ClientRequests
  #busy = false
  #stopped = false
  #parked: { readonly type: number; readonly frame: Buffer } | undefined
  /** As many replies are outstanding as may be. */
  #full = false

  constructor(options: ClientPumpOptions) {
    this.#options = options
    const terminate = () => {
      this.#stopped = true
      options.terminate()
    }
    this.#requests = new ClientRequests({ ...options, terminate })
  }

  feed(chunk: Buffer): void {
    this.#options.cursor.feed(chunk)
    this.pump()
  }

  stop(reason: HoldEnd): void {
    this.#stopped = true
    this.#requests.stop(reason)
  }

  /** The client does not want to wait any longer; false when it does not wait for anybody. */
  withdraw(): boolean {
    return this.#requests.withdraw()
  }

  /** Goes on with what has arrived; also called when the target has answered, because a message may wait for that. */
  pump(): void {
    const { cursor, replies, fail } = this.#options
    this.#requests.answered()
    if (this.#busy) return
    try {
      while (!this.#stopped && !this.#busy && !this.#isFull()) {
        const parked = this.#parked
        if (parked !== undefined) {
          if (replies.held) break
          this.#parked = undefined
          this.#wait(this.#requests.handle(parked.type, parked.frame))
        } else {
          if (!cursor.next()) break
          const { type } = cursor
          const frame = cursor.buffer.subarray(cursor.start, cursor.end)
          // Until it is known whether a COPY from the client begins, the server may read what follows in two ways.
          if (replies.held && !PASSES_WHILE_HELD.has(type)) this.#parked = { type, frame }
          else this.#wait(this.#requests.handle(type, frame))
        }
      }
      this.#requests.flush()
    } catch (error) {
      // What was judged before the fault has been recorded and may go; the target will see the connection end after it.
      this.#requests.flush()
      fail(error)
    }
  }

  /** A message waits for the target's answer to one before it. */
  get parked(): boolean {
    return this.#parked !== undefined || this.#full
  }

  #isFull(): boolean {
    const { replies, maxPipelined } = this.#options
    const full = replies.length >= maxPipelined
    if (full && !this.#full && !replies.copying) this.#requests.askForReplies()
    this.#full = full
    return full
  }

  #wait(later: Later): void {
    if (later === undefined) return
    const { pause, resume, fail } = this.#options
    this.#busy = true
    pause()
    later.then(
      () => {
        this.#busy = false
        resume()
        this.pump()
      },
      (error: unknown) => fail(error),
    )
  }
}
