import { COUNTLESS, NO_USE, type SessionBudgets, type Use } from '../budget/session-budgets.ts'
import type { RowsInOne } from '../inspect/sql/facts.ts'
import type { Meter } from '../protocols/protocol.ts'
import type { PatientEvidence } from './session-limits.ts'
import type { RowPatient } from './patients/row-patient.ts'

/** Whose data the rows of a result are. */
export type Attribution =
  /** Each row names its patient, or nobody. */
  | { readonly kind: 'named'; readonly patientOf: RowPatient }
  /** Those whom the statement names. */
  | { readonly kind: 'bound'; readonly patients: readonly string[] }
  /** Somebody's; a row can be of several patients. */
  | { readonly kind: 'unnamed'; readonly rowsInOne: RowsInOne }
  /** Nobody's. */
  | { readonly kind: 'none' }

/** Turns a patient's key into a keyed digest. */
export type PatientDigest = (key: string) => string

/** Digests that evidence lists; of more, only the number is told. */
const MAX_DIGESTS = 1000
/** Patients of an operation that are told apart; of more, each row counts as one, as if it named none. */
const MAX_APART = 50_000
/** Rows that are looked ahead at. */
const MAX_AHEAD = 1000

/** What was released of one operation, over all its results. */
export class OperationTally {
  readonly #patients = new Set<string>()
  #unnamed = 0

  note(patients: readonly string[], unnamed: number): void {
    for (const patient of patients) {
      if (this.#patients.size < MAX_APART) this.#patients.add(patient)
      else if (!this.#patients.has(patient)) this.#unnamed++
    }
    this.#unnamed += unnamed
  }

  /** What was noted since it was asked last. */
  take(): PatientEvidence | undefined {
    const count = this.#patients.size + this.#unnamed
    if (count === 0) return undefined
    const digests = [...this.#patients].slice(0, MAX_DIGESTS).toSorted()
    const unattributed = this.#unnamed > 0
    this.#patients.clear()
    this.#unnamed = 0
    return { count, unattributed, digests }
  }
}

export interface RowMeterOptions {
  readonly budgets: SessionBudgets
  readonly attribution: Attribution
  readonly digest: PatientDigest
  readonly tally: OperationTally
  /** Whether the first row is a line of column names. */
  readonly hasHeader: boolean
  /** Told why nothing more may be released. */
  readonly onRefused: (error: unknown) => void
}

/** Counts the rows of one result. */
export class RowMeter implements Meter {
  readonly #options: RowMeterOptions
  #isHeader: boolean
  /** Patients of the whole result that were taken already. */
  #isBoundTaken = false
  #wanted: Use = NO_USE
  #ahead: Use = NO_USE
  /** What was taken for the row that is asked again. */
  #paid: Use | undefined

  constructor(options: RowMeterOptions) {
    this.#options = options
    this.#isHeader = options.hasHeader
  }

  row(buffer: Buffer, start: number, end: number, released: number): boolean {
    const { budgets, tally } = this.#options
    const use = this.#useOf(buffer, start, end, released)
    // It may have become longer by what it waited for besides.
    const due = this.#paid === undefined ? use : { ...NO_USE, bytes: Math.max(0, released - this.#paid.bytes) }
    if (!budgets.take(due)) {
      this.#wanted = due
      this.#ahead = NO_USE
      return false
    }
    this.#paid = undefined
    this.#isHeader = false
    this.#isBoundTaken = true
    tally.note(use.patients, use.unnamed)
    return true
  }

  ahead(buffer: Buffer, start: number, end: number): void {
    if (this.#ahead.rows >= MAX_AHEAD) return
    const { patients, unnamed, rows } = this.#ahead
    const use = this.#useOf(buffer, start, end, 0)
    const added = use.patients.filter((patient) => !patients.includes(patient))
    this.#ahead = { ...NO_USE, rows: rows + 1, patients: [...patients, ...added], unnamed: unnamed + use.unnamed }
  }

  /** Takes what it makes room for at once: others want it, too. */
  async settle(): Promise<void> {
    const { budgets, onRefused } = this.#options
    try {
      while (!budgets.take(this.#wanted)) await budgets.acquire(this.#wanted, this.#ahead)
      this.#paid = { ...this.#wanted, bytes: (this.#paid?.bytes ?? 0) + this.#wanted.bytes }
    } catch (error) {
      onRefused(error)
      throw error
    }
  }

  end(): void {
    this.#ahead = NO_USE
  }

  /** Where patients have no budget, a row is a row. */
  #unnamed(rowsInOne: RowsInOne): number {
    if (rowsInOne !== 'any') return rowsInOne
    return this.#options.budgets.countsPatients() ? COUNTLESS : 1
  }

  #useOf(buffer: Buffer, start: number, end: number, bytes: number): Use {
    if (this.#isHeader) return { ...NO_USE, bytes }
    const { attribution, digest } = this.#options
    switch (attribution.kind) {
      case 'named': {
        const key = attribution.patientOf(buffer, start, end)
        const whose = key === undefined ? { patients: [], unnamed: 1 } : { patients: [digest(key)], unnamed: 0 }
        return { statements: 0, rows: 1, bytes, ...whose }
      }
      case 'bound': {
        const patients = this.#isBoundTaken ? [] : attribution.patients.map(digest)
        return { statements: 0, rows: 1, bytes, patients, unnamed: 0 }
      }
      case 'unnamed':
        return { statements: 0, rows: 1, bytes, patients: [], unnamed: this.#unnamed(attribution.rowsInOne) }
      case 'none':
        return { statements: 0, rows: 1, bytes, patients: [], unnamed: 0 }
      default:
        return attribution satisfies never
    }
  }
}
