import { randomBytes } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'

/** Somebody who signed in with a browser. The token stays here; the browser has a random name for it only. */
export interface BrowserSession {
  readonly token: string
  /** When the person proved who it is (`auth_time`); undefined: the issuer does not say. Milliseconds since the epoch. */
  readonly authenticatedAt: number | undefined
}

interface Kept<Value> {
  readonly value: Value
  /** Of the wall clock and of the monotonic one: a clock that is set back makes nothing live longer. */
  readonly until: number
  readonly monotonicUntil: number
}

/** Values under random names for a bounded time: at most so many, the oldest give way. */
export class RandomlyNamed<Value> {
  readonly #kept = new Map<string, Kept<Value>>()
  readonly #limit: number
  readonly #clock: Clock
  readonly #monotonic: Clock

  constructor(limit: number, clock: Clock, monotonic: Clock = () => performance.now()) {
    this.#limit = limit
    this.#clock = clock
    this.#monotonic = monotonic
  }

  /** Keeps it until then, and returns its name: 256 random bits. */
  add(value: Value, until: number): string {
    this.#removeOver()
    const name = randomBytes(32).toString('base64url')
    this.#kept.set(name, { value, until, monotonicUntil: this.#monotonic() + (until - this.#clock()) })
    return name
  }

  get(name: string): Value | undefined {
    const kept = this.#kept.get(name)
    if (kept === undefined || !this.#isOver(kept)) return kept?.value
    this.#kept.delete(name)
    return undefined
  }

  /** Returns it for the last time. */
  take(name: string): Value | undefined {
    const value = this.get(name)
    this.#kept.delete(name)
    return value
  }

  get size(): number {
    return this.#kept.size
  }

  #isOver = ({ until, monotonicUntil }: Kept<Value>): boolean =>
    this.#clock() >= until || this.#monotonic() >= monotonicUntil

  #removeOver(): void {
    if (this.#kept.size < this.#limit) return
    for (const [name, kept] of this.#kept) if (this.#isOver(kept)) this.#kept.delete(name)
    for (const name of this.#kept.keys()) {
      if (this.#kept.size < this.#limit) break
      this.#kept.delete(name)
    }
  }
}
