import type { BudgetStore, SharedAccount } from './budget-store.ts'
import { answered, type Monotonic } from './shared-count.ts'

/** A patient who was counted counts from the time when that was said, so it is said again after this time. */
const KNOWN_MS = 50_000
/** Patients that are remembered to be counted already. */
const MAX_KNOWN = 20_000
/** Patients that are counted at once. */
const MAX_ASKED = 1000

interface Wanted {
  readonly patients: readonly string[]
  readonly unnamed: number
}

/** A shared count of different patients: those that this gateway knows to be counted. */
export class SharedPatients {
  readonly #store: BudgetStore
  readonly #account: SharedAccount
  readonly #now: Monotonic
  /** By digest, in hexadecimal: until when it is known. */
  readonly #known = new Map<string, number>()
  #unnamed = 0
  #unnamedUntil = 0

  constructor(store: BudgetStore, account: SharedAccount, now: Monotonic) {
    this.#store = store
    this.#account = account
    this.#now = now
  }

  has(patient: string): boolean {
    return (this.#known.get(patient) ?? 0) > this.#now()
  }

  hasUnnamed(count: number): boolean {
    return count === 0 || (this.#unnamed >= count && this.#unnamedUntil > this.#now())
  }

  /** Only after `hasUnnamed`. */
  useUnnamed(count: number): void {
    this.#unnamed -= count
  }

  /** Counts what is wanted, and what follows soon as far as there is room. False when there is none for what is wanted. */
  async acquire(wanted: Wanted, next: Wanted, limit: number): Promise<boolean> {
    const needed = wanted.patients.filter((patient) => !this.has(patient))
    const more = next.patients.filter((patient) => !this.has(patient) && !needed.includes(patient))
    for (let from = 0; from < needed.length; from += MAX_ASKED) {
      const asked = needed.slice(from, from + MAX_ASKED)
      if ((await this.#count(asked, 0, limit)).accepted < asked.length) return false
    }
    if (more.length > 0) await this.#count(more.slice(0, MAX_ASKED), 0, limit)
    return this.hasUnnamed(wanted.unnamed) || this.#acquireUnnamed(wanted.unnamed, next.unnamed, limit)
  }

  async #acquireUnnamed(wanted: number, next: number, limit: number): Promise<boolean> {
    const before = this.#now()
    // What was left over for too long stays taken.
    if (this.#unnamedUntil <= before) this.#unnamed = 0
    const { unnamed } = await this.#count([], wanted + next - this.#unnamed, limit)
    this.#unnamed += unnamed
    this.#unnamedUntil = before + KNOWN_MS
    return this.hasUnnamed(wanted)
  }

  async #count(patients: readonly string[], unnamed: number, limit: number) {
    const before = this.#now()
    const digests = patients.map((patient) => Buffer.from(patient, 'hex'))
    const counted = await answered(this.#store.takePatients(this.#account, digests, unnamed, limit))
    for (const patient of patients.slice(0, counted.accepted)) {
      this.#known.delete(patient)
      this.#known.set(patient, before + KNOWN_MS)
    }
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break
      this.#known.delete(oldest)
    }
    return counted
  }
}
