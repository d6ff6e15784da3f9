import { createHash } from 'node:crypto'
import type { BudgetSpan, BudgetUnit } from '../config/budget-units.ts'
import type { BudgetHolder } from './budget.ts'
import type { BudgetStore, SharedAccount } from './budget-store.ts'
import { SessionBudgets } from './session-budgets.ts'
import { type Monotonic, SharedCount } from './shared-count.ts'
import { SharedPatients } from './shared-patients.ts'

/** Counts that are kept here though no session uses them: the oldest are forgotten first. */
const MAX_COUNTS = 10_000

type SharedSpan = Exclude<BudgetSpan, 'session'>

/** All counts of one gateway. */
export class Ledger {
  readonly #store: BudgetStore | undefined
  readonly #now: Monotonic
  readonly #amounts = new Map<string, SharedCount>()
  readonly #patients = new Map<string, SharedPatients>()

  /** Without a store only what a session uses is counted; budgets of runs and hours have no room then. */
  constructor(store?: BudgetStore, now: Monotonic = () => performance.now()) {
    this.#store = store
    this.#now = now
  }

  open(holder: BudgetHolder): SessionBudgets {
    const store = this.#store
    if (store === undefined) return new SessionBudgets(undefined)
    return new SessionBudgets({
      amount: (span, unit) =>
        kept(this.#amounts, accountOf(holder, span, unit), (account) => new SharedCount(store, account, this.#now)),
      patients: (span) =>
        kept(this.#patients, accountOf(holder, span, 'patients'), (account) => {
          return new SharedPatients(store, account, this.#now)
        }),
    })
  }

  /** Gives back what was taken ahead. */
  async close(): Promise<void> {
    await Promise.all([...this.#amounts.values()].map((count) => count.release()))
  }
}

/** What is forgotten gives back its leases by itself. */
function kept<T>(counts: Map<string, T>, account: SharedAccount, make: (account: SharedAccount) => T): T {
  const key = account.account.toString('hex')
  const known = counts.get(key) ?? make(account)
  counts.delete(key)
  counts.set(key, known)
  for (const oldest of counts.keys()) {
    if (counts.size <= MAX_COUNTS) break
    counts.delete(oldest)
  }
  return known
}

function accountOf({ chain, run, target }: BudgetHolder, span: SharedSpan, unit: BudgetUnit): SharedAccount {
  const who = JSON.stringify([span, unit, target, chain, ...(span === 'run' ? [run] : [])])
  return { account: createHash('sha256').update(who).digest(), isWindow: span === 'hour' }
}
