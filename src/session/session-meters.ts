import { createHmac, randomBytes } from 'node:crypto'
import type { Ledger } from '../budget/ledger.ts'
import { BudgetExceeded, NO_USE, type SessionBudgets } from '../budget/session-budgets.ts'
import type { RowsInOne, SqlFacts } from '../inspect/sql/facts.ts'
import { asChaperoneError, ChaperoneError } from '../lib/errors.ts'
import type { ResultColumn } from '../mask/plan.ts'
import type { Meter } from '../protocols/protocol.ts'
import type { LimitedSession } from './doorman.ts'
import { type Attribution, OperationTally, RowMeter } from './meter.ts'
import { patientsNamed } from './patients/patient-constants.ts'
import { patientScope } from './patients/patient-scope.ts'
import { patientInCopy, patientInRow } from './patients/row-patient.ts'
import type { PatientEvidence, Sent, SessionLimits } from './session-limits.ts'
import type { TargetState } from './target-state.ts'

/** Where counts are, and what patients are told apart by. */
export interface BudgetSource {
  readonly ledger: Ledger
  /** The same for all gateways; undefined: digests of a session mean nothing to any other. */
  readonly digestKey: (() => Promise<Buffer>) | undefined
  /** Whether alerts are told of the patients that sessions see. */
  readonly tellsPatients: boolean
}

type MeteredSession = Omit<LimitedSession, 'target'> & { readonly target: Pick<TargetState, 'hasPatientKeys'> }

/** Operations whose constants are kept: those of a pipeline, and portals that may be resumed. */
const MAX_STARTED = 10_000

/**
 * Makes the limits of a session. Where patients have keys every session has them: whose data was released is evidence, budgets or not.
 * Elsewhere a session without budgets has none: it cannot come to have any without ending, because they are part of its access.
 */
export function sessionLimits(source: BudgetSource): (session: MeteredSession) => SessionLimits | undefined {
  const own = randomBytes(32)
  let shared: Promise<Buffer> | undefined
  const keyOf = async (): Promise<Buffer> => {
    if (source.digestKey === undefined) return own
    shared ??= source.digestKey()
    try {
      return await shared
    } catch (cause) {
      shared = undefined
      throw new ChaperoneError('CHP-BUDGET-UNAVAILABLE', { cause })
    }
  }
  const tells = source.tellsPatients && source.digestKey !== undefined
  return (session) => {
    const { budgets, patients } = session.access()
    const isLimited = session.target.hasPatientKeys || budgets.length > 0 || patients !== undefined
    return isLimited ? new SessionMeters(source.ledger, session, keyOf, tells) : undefined
  }
}

interface Started {
  readonly execution: Sent
  readonly tally: OperationTally
}

class SessionMeters implements SessionLimits {
  readonly #session: MeteredSession
  readonly #budgets: SessionBudgets
  readonly #keyOf: () => Promise<Buffer>
  readonly #digests = new Map<string, string>()
  readonly #started = new Map<number, Started>()
  /** Digests that alerts know of. */
  readonly #told = new Set<string>()
  #tells: boolean
  #key: Buffer | undefined

  constructor(ledger: Ledger, session: MeteredSession, keyOf: () => Promise<Buffer>, tells: boolean) {
    this.#session = session
    this.#budgets = ledger.open(session.holder)
    this.#budgets.limitTo(session.access().budgets)
    this.#keyOf = keyOf
    this.#tells = tells
  }

  scope(facts: readonly SqlFacts[], execution: Sent): ChaperoneError | undefined {
    const { patients } = this.#session.access()
    return patients === undefined ? undefined : patientScope(facts, execution.sent, patients)
  }

