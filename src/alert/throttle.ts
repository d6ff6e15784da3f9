export interface ThrottleOptions {
  readonly repeatAfterMs: number
  readonly maxPerHour: number
  readonly maxKeys: number
}

/** What goes with an alert that may be sent. */
export interface Passed {
  /** Alerts like this one since the last that was sent. */
  readonly repeated: number
  /** Others that were not sent because there were too many. */
  readonly heldBack: number
}

interface Seen {
  readonly sentAt: number
  repeated: number
}

const HOUR_MS = 3_600_000

/** Sees to it that operators are told once of what is alike, and not of more than they can read; nothing goes uncounted. */
export class Throttle {
  readonly #options: ThrottleOptions
  readonly #seen = new Map<string, Seen>()
  readonly #sentAt: number[] = []
  #heldBack = 0

  constructor(options: ThrottleOptions) {
    this.#options = options
  }

  /** Undefined: not now. What is urgent is never held back for what others have raised. */
  pass(likeness: string, now: number, isUrgent: boolean): Passed | undefined {
    const { repeatAfterMs, maxPerHour, maxKeys } = this.#options
    const seen = this.#seen.get(likeness)
    // A clock that was set back holds nothing back.
    if (seen !== undefined && now >= seen.sentAt && now - seen.sentAt < repeatAfterMs) {
      seen.repeated++
      return undefined
    }
    while (this.#sentAt[0] !== undefined && (now - this.#sentAt[0] >= HOUR_MS || now < this.#sentAt[0])) {
      this.#sentAt.shift()
    }
    if (!isUrgent) {
      if (this.#sentAt.length >= maxPerHour) {
        this.#heldBack++
        return undefined
      }
      this.#sentAt.push(now)
    }
    this.#seen.delete(likeness)
    this.#seen.set(likeness, { sentAt: now, repeated: 0 })
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > maxKeys && oldest !== undefined) this.#seen.delete(oldest)
    const heldBack = this.#heldBack
    this.#heldBack = 0
    return { repeated: seen?.repeated ?? 0, heldBack }
  }
}
