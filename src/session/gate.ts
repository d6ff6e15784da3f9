import type { MaskPlan, ResultColumn } from '../mask/plan.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { Inspection, InspectionScope } from '../inspect/sql/inspector.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type {
  AllowedVerdict,
  BoundValue,
  CatalogExpectation,
  CopyInRows,
  CopyMask,
  Gate,
  KnownNames,
  OpenedTarget,
  Outcome,
  Permit,
  Prepared,
  Request,
  Resolved,
  ResolvedText,
  TransactionResult,
  Verdict,
} from '../protocols/protocol.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { KnownValues } from '../phi/detect/known-values.ts'
import { changesOwnNames, isExecutionAsked } from './catalog-asking.ts'
import { sameExpectation } from './catalog-expectation.ts'
import { completeNames, standsForAnother } from './complete-names.ts'
import { SessionConstants, type SessionConstantsOptions } from './constants/session-constants.ts'
import { EXPIRED, RESOLVED_OTHERWISE, SEND_SEPARATELY } from './gate-refusals.ts'
import { MaskPlans } from './mask-plans.ts'
import { OwnChanges } from './own-changes.ts'
import { RememberedVerdicts } from './remembered-verdicts.ts'
import type { NamedText, SessionRecorder } from './session-recorder.ts'
import { SessionStandIns, type StandInSources } from './stand-ins.ts'
import type { TargetSnapshot, TargetState } from './target-state.ts'
import type { Verdicts } from './verdicts.ts'

export interface GateOptions {
  readonly identity: VerifiedIdentity
  readonly clearsEverything: boolean
  readonly clears: (phiClass: string) => boolean
  /** See `PhiConfig.minimumGroupSize`. */
  readonly minimumGroupSize: number | undefined
  readonly target: TargetState
  readonly inspector: SqlInspector
  readonly verdicts: Verdicts
  readonly recorder: SessionRecorder
  readonly clock: Clock
  /** How constants are judged; where tokens and the findings of an external detector come from. */
  readonly constants: SessionConstantsOptions
  readonly standIns: StandInSources
  /** See `PlanInput.knownValues`. */
  readonly knownValues?: KnownValues | undefined
  readonly onPolicyError: (error: ChaperoneError) => void
}

/** The one way from a protocol to inspection, decision, masking and the journal, for one session. */
export class SessionGate implements Gate {
  readonly masked: boolean
  readonly marks: Watermarks
  readonly #options: GateOptions
  readonly #remembered = new RememberedVerdicts()
  readonly #plans: MaskPlans
  readonly #constants: SessionConstants
  #scope: InspectionScope
  #opened: OpenedTarget | undefined
  #operations = 0
  /** The session's own changes are in every catalog that was read at this time or later. */
  #catalogSince: number
  /** Them, where nothing is masked; and whether none of them is under way, so that a new reading has them all. */
  readonly #changes = new OwnChanges()
  #changesAreOver = true

