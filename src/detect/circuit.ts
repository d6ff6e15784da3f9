import type { Clock } from '../lib/clock.ts'

const FAILURES = 3
const PAUSE_MS = 10_000

/**
 * Keeps from asking who has failed several times in a row: for a while every request fails at once, so that sessions do not
 * wait for nothing. The first failure after that begins another pause.
 */
export class Circuit {
  readonly #clock: Clock
  #failures = 0
  #openUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#clock() < this.#openUntil
  }

  succeeded(): void {
    this.#failures = 0
    this.#openUntil = 0
  }

  failed(): void {
    this.#failures += 1
    if (this.#failures >= FAILURES) this.#openUntil = this.#clock() + PAUSE_MS
  }
}
