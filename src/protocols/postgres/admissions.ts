import type { Admitted, Gate, HoldEnd, WaitNotice } from '../protocol.ts'
import { ClientExecution, type ExecutionWays } from './client-execution.ts'

export interface AdmissionsOptions {
  readonly gate: Gate
  /** Sends the client a notice, behind everything that it has been sent. */
  readonly tellClient: (notice: WaitNotice) => void
  /** Told when a client begins to wait for somebody, and when it does not any more. */
  readonly onHold: (held: boolean) => void
  /** Whether the target's last ReadyForQuery was outside a transaction. */
  readonly isIdle: () => boolean
}

interface Connection {
  /** Resolves when the target has answered all that was sent. */
  readonly drained: () => Promise<void>
  /** Whether the target passes over what is sent now. */
  readonly isPassedOver: () => boolean
  /** Whether the target waits for rows of a COPY. */
  readonly isCopying: () => boolean
  /** Whether something was run since the target last said whether a transaction is open. */
  readonly hasRun: () => boolean
}

export type Asked = ConstructorParameters<typeof ClientExecution>[0]

/** Asks the gate whether executions may begin, one at a time, and keeps what waits for somebody. */
export class Admissions {
  readonly #options: AdmissionsOptions
  readonly #ways: ExecutionWays
  readonly #connection: Connection
  #asking: ClientExecution | undefined
  #isHeld = false

  constructor(options: AdmissionsOptions, connection: Connection) {
    this.#options = options
    this.#connection = connection
    this.#ways = {
      inTransaction: () => !options.isIdle() || connection.hasRun(),
      hold: (execution) => this.#hold(execution),
      say: (notice) => options.tellClient(notice),
    }
  }

  /** Synchronous whenever nobody has to be asked. */
  admit(asked: Asked): Admitted | Promise<Admitted> {
    const execution = new ClientExecution(asked, this.#ways)
    const admitted = this.#options.gate.admit(execution)
    if (!(admitted instanceof Promise)) return admitted
    this.#asking = execution
    return admitted.finally(() => {
      this.#asking = undefined
      this.#setHeld(false)
    })
  }

  /** False when nobody waits. */
  end(reason: HoldEnd): boolean {
    if (!this.#isHeld || this.#asking === undefined) return false
    this.#asking.abort(reason)
    return true
  }

  async #hold(execution: ClientExecution): Promise<boolean> {
    // Rows of a COPY that come behind a query would be waited for for ever; the query ends the session.
    if (this.#connection.isCopying()) return false
    await this.#connection.drained()
    if (this.#connection.isPassedOver() || execution !== this.#asking) return false
    this.#setHeld(true)
    return true
  }

  #setHeld(held: boolean): void {
    if (held === this.#isHeld) return
    this.#isHeld = held
    this.#options.onHold(held)
  }
}
