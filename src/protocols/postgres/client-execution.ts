import type { AllowedVerdict, BoundValue, Execution, HoldEnd, SentStatement, WaitNotice } from '../protocol.ts'

/** What an execution asks of the connection that it came over. */
export interface ExecutionWays {
  readonly inTransaction: () => boolean
  /** See `Execution.hold`. */
  readonly hold: (execution: ClientExecution) => Promise<boolean>
  readonly say: (notice: WaitNotice) => void
}

interface Asked extends Pick<Execution, 'verdict' | 'via' | 'sql' | 'index'> {
  readonly attempt: number
  readonly continues?: boolean
  /** The client's parameters, and what is sent: made only when somebody asks. */
  readonly parameters?: () => readonly BoundValue[]
  readonly sent?: () => SentStatement
}

const NO_PARAMETERS: readonly BoundValue[] = Object.freeze([])

/** One execution of a client, while it is being admitted. */
export class ClientExecution implements Execution {
  readonly #asked: Asked
  readonly #ways: ExecutionWays
  #abort: AbortController | undefined

  constructor(asked: Asked, ways: ExecutionWays) {
    this.#asked = asked
    this.#ways = ways
  }

  get verdict(): AllowedVerdict {
    return this.#asked.verdict
  }

  get via(): 'simple' | 'extended' {
    return this.#asked.via
  }

  get sql(): string {
    return this.#asked.sql
  }

  get index(): number | undefined {
    return this.#asked.index
  }

  get attempt(): number {
    return this.#asked.attempt
  }

  get continues(): boolean {
    return this.#asked.continues === true
  }

  get parameters(): readonly BoundValue[] {
    return this.#asked.parameters?.() ?? NO_PARAMETERS
  }

  get sent(): SentStatement {
    return this.#asked.sent?.() ?? { sql: this.#asked.sql, parameters: this.parameters }
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  inTransaction(): boolean {
    return this.#ways.inTransaction()
  }

  hold(): Promise<boolean> {
    return this.#ways.hold(this)
  }

  say(notice: WaitNotice): void {
    this.#ways.say(notice)
  }

  /** Nobody waits for it any more. */
  abort(reason: HoldEnd): void {
    this.#abort ??= new AbortController()
    this.#abort.abort(reason)
  }
}
