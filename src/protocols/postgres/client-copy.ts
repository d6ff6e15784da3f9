import { ChaperoneError } from '../../lib/errors.ts'
import { encodeCopyData, encodeCopyFail } from './encode.ts'
import { FRONTEND } from './messages.ts'
import type { Later, RequestFlow } from './request-flow.ts'
import type { RunningOperation } from './running-operation.ts'

/** Type byte and length word. */
const HEADER_BYTES = 5

/** Passes the rows that a client sends by COPY through what looks at them (PostgreSQL documentation, "COPY Operations"). */
export class ClientCopy {
  readonly #flow: RequestFlow

  constructor(flow: RequestFlow) {
    this.#flow = flow
  }

  /** Takes CopyData, CopyDone or CopyFail. */
  take(type: number, frame: Buffer): Later {
    const { replies } = this.#flow.options
    // What comes too late is discarded.
    if (!replies.copying) return undefined
    const operation = replies.head?.payload.operation
    const rows = operation?.copyIn
    if (operation === undefined || rows === undefined || type === FRONTEND.CopyFail) return this.#forward(type, frame)
    if (rows instanceof ChaperoneError) return this.#refuse(rows, operation)
    const piece = frame.subarray(HEADER_BYTES)
    return this.#flow.whenKnown(type === FRONTEND.CopyData ? rows.feed(piece) : rows.end(), (data) => {
      // The target has ended the COPY meanwhile.
      if (!replies.copying || operation.copyIn !== rows) return undefined
      if (data instanceof ChaperoneError) return this.#refuse(data, operation)
      if (data === piece) return this.#forward(type, frame)
      if (data.length > 0) this.#flow.run.inject(encodeCopyData(data))
      return type === FRONTEND.CopyData ? undefined : this.#forward(type, frame)
    })
  }

  #forward(type: number, frame: Buffer): undefined {
    if (this.#flow.options.replies.clientCopy(type) === 'forward') this.#flow.run.forward(frame)
    return undefined
  }

  /** The target ends the COPY as it does when the client gives up; see `RunningOperation.copyRefusal`. */
  #refuse(error: ChaperoneError, operation: RunningOperation): undefined {
    operation.copyRefusal = error
    this.#flow.options.replies.clientCopy(FRONTEND.CopyFail)
    this.#flow.run.inject(encodeCopyFail(`chaperone refused the rows (${error.code})`))
    return undefined
  }
}