  constructor(options: GateOptions) {
    this.#options = options
    this.masked = !options.clearsEverything
    this.marks = options.recorder
    const { clears, minimumGroupSize, knownValues, clock } = options
    const standIns = new SessionStandIns(options.standIns)
    this.#plans = new MaskPlans({ clears, minimumGroupSize, standIns, knownValues, clock })
    this.#constants = new SessionConstants(options.constants)
    this.#scope = scopeOf(options.target.name, [])
    this.#catalogSince = options.target.now
    if (options.target.snapshotSince(this.#catalogSince) === undefined) this.#changes.addUnknown()
  }

  get operations(): number {
    return this.#operations
  }

  opened(details: OpenedTarget): void {
    this.#scope = scopeOf(this.#options.target.name, details.searchPath)
    this.#opened = details
    this.#options.recorder.opened(details.backendPid, details.serverVersion)
  }

  judge(sql: string, names: KnownNames): Verdict | Promise<Verdict> {
    const { target, inspector } = this.#options
    const snapshot = this.#snapshot()
    if (this.#expired()) return EXPIRED
    if (snapshot === undefined) return target.refresh().then(() => this.judge(sql, names))
    const inspection = inspector.inspect(sql, this.#scope)
    if (!(inspection instanceof Promise)) return this.#lasting(inspection, snapshot, sql, names)
    // What was analysed with a catalog that has been read again meanwhile is not paired with this one.
    return inspection.then((done) =>
      target.latest === snapshot ? this.#lasting(done, snapshot, sql, names) : this.judge(sql, names),
    )
  }

  renew(sql: string, verdict: Verdict, names: KnownNames): Verdict | Promise<Verdict> {
    if (this.#expired()) return EXPIRED
    const remembered = this.#remembered.of(verdict)
    const current = this.#snapshot()
    const stands =
      remembered !== undefined &&
      remembered.snapshot === current &&
      remembered.standsFor === undefined &&
      this.#holds(verdict)
    if (stands) return verdict
    const judged = this.judge(sql, names)
    return judged instanceof Promise
      ? judged.then((again) => this.#agreeing(verdict, again))
      : this.#agreeing(verdict, judged)
  }

  check(verdict: AllowedVerdict): CatalogExpectation | ChaperoneError | undefined {
    if (this.masked && changesOwnNames(verdict.facts)) return SEND_SEPARATELY
    if (!this.#asks()) return undefined
    const ways = this.#remembered.waysToAsk(verdict, this.#session())
    if (ways === 'not needed') return undefined
    return ways === 'in front' ? this.#expectation(verdict) : SEND_SEPARATELY
  }

  checkExecuted(verdict: AllowedVerdict, executed: SqlFacts | undefined): CatalogExpectation | undefined {
    return this.#asks() && executed !== undefined && isExecutionAsked(executed) ? this.#expectation(verdict) : undefined
  }

  request(verdict: AllowedVerdict, request: Request): Permit {
    if (this.#expired()) throw new ChaperoneError('CHP-AUTH-EXPIRED')
    const { judged, standsFor } = this.#remembered.known(verdict)
    if (!this.masked && this.#changes.add(verdict.facts)) this.#changesAreOver = false
    const op = ++this.#operations
    return { op, intent: this.#options.recorder.intent(op, judged, request, standsFor), verdict }
  }

  refused(error: ChaperoneError, request: Request, facts: readonly SqlFacts[]): void {
    if (error.code === 'CHP-POLICY-ERROR') this.#options.onPolicyError(error)
    this.#options.recorder.refusal(++this.#operations, error, request, facts)
  }

  plan(
    verdict: Verdict,
    facts: SqlFacts | undefined,
    columns: readonly ResultColumn[],
  ): MaskPlan | 'pass' | ChaperoneError {
    return this.masked ? this.#plans.plan(this.#remembered.of(verdict)?.snapshot, facts, columns) : 'pass'
  }

  copyPlan(verdict: Verdict, facts: SqlFacts | undefined, columns: number): CopyMask | 'pass' | ChaperoneError {
    return this.masked ? this.#plans.copyPlan(this.#remembered.of(verdict)?.snapshot, facts, columns) : 'pass'
  }

  resolveText(verdict: AllowedVerdict, sql: string): Resolved<ResolvedText> | Promise<Resolved<ResolvedText>> {
    return this.masked ? this.#constants.resolveText(verdict.facts, sql) : 'as-is'
  }

  resolveParameters(
    facts: SqlFacts | undefined,
    parameters: readonly BoundValue[],
  ): Resolved<ReadonlyMap<number, Buffer>> | Promise<Resolved<ReadonlyMap<number, Buffer>>> {
    return this.masked ? this.#constants.resolveParameters(facts, parameters) : 'as-is'
  }

  copyIn(facts: SqlFacts | undefined): CopyInRows | ChaperoneError | undefined {
    return this.masked ? this.#constants.copyIn(facts) : undefined
  }

  response(permit: Permit, bytes: Buffer, rows: number): void {
    this.#options.recorder.response(permit.op, bytes, rows)
  }

  outcome(permit: Permit, outcome: Outcome, bytes: Buffer | undefined): void {
    this.#options.recorder.outcome(permit.op, outcome, bytes)
  }

  transaction(result: TransactionResult, firstOp: number, lastOp: number): void {
    this.#options.recorder.transaction(result, firstOp, lastOp)
  }

  probe(purpose: string): number {
    return this.#options.recorder.probe(purpose)
  }

  schemaChanged(isOver: boolean): void {
    const { target } = this.#options
    target.invalidate()
    this.#catalogSince = target.now
    if (this.masked) return
    this.#changesAreOver = isOver
    target.refreshSoon()
  }

  catalogHas(name: string): boolean {
    return this.#options.target.latest?.names.has(name) ?? false
  }

  /**
   * With what a statement is judged; undefined when a new reading has to be waited for. Where nothing is masked, that may be older
   * than the session's own changes, as long as those do not concern the statement: see `#lasting`.
   */
  #snapshot(): TargetSnapshot | undefined {
    const { target } = this.#options
    const current = target.snapshotSince(this.#catalogSince)
    if (current !== undefined && this.#changesAreOver) this.#changes.clear()
    return this.masked ? current : (current ?? target.snapshotSince(0))
  }

  /** Whether the verdict is what it would be after a new reading, as far as the session's own changes go. */
  #holds(verdict: Verdict): boolean {
    if (this.masked || this.#options.target.snapshotSince(this.#catalogSince) !== undefined) return true
    return verdict.kind === 'allowed' && !this.#changes.concern(verdict.facts)
  }

  #lasting(
    inspection: Inspection,
    snapshot: TargetSnapshot,
    sql: string,
    names: KnownNames,
  ): Verdict | Promise<Verdict> {
    const judged = this.#conclude(inspection, snapshot, names)
    if (this.masked || !inspection.ok) return judged
    const held = (verdict: Verdict) =>
      this.#holds(verdict) ? verdict : this.#options.target.refresh().then(() => this.judge(sql, names))
    return judged instanceof Promise ? judged.then(held) : held(judged)
  }

  #conclude(inspection: Inspection, snapshot: TargetSnapshot, names: KnownNames): Verdict | Promise<Verdict> {
    if (!inspection.ok || !inspection.statements.some(standsForAnother))
      return this.#remember(inspection, snapshot, undefined)
    const used: Prepared[] = []
    const renew = (prepared: Prepared) => {
      used.push(prepared)
      return this.renew(prepared.sql, prepared.verdict, names)
    }
    const completed = completeNames(inspection, names, renew, this.masked)
    return completed instanceof Promise
      ? completed.then((done) => this.#named(done, snapshot, used))
      : this.#named(completed, snapshot, used)
  }

  #named(completed: Inspection | ChaperoneError, snapshot: TargetSnapshot, used: readonly Prepared[]): Verdict {
    return completed instanceof ChaperoneError
      ? { kind: 'refused', facts: [], error: completed, position: undefined }
      : this.#remember(
          completed,
          snapshot,
          used.map((prepared) => this.#textsOf(prepared)),
        )
  }

  #textsOf({ sql, verdict }: Prepared): NamedText {
    return { exact: sql, body: this.#remembered.of(verdict)?.judged.body ?? '{}' }
  }

  #remember(inspection: Inspection, snapshot: TargetSnapshot, standsFor: readonly NamedText[] | undefined): Verdict {
    const judged = this.#options.verdicts.of(inspection)
    const isNew = this.#remembered.add({ judged, snapshot, standsFor })
    if (isNew && this.masked) this.#constants.judged(judged.verdict.facts, snapshot)
    return judged.verdict
  }

  /**
   * A statement or cursor that the target has already resolved stays resolved as long as what it reads does not change: it may
   * not be taken for what its text would mean today.
   */
  #agreeing(before: Verdict, now: Verdict): Verdict {
    if (!this.masked || before.kind === 'refused' || now.kind === 'refused' || before === now) return now
    return sameExpectation(this.#expectation(before), this.#expectation(now)) ? now : RESOLVED_OTHERWISE
  }

  #expectation(verdict: AllowedVerdict): CatalogExpectation | undefined {
    return this.#remembered.expectation(verdict, this.#session())
  }

  #asks(): boolean {
    return this.masked && this.#options.target.catalogCheck === 'strict'
  }

  #session(): OpenedTarget {
    if (this.#opened === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'a target that is not open' })
    return this.#opened
  }

  #expired(): boolean {
    return this.#options.clock() >= this.#options.identity.expiresAt
  }
}

/** An object of its own for each session: the inspector shares its workers fairly between scopes. */
const scopeOf = (target: string, searchPath: readonly string[]): InspectionScope =>
  Object.freeze({ target, searchPath: Object.freeze([...searchPath]) })
