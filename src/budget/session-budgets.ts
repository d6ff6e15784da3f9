import { ChaperoneError } from '../lib/errors.ts'
import type { BudgetSpan, BudgetUnit } from '../config/budget-units.ts'
import type { Budget } from './budget.ts'
import type { SharedCount } from './shared-count.ts'
import type { SharedPatients } from './shared-patients.ts'

/** What one step uses up. */
export interface Use {
  readonly statements: number
  readonly rows: number
  readonly bytes: number
  /** Digests of different patients, in hexadecimal. */
  readonly patients: readonly string[]
  /** Rows that name none: as many patients as they can be of. */
  readonly unnamed: number
}

/** Rows that could be of any number of patients. */
export const COUNTLESS = Number.POSITIVE_INFINITY

export const NO_USE: Use = { statements: 0, rows: 0, bytes: 0, patients: [], unnamed: 0 }

type SharedSpan = Exclude<BudgetSpan, 'session'>
type Amount = Exclude<BudgetUnit, 'patients'>

/** Counts that are shared with other sessions. */
export interface SharedCounts {
  amount(span: SharedSpan, unit: Amount): SharedCount
  patients(span: SharedSpan): SharedPatients
}

/** What is taken ahead is a small part of what there is, so that others are not refused for it. */
const AHEAD_SHARE = 50
const AHEAD: Readonly<Record<Amount, number>> = { rows: 512, bytes: 512 * 1024, statements: 4 }

interface Limit {
  readonly budget: Budget
  /** Whether it has room for the use at once. */
  has(use: Use): boolean
  take(use: Use): void
  /** Makes room; false when there is none. `next` follows soon. */
  acquire(use: Use, next: Use): Promise<boolean>
}

/** The budgets of one session: what it has used itself, and its part of what it shares. */
export class SessionBudgets {
  readonly #shared: SharedCounts | undefined
  readonly #used: Record<Amount, number> = { rows: 0, bytes: 0, statements: 0 }
  /** As long as a limit of the session counts them, which is what bounds them. */
  readonly #patients = new Set<string>()
  #countsOwnPatients = false
  /** Rows that named none, and uses by patients that were not kept apart. */
  #unnamed = 0
  #limits: readonly Limit[] = []

  /** Without `shared` budgets of runs and hours have no room at all. */
  constructor(shared: SharedCounts | undefined) {
    this.#shared = shared
  }

  /** These hold from now on; what was used before counts. */
  limitTo(budgets: readonly Budget[]): void {
    this.#limits = strictest(budgets).map((budget) => this.#limitOf(budget))
    this.#countsOwnPatients = budgets.some(({ span, unit }) => span === 'session' && unit === 'patients')
  }

  get isLimited(): boolean {
    return this.#limits.length > 0
  }

  countsPatients(): boolean {
    return this.#limits.some(({ budget }) => budget.unit === 'patients')
  }

  /** Takes all of it, or nothing: false means that `acquire` has to make room. */
  take(use: Use): boolean {
    for (const limit of this.#limits) if (!limit.has(use)) return false
    for (const limit of this.#limits) limit.take(use)
    this.#used.rows += use.rows
    this.#used.bytes += use.bytes
    this.#used.statements += use.statements
    this.#unnamed += use.unnamed
    if (this.#countsOwnPatients) for (const patient of use.patients) this.#patients.add(patient)
    else this.#unnamed += use.patients.length
    return true
  }

  /** Makes room for a use. Rejects with CHP-BUDGET-EXCEEDED or CHP-BUDGET-UNAVAILABLE. */
  async acquire(use: Use, next: Use = NO_USE): Promise<void> {
    for (const limit of this.#limits) {
      // Nothing is taken of a shared count for what it can never have room for.
      if (limit.budget.unit === 'patients' && use.unnamed === COUNTLESS) throw new BudgetExceeded(limit.budget, UNTOLD)
      if (!limit.has(use) && !(await limit.acquire(use, next))) throw new BudgetExceeded(limit.budget)
    }
  }

  #limitOf(budget: Budget): Limit {
    const { span, unit } = budget
    if (span === 'session') return unit === 'patients' ? this.#ownPatients(budget) : this.#ownAmount(budget, unit)
    if (this.#shared === undefined) return noRoom(budget)
    return unit === 'patients'
      ? sharedPatients(budget, this.#shared.patients(span))
      : sharedAmount(budget, unit, this.#shared.amount(span, unit))
  }

  #ownAmount(budget: Budget, unit: Amount): Limit {
    const has = (use: Use): boolean => this.#used[unit] + use[unit] <= budget.limit
    return { budget, has, take: () => undefined, acquire: () => Promise.resolve(false) }
  }

  #ownPatients(budget: Budget): Limit {
    const has = ({ patients, unnamed }: Use): boolean => {
      if (patients.length === 0 && unnamed === 0) return true
      const added = new Set(patients.filter((patient) => !this.#patients.has(patient))).size
      return this.#patients.size + added + this.#unnamed + unnamed <= budget.limit
    }
    return { budget, has, take: () => undefined, acquire: () => Promise.resolve(false) }
  }
}

const UNTOLD = {
  message: 'a row of this result could be of any number of patients, and patients have a budget',
  hint: 'Name the patients in a condition, or select their key and gather by it.',
}

/** A budget is used up: which one says the error, and an alert. */
export class BudgetExceeded extends ChaperoneError {
  readonly budget: Budget

  constructor(budget: Budget, told: { readonly message?: string; readonly hint?: string } = {}) {
    const { grant, limit, span, unit } = budget
    super('CHP-BUDGET-EXCEEDED', {
      rule: `grants.${grant}`,
      message: `the budget of ${limit} ${unit} a ${span} is used up`,
      ...told,
    })
    this.budget = budget
  }
}

function sharedAmount(budget: Budget, unit: Amount, count: SharedCount): Limit {
  const ahead = Math.max(1, Math.min(AHEAD[unit], Math.floor(budget.limit / AHEAD_SHARE)))
  return {
    budget,
    has: (use) => use[unit] === 0 || count.has(use[unit]),
    take: (use) => {
      if (use[unit] > 0) count.use(use[unit])
    },
    acquire: (use) => count.acquire(use[unit], ahead, budget.limit),
  }
}

function sharedPatients(budget: Budget, counted: SharedPatients): Limit {
  return {
    budget,
    has: ({ patients, unnamed }) => patients.every((patient) => counted.has(patient)) && counted.hasUnnamed(unnamed),
    take: ({ unnamed }) => counted.useUnnamed(unnamed),
    acquire: (use, next) => counted.acquire(use, next, budget.limit),
  }
}

function noRoom(budget: Budget): Limit {
  const { unit } = budget
  const has = (use: Use): boolean =>
    unit === 'patients' ? use.patients.length === 0 && use.unnamed === 0 : use[unit] === 0
  return {
    budget,
    has,
    take: () => undefined,
    acquire: () => Promise.reject(new ChaperoneError('CHP-BUDGET-UNAVAILABLE')),
  }
}

/** Of several limits of one count, the lowest. */
function strictest(budgets: readonly Budget[]): readonly Budget[] {
  const found = new Map<string, Budget>()
  for (const budget of budgets) {
    const key = `${budget.span} ${budget.unit}`
    const known = found.get(key)
    if (known === undefined || budget.limit < known.limit) found.set(key, budget)
  }
  return [...found.values()]
}
