import type { AlertEvent } from '../alert/alert-event.ts'
import type { MaskPlan, ResultColumn } from '../mask/plan.ts'
import type { RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import type { Inspection, InspectionScope } from '../inspect/sql/inspector.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type {
  Admitted,
  AllowedVerdict,
  BoundValue,
  CatalogExpectation,
  CopyInRows,
  CopyMask,
  Execution,
  Gate,
  KnownNames,
  Leave,
  Meter,
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
import type { KnownValues } from '../phi/detect/known-values.ts'
import { changesOwnNames, isExecutionAsked } from './catalog-asking.ts'
import { sameExpectation } from './catalog-expectation.ts'
import { completeNames, standsForAnother } from './complete-names.ts'
import { SessionConstants, type SessionConstantsOptions } from './constants/session-constants.ts'
import type { AccessWatch } from './access-watch.ts'
import type { Admission, Candidate } from './admission.ts'
import { GatePass, GatePermit } from './gate-pass.ts'
import { ADMITTED_OTHERWISE, ended, RESOLVED_OTHERWISE, SEND_SEPARATELY } from './gate-refusals.ts'
import { MaskPlans } from './mask-plans.ts'
import { operationCatalog } from './operation-catalog.ts'
import { OwnChanges } from './own-changes.ts'
import type { RecentUse } from './recent-use.ts'
import { type Remembered, RememberedVerdicts } from './remembered-verdicts.ts'
import type { SessionLimits } from './session-limits.ts'
import type { NamedText, SessionRecorder } from './session-recorder.ts'
import type { SessionSettings } from './session-settings.ts'
import { SessionStandIns, type StandInSources } from './stand-ins.ts'
import type { TargetSnapshot, TargetState } from './target-state.ts'

export interface GateOptions {
  readonly watch: Pick<AccessWatch, 'review' | 'verdicts'>
  readonly admission: Admission
  readonly limits: SessionLimits | undefined
  readonly recent: RecentUse
  readonly settings: SessionSettings
  readonly raise: (event: AlertEvent) => void
  readonly clearsEverything: boolean
  readonly clears: (phiClass: string) => boolean
  /** See `PhiConfig.minimumGroupSize`. */
  readonly minimumGroupSize: number | undefined
  readonly target: TargetState
  readonly inspector: SqlInspector
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
  /** Verdicts of DECLAREs that were run with an approval: it covers what is fetched from them. */
  readonly #approvedCursors = new WeakSet<Verdict>()
  readonly #toldOf = new WeakSet<readonly SqlFacts[]>()
  readonly #relationsUsed = new Set<string>()

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
    const end = this.#ended()
    if (end !== undefined) return ended(end)
    if (snapshot === undefined) return target.refresh().then(() => this.judge(sql, names))
    const inspection = inspector.inspect(sql, this.#scope)
    if (!(inspection instanceof Promise)) return this.#lasting(inspection, snapshot, sql, names)
    // What was analysed with a catalog that has been read again meanwhile is not paired with this one.
    return inspection.then((done) =>
      target.latest === snapshot ? this.#lasting(done, snapshot, sql, names) : this.judge(sql, names),
    )
  }

  renew(sql: string, verdict: Verdict, names: KnownNames): Verdict | Promise<Verdict> {
    const end = this.#ended()
    if (end !== undefined) return ended(end)
    const remembered = this.#remembered.of(verdict)
    if (remembered !== undefined && remembered.standsFor === undefined && this.#stands(remembered)) return verdict
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

  admit(execution: Execution): Admitted | Promise<Admitted> {
    const { admission, settings } = this.#options
    const { verdict } = execution
    const remembered = this.#remembered.known(verdict)
    if (!execution.inTransaction()) settings.outsideTransaction()
    if (!admission.concerns(remembered.judged)) return new GatePass(execution)
    return admission.admit(execution, remembered.judged, () => this.#candidate(execution, remembered))
  }

  stillAdmitted(permit: Permit): ChaperoneError | undefined {
    const { settingsMark } = known(permit)
    return settingsMark === undefined || settingsMark === this.#options.settings.mark ? undefined : ADMITTED_OTHERWISE
  }

  request(leave: Leave, request: Request): Permit {
    if (!(leave instanceof GatePass) || !leave.use()) throw new ChaperoneError('CHP-INTERNAL', { reason: 'no leave' })
    const end = this.#ended()
    if (end !== undefined) throw end
    const { verdict, approval, execution } = leave
    const { judged, standsFor } = this.#remembered.known(verdict)
    const { recorder, settings, recent, limits } = this.#options
    if (!this.masked && this.#changes.add(verdict.facts)) this.#changesAreOver = false
    settings.ran(verdict.facts, request.sql)
    recent.statement()
    this.#tellRelations(verdict.facts)
    const op = ++this.#operations
    limits?.started(op, execution)
    if (judged.inputs !== undefined) recorder.inputs(op, judged.inputs)
    const intent = recorder.intent(op, judged, request, { standsFor, approval })
    if (approval !== undefined) this.#approvedCursors.add(verdict)
    return new GatePermit(op, intent, verdict, approval === undefined ? undefined : settings.mark)
  }

  refused(error: ChaperoneError, request: Request, facts: readonly SqlFacts[]): void {
    const { recorder, settings, recent, raise, onPolicyError } = this.#options
    if (error.code === 'CHP-POLICY-ERROR') {
      onPolicyError(error)
      raise({ kind: 'policy-error', rule: error.rule })
    }
    raise({ kind: 'refusal', code: error.code, rule: error.rule })
    recent.refusal()
    settings.takenBack()
    const op = ++this.#operations
    const inputs = this.#remembered.inputsOf(facts)
    if (inputs !== undefined) recorder.inputs(op, inputs)
    recorder.refusal(op, error, request, facts, inputs)
  }

  meter(permit: Permit, facts: SqlFacts | undefined, columns: readonly ResultColumn[] | number): Meter | undefined {
    return this.#options.limits?.meter(permit.op, facts, columns)
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
    this.#released(permit, rows)
    this.#options.recorder.response(permit.op, bytes, rows)
  }

  outcome(permit: Permit, outcome: Outcome, bytes: Buffer | undefined): void {
    const { recorder, limits, recent, settings, raise } = this.#options
    const patients = limits?.evidence(permit.op, outcome.result !== 'suspended')
    this.#released(permit, outcome.rows - known(permit).counted)
    recent.patients(patients?.count ?? 0)
    if (outcome.rows > 0) raise({ kind: 'rows-released', rows: outcome.rows, patients: patients?.count ?? 0 })
    if (outcome.result !== 'ok' && outcome.result !== 'suspended') settings.takenBack()
    recorder.outcome(permit.op, outcome, bytes, patients)
  }

  transaction(result: TransactionResult, firstOp: number, lastOp: number): void {
    if (result === 'rolled-back' || result === 'failed') this.#options.settings.takenBack()
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
          used.map(({ verdict }) => verdict),
        )
  }

  #textsOf({ sql, verdict, index }: Prepared): NamedText {
    const judged = this.#remembered.of(verdict)?.judged
    return { exact: sql, body: judged?.body ?? '{}', redacted: judged?.redacted ?? '', index }
  }

  #remember(
    inspection: Inspection,
    snapshot: TargetSnapshot,
    standsFor: readonly NamedText[] | undefined,
    named: readonly Verdict[] = [],
  ): Verdict {
    const { verdicts } = this.#options.watch
    const judged = verdicts.of(inspection)
    const isNew = this.#remembered.add({ judged, snapshot, standsFor, named, verdicts })
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

  #ended(): ChaperoneError | undefined {
    return this.#options.watch.review(this.#options.clock())
  }

  // ---- admission

  #candidate(execution: Execution, remembered: Remembered): Candidate {
    const { verdict, continues } = execution
    const { named, standsFor = [], judged } = remembered
    const fetches = verdict.facts.every(({ session }) => session.kind === 'fetch')
    const cursors = continues ? [verdict] : fetches ? named : []
    return {
      judged,
      standsFor,
      isApprovedCursor: cursors.length > 0 && cursors.every((one) => this.#approvedCursors.has(one)),
      opened: this.#session(),
      catalogDigest: () =>
        operationCatalog({
          facts: verdict.facts,
          catalog: remembered.snapshot.catalog,
          expectation: this.#expectation(verdict),
          found: judged.inputs?.digest ?? '',
        }),
      stands: () => this.#ended() === undefined && this.#stands(remembered),
      readAgain: () => this.#readAgain(),
    }
  }

  /** Whether the verdict is what it would be if it was asked for again, but for what names stand for. */
  #stands({ snapshot, verdicts, judged }: Remembered): boolean {
    return verdicts === this.#options.watch.verdicts && snapshot === this.#snapshot() && this.#holds(judged.verdict)
  }

  async #readAgain(): Promise<void> {
    const { target } = this.#options
    target.invalidate()
    const since = target.now
    this.#catalogSince = since
    // One reading may have begun before.
    while (target.snapshotSince(since) === undefined) await target.refresh()
  }

  // ---- what others are told

  #released(permit: Permit, rows: number): void {
    known(permit).counted += rows
    this.#options.recent.rows(rows, permit.verdict.facts)
  }

  /** Relations of the catalog that the session uses for the first time. */
  #tellRelations(facts: readonly SqlFacts[]): void {
    if (this.#toldOf.has(facts)) return
    this.#toldOf.add(facts)
    const names = facts.flatMap(({ relations }) => relations.flatMap(nameInCatalog))
    const news = names.filter((name) => !this.#relationsUsed.has(name))
    if (news.length === 0) return
    for (const name of news) this.#relationsUsed.add(name)
    this.#options.raise({ kind: 'relations-used', relations: [...new Set(news)].toSorted() })
  }
}

/** Names of the target's own that its catalog knows; others can be anything. */
const nameInCatalog = ({ oid, schema, name }: RelationUse): readonly string[] =>
  oid === null || schema === null || /^(?:pg_|information_schema$)/.test(schema) ? [] : [`${schema}.${name}`]

function known(permit: Permit): GatePermit {
  if (permit instanceof GatePermit) return permit
  throw new ChaperoneError('CHP-INTERNAL', { reason: 'a permit of unknown origin' })
}

/** An object of its own for each session: the inspector shares its workers fairly between scopes. */
const scopeOf = (target: string, searchPath: readonly string[]): InspectionScope =>
  Object.freeze({ target, searchPath: Object.freeze([...searchPath]) })
