import type { BudgetSpan, BudgetUnit } from '../config/budget-units.ts'

/** One limit. */
export interface Budget {
  /** The grant that sets it. */
  readonly grant: string
  readonly span: BudgetSpan
  readonly unit: BudgetUnit
  readonly limit: number
}

/** Who is counted: shared by all sessions of a chain at a target. */
export interface BudgetHolder {
  readonly session: string
  readonly chain: string
  readonly run: string
  readonly target: string
}
