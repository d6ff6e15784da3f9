import { ChaperoneError } from '../../lib/errors.ts'
import type { HoldEnd } from '../protocol.ts'
import { ClientCopy } from './client-copy.ts'
import { decodeQuery } from './decode.ts'
import { encodeFlush } from './encode.ts'
import { ExtendedQueries } from './extended-query.ts'
import { FRONTEND } from './messages.ts'
import { type Later, RequestFlow, type RequestFlowOptions } from './request-flow.ts'
import { SimpleQueries } from './simple-query.ts'

export interface ClientRequestsOptions extends RequestFlowOptions {
  readonly terminate: () => void
}

/** Type byte and length word. */
const HEADER_BYTES = 5

/** Judges, records, forwards or refuses a client's messages, one after the other. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions
  readonly #flow: RequestFlow
  readonly #simple: SimpleQueries
  readonly #extended: ExtendedQueries
  readonly #copy: ClientCopy

  constructor(options: ClientRequestsOptions) {
    this.#options = options
    this.#flow = new RequestFlow(options)
    this.#simple = new SimpleQueries(this.#flow)
    this.#extended = new ExtendedQueries(this.#flow)
    this.#copy = new ClientCopy(this.#flow)
  }

  /** Nothing that is still being judged goes on. */
  stop(reason: HoldEnd): void {
    this.#flow.stopped = true
    this.#flow.endHold(reason)
  }

  /** The client does not want to wait any longer; false when it does not wait for anybody. */
  withdraw(): boolean {
    return this.#flow.endHold('cancelled')
  }

  /** What was forwarded leaves. */
  flush(): void {
    this.#flow.run.flush()
  }

  /** A server may keep its replies until Sync, which may be among what waits. */
  askForReplies(): void {
    this.#flow.run.inject(encodeFlush())
  }

  /** Told that the target may have answered everything. */
  answered(): void {
    this.#flow.answered()
  }

  /** Takes one message. */
  handle(type: number, frame: Buffer): Later {
    const flow = this.#flow
    const { replies, expect } = this.#options
    switch (type) {
      case FRONTEND.Sync:
        flow.skipping = false
        // During COPY from the client the server passes over it.
        if (!replies.copying) {
          flow.run.forward(frame)
          expect('sync', {})
          flow.endBatch()
          flow.midBatch = false
        }
        return undefined
      case FRONTEND.Terminate:
        flow.run.forward(frame)
        flow.run.flush()
        flow.stopped = true
        this.#options.terminate()
        return undefined
      case FRONTEND.CopyData:
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        return this.#copy.take(type, frame)
      case FRONTEND.Flush:
        if (!replies.copying) flow.run.forward(frame)
        return undefined
      default:
        return flow.skipping || replies.skipping ? undefined : this.#request(type, frame)
    }
  }

  #request(type: number, frame: Buffer): Later {
    switch (type) {
      case FRONTEND.Query:
        return this.#simple.query(decodeQuery(frame, HEADER_BYTES, frame.length), frame)
      case FRONTEND.Parse:
        return this.#extended.parse(frame)
      case FRONTEND.Bind:
        return this.#extended.bind(frame)
      case FRONTEND.Describe:
        return this.#extended.describe(frame)
      case FRONTEND.Execute:
        return this.#extended.execute(frame)
      case FRONTEND.Close:
        return this.#extended.close(frame)
      case FRONTEND.FunctionCall: {
        const message = 'fast-path function calls are not available'
        return this.#simple.refuse(new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED', { message }))
      }
      default:
        throw new ChaperoneError('CHP-PROTOCOL-VIOLATION')
    }
  }
}
