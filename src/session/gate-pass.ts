import type { AllowedVerdict, Execution, Leave, Permit } from '../protocols/protocol.ts'

/** Leave for one execution. */
export class GatePass implements Leave {
  readonly execution: Execution
  /** The request whose approval covers it. */
  readonly approval: string | undefined
  #isUsed = false

  constructor(execution: Execution, approval?: string) {
    this.execution = execution
    this.approval = approval
  }

  get verdict(): AllowedVerdict {
    return this.execution.verdict
  }

  /** False when it was used before. */
  use(): boolean {
    const isFirst = !this.#isUsed
    this.#isUsed = true
    return isFirst
  }
}

/** A permit of this room, with what has to be the same when it is used later. */
export class GatePermit implements Permit {
  readonly op: number
  readonly intent: number
  readonly verdict: AllowedVerdict
  /** Of the settings of the session, where an approval covers it: see `SessionSettings.mark`. */
  readonly settingsMark: number | undefined
  /** Rows that are on record as released. */
  counted = 0

  constructor(op: number, intent: number, verdict: AllowedVerdict, settingsMark: number | undefined) {
    this.op = op
    this.intent = intent
    this.verdict = verdict
    this.settingsMark = settingsMark
  }
}
