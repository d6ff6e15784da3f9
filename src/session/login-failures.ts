import type { Clock } from '../lib/clock.ts'
import type { Peer } from '../lib/wire.ts'
import { fragment } from '../record/canonical.ts'
import { NO_SESSION } from '../record/format.ts'
import type { Journal } from '../record/journal.ts'

/** Failed logins recorded one by one in each interval; the rest is counted, so that nobody can fill the journal without a token. */
const RECORDED_PER_INTERVAL = 20
const INTERVAL_MS = 10_000

export interface LoginFailure {
  readonly code: string
  /** From a closed list; never what the client sent. */
  readonly reason: string
  readonly peer: Peer
  /** Only when it is a target that exists. */
  readonly target: string | undefined
}

/** Writes failed logins to the journal. */
export class LoginFailures {
  readonly #journal: Journal
  readonly #clock: Clock
  #intervalStart = 0
  #recorded = 0
  #suppressed = 0

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal
    this.#clock = clock
  }

  record(failure: LoginFailure): void {
    const now = this.#clock()
    if (now - this.#intervalStart >= INTERVAL_MS) {
      this.settle()
      this.#intervalStart = now
      this.#recorded = 0
    }
    if (this.#recorded >= RECORDED_PER_INTERVAL) {
      this.#suppressed++
      return
    }
    this.#recorded++
    this.#append({
      address: failure.peer.address,
      code: failure.code,
      reason: failure.reason,
      ...(failure.target === undefined ? {} : { target: failure.target }),
    })
  }

  /** Records how many failures were only counted. */
  settle(): void {
    if (this.#suppressed === 0) return
    const count = this.#suppressed
    this.#suppressed = 0
    this.#append({ code: 'CHP-AUTH-FAILED', count, reason: 'many' })
  }

  #append(what: Readonly<Record<string, string | number>>): void {
    this.#journal.append({
      kind: 'login-failure',
      session: NO_SESSION,
      op: 0,
      what: fragment(what),
      who: fragment({}),
    })
  }
}
