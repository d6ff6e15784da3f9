import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { ResultColumn } from '../mask/plan.ts'
import type { Execution, Meter } from '../protocols/protocol.ts'

/** Whose data was in the rows of an operation. */
export interface PatientEvidence {
  /** Patients, or rows that name none. */
  readonly count: number
  /** Whether such rows are counted. */
  readonly unattributed: boolean
  /** Keyed digests. */
  readonly digests: readonly string[]
}

/** What the target gets: made when somebody looks. */
export type Sent = Pick<Execution, 'sent'>

/** Budgets and the patients of one session. */
export interface SessionLimits {
  /** An error when a statement is not bound to the patients that the session may see. */
  scope(facts: readonly SqlFacts[], execution: Sent): ChaperoneError | undefined
  /** Counts so many statements that are about to run. */
  begin(statements: number): ChaperoneError | undefined | Promise<ChaperoneError | undefined>
  /** What was admitted runs as this operation. */
  started(op: number, execution: Sent): void
  /** See `Gate.meter`. */
  meter(op: number, facts: SqlFacts | undefined, columns: readonly ResultColumn[] | number): Meter | undefined
  /** What was released since it was asked last; `isOver` when no more of the operation follows. */
  evidence(op: number, isOver: boolean): PatientEvidence | undefined
  /** The session is over: gives back what was not used. */
  end(): void
}
