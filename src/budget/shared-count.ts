import { ChaperoneError } from '../lib/errors.ts'
import type { BudgetStore, SharedAccount, Taken } from './budget-store.ts'

/** Monotonic, in milliseconds: steps of the wall clock neither lengthen nor shorten a lease. */
export type Monotonic = () => number

/** What was taken ahead counts at the time when it was taken, so it is used within this time or not at all. */
const LEASE_MS = 50_000
/** Unused leases go back after this time, so that others can have them. */
const IDLE_MS = 1000

interface Lease extends Taken {
  left: number
  readonly until: number
}

/** A shared count of rows, bytes or statements: what this gateway has taken of it ahead. Shared by its sessions. */
export class SharedCount {
  readonly #store: BudgetStore
  readonly #account: SharedAccount
  readonly #now: Monotonic
  #leases: Lease[] = []
  #asking: Promise<void> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(store: BudgetStore, account: SharedAccount, now: Monotonic) {
    this.#store = store
    this.#account = account
    this.#now = now
  }

  /** Whether so much can be used without asking. */
  has(amount: number): boolean {
    const now = this.#now()
    let left = 0
    for (const lease of this.#leases) if (lease.until > now) left += lease.left
    return left >= amount
  }

  /** Only after `has`. */
  use(amount: number): void {
    const now = this.#now()
    let missing = amount
    for (const lease of this.#leases) {
      if (lease.until <= now) continue
      const part = Math.min(missing, lease.left)
      lease.left -= part
      missing -= part
    }
    this.#leases = this.#leases.filter(({ left }) => left > 0)
    this.#returnSoon()
  }

  /** Asks for so much, and some more ahead. False when there is not as much. One at a time, so that nobody asks for what another one gets. */
  acquire(amount: number, ahead: number, limit: number): Promise<boolean> {
    const asked = this.#asking.then(() => this.#acquire(amount, ahead, limit))
    this.#asking = asked.then(
      () => undefined,
      () => undefined,
    )
    return asked
  }

  async #acquire(amount: number, ahead: number, limit: number): Promise<boolean> {
    await this.#returnExpired()
    if (this.has(amount)) return true
    const taken = await answered(this.#store.take(this.#account, Math.max(amount, ahead), limit))
    const until = this.#now() + LEASE_MS
    if (taken.amount > 0) this.#leases.push({ ...taken, left: taken.amount, until })
    this.#returnSoon()
    return this.has(amount)
  }

  /** Gives back what was not used. */
  async release(): Promise<void> {
    clearTimeout(this.#idle)
    this.#idle = undefined
    const leases = this.#leases
    this.#leases = []
    // What cannot be given back stays taken.
    for (const { left: amount, minute } of leases)
      await this.#store.giveBack(this.#account, { amount, minute }).catch(() => undefined)
  }

  async #returnExpired(): Promise<void> {
    const now = this.#now()
    const expired = this.#leases.filter(({ until }) => until <= now)
    this.#leases = this.#leases.filter(({ until }) => until > now)
    for (const { left: amount, minute } of expired)
      await this.#store.giveBack(this.#account, { amount, minute }).catch(() => undefined)
  }

  #returnSoon(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => void this.release(), IDLE_MS).unref()
  }
}

/** What the store says; without it, nothing more may be released. */
export async function answered<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (cause) {
    throw new ChaperoneError('CHP-BUDGET-UNAVAILABLE', { cause })
  }
}