  begin(statements: number): ChaperoneError | undefined | Promise<ChaperoneError | undefined> {
    this.#budgets.limitTo(this.#session.access().budgets)
    const use = { ...NO_USE, statements }
    if (this.#key !== undefined && this.#budgets.take(use)) return undefined
    return this.#begin(use)
  }

  async #begin(use: typeof NO_USE): Promise<ChaperoneError | undefined> {
    try {
      this.#key ??= await this.#keyFor()
      while (!this.#budgets.take(use)) await this.#budgets.acquire(use)
      return undefined
    } catch (error) {
      this.#raiseFor(error)
      return asChaperoneError(error)
    }
  }

  /** Without budgets of patients a store that is down stops nobody: the digests of this session then mean nothing to others. */
  async #keyFor(): Promise<Buffer> {
    try {
      return await this.#keyOf()
    } catch (error) {
      if (this.#budgets.countsPatients()) throw error
      this.#tells = false
      return randomBytes(32)
    }
  }

  started(op: number, execution: Sent): void {
    this.#started.set(op, { execution, tally: new OperationTally() })
    for (const oldest of this.#started.keys()) {
      if (this.#started.size <= MAX_STARTED) break
      this.#started.delete(oldest)
    }
  }

  meter(op: number, facts: SqlFacts | undefined, columns: readonly ResultColumn[] | number): Meter | undefined {
    const started = this.#started.get(op)
    const attribution = attributionOf(facts, columns, started?.execution)
    if (!this.#budgets.isLimited && attribution.kind === 'none') return undefined
    return new RowMeter({
      budgets: this.#budgets,
      attribution,
      digest: (key) => this.#digest(key),
      tally: started?.tally ?? new OperationTally(),
      hasHeader: typeof columns === 'number' && facts?.copy?.header === true,
      onRefused: (error) => this.#raiseFor(error),
    })
  }

  evidence(op: number, isOver: boolean): PatientEvidence | undefined {
    const evidence = this.#started.get(op)?.tally.take()
    if (isOver) this.#started.delete(op)
    if (this.#tells && evidence !== undefined) this.#tell(evidence)
    return evidence
  }

  end(): void {
    this.#started.clear()
    this.#digests.clear()
    this.#told.clear()
  }

  #tell({ count, digests }: PatientEvidence): void {
    const news = digests.filter((digest) => !this.#told.has(digest))
    if (news.length === 0) return
    if (this.#told.size > MAX_STARTED) this.#told.clear()
    for (const digest of news) this.#told.add(digest)
    this.#session.raise({ kind: 'patients-seen', digests: news, count })
  }

  #digest(key: string): string {
    const known = this.#digests.get(key)
    if (known !== undefined) return known
    if (this.#key === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'a result before any statement' })
    const { target } = this.#session.holder
    const digest = createHmac('sha256', this.#key).update(`${target}\0${key}`).digest('hex')
    if (this.#digests.size > MAX_STARTED) this.#digests.clear()
    this.#digests.set(key, digest)
    return digest
  }

  #raiseFor(error: unknown): void {
    if (!(error instanceof BudgetExceeded)) return
    const { span, unit } = error.budget
    this.#session.raise({ kind: 'budget-exceeded', span, unit })
  }
}

/** Whose data rows are. What names patients and cannot be read counts as naming nobody. */
function attributionOf(
  facts: SqlFacts | undefined,
  columns: readonly ResultColumn[] | number,
  execution: Sent | undefined,
): Attribution {
  if (facts === undefined) return { kind: 'unnamed', rowsInOne: 'any' }
  const { patients, phiReachable } = facts
  const unnamed: Attribution = { kind: 'unnamed', rowsInOne: rowsInOneOf(facts) }
  if (patients === undefined) return phiReachable ? unnamed : { kind: 'none' }
  // Whose it is that has no key, no key beside it says.
  if (patients.hasUnkeyed === true) return unnamed
  const patientOf =
    typeof columns === 'number'
      ? facts.copy === undefined
        ? undefined
        : patientInCopy(patients, facts.copy)
      : patientInRow(patients, columns)
  if (patientOf !== undefined) return { kind: 'named', patientOf }
  const { bound, stored = [] } = patients
  if (bound === undefined || execution === undefined) return unnamed
  const named = patientsNamed([...bound, ...stored], facts, execution.sent)
  return named === undefined ? unnamed : { kind: 'bound', patients: [...named] }
}

/** Outputs that are free of PHI, such as counts, show nothing of anybody. What reaches PHI out of sight can show all of it. */
function rowsInOneOf({ outputs, rowsInOne = 'any' }: SqlFacts): RowsInOne {
  return outputs !== 'unknown' && outputs.every(({ kind }) => kind === 'clean') ? 1 : rowsInOne
}
