import type { Clock } from '../lib/clock.ts'

/** A client used a stand-in that it cannot have got for this use, or would have stored one. Free of values. */
export interface Alert {
  readonly alert: 'token-unknown' | 'token-malformed' | 'write-back'
  /** Of the columns concerned, sorted. */
  readonly classes: readonly string[]
  /** Constants. */
  readonly count: number
}

export interface AlertSinks {
  readonly record: (alert: Alert) => void
  /** Told instead of `record` when there were too many; the next record or the session's end says how many. */
  readonly holdBack: () => void
  /** For the log. */
  readonly onAlert: (alert: Alert) => void
}

const PERIOD_MS = 60_000
/** Records of one session in that time: somebody who guesses tokens must not fill the journal. */
const MAX_PER_PERIOD = 30

/** The alerts of one session. */
export class Alerts {
  readonly #sinks: AlertSinks
  readonly #clock: Clock
  #periodStart = Number.NEGATIVE_INFINITY
  #raised = 0

  constructor(sinks: AlertSinks, clock: Clock) {
    this.#sinks = sinks
    this.#clock = clock
  }

  raise(alert: Alert): void {
    const now = this.#clock()
    if (now - this.#periodStart >= PERIOD_MS) {
      this.#periodStart = now
      this.#raised = 0
    }
    this.#raised++
    if (this.#raised > MAX_PER_PERIOD) {
      this.#sinks.holdBack()
      return
    }
    this.#sinks.record(alert)
    this.#sinks.onAlert(alert)
  }
}
