import { compilePlan } from '../mask/compile-plan.ts'
import type { MaskPlan, ResultColumn } from '../mask/plan.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { Inspection, InspectionScope } from '../inspect/sql/inspector.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type {
  AllowedVerdict,
  Gate,
  KnownNames,
  OpenedTarget,
  Outcome,
  Permit,
  Prepared,
  Request,
  TransactionResult,
  Verdict,
} from '../protocols/protocol.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import { completeNames, standsForAnother } from './complete-names.ts'
import type { NamedText, SessionRecorder } from './session-recorder.ts'
import type { TargetSnapshot, TargetState } from './target-state.ts'
import type { JudgedVerdict, Verdicts } from './verdicts.ts'

export interface GateOptions {
  readonly identity: VerifiedIdentity
  readonly clearsEverything: boolean
  readonly clears: (phiClass: string) => boolean
  readonly target: TargetState
  readonly inspector: SqlInspector
  readonly verdicts: Verdicts
  readonly recorder: SessionRecorder
  readonly clock: Clock
  readonly onPolicyError: (error: ChaperoneError) => void
}

/** New statements are refused once the token has expired; what runs is drained by the session's housekeeping. */
const EXPIRED: Verdict = Object.freeze({
  kind: 'refused',
  facts: [],
  error: new ChaperoneError('CHP-AUTH-EXPIRED'),
  position: undefined,
})

interface Remembered {
  readonly judged: JudgedVerdict
  readonly snapshot: TargetSnapshot
  /** It speaks of names, which can come to stand for something else at any time; what they stood for when it was judged. */
  readonly standsFor: readonly NamedText[] | undefined
}

/** The one way from a protocol to inspection, decision, masking and the journal, for one session. */
export class SessionGate implements Gate {
  readonly masked: boolean
  readonly marks: Watermarks
  readonly #options: GateOptions
  readonly #remembered = new WeakMap<Verdict, Remembered>()
  #scope: InspectionScope
  #operations = 0
  /** The session's own changes are in every catalog that was read at this time or later. */
  #catalogSince: number

  constructor(options: GateOptions) {
    this.#options = options
    this.masked = !options.clearsEverything
    this.marks = options.recorder
    this.#scope = scopeOf(options.target.name, [])
    this.#catalogSince = options.target.now
  }

  get operations(): number {
    return this.#operations
  }

  opened(details: OpenedTarget): void {
    this.#scope = scopeOf(this.#options.target.name, details.searchPath)
    this.#options.recorder.opened(details.backendPid, details.serverVersion)
  }

  judge(sql: string, names: KnownNames): Verdict | Promise<Verdict> {
    const { target, inspector } = this.#options
    const snapshot = target.snapshotSince(this.#catalogSince)
    if (this.#expired()) return EXPIRED
    if (snapshot === undefined) return target.refresh().then(() => this.judge(sql, names))
    const inspection = inspector.inspect(sql, this.#scope)
    return inspection instanceof Promise
      ? inspection.then((done) => this.#conclude(done, snapshot, names))
      : this.#conclude(inspection, snapshot, names)
  }

  renew(sql: string, verdict: Verdict, names: KnownNames): Verdict | Promise<Verdict> {
    if (this.#expired()) return EXPIRED
    const remembered = this.#remembered.get(verdict)
    const current = this.#options.target.snapshotSince(this.#catalogSince)
    const stands = remembered !== undefined && remembered.snapshot === current && remembered.standsFor === undefined
    return stands ? verdict : this.judge(sql, names)
  }

  request(verdict: AllowedVerdict, request: Request): Permit {
    if (this.#expired()) throw new ChaperoneError('CHP-AUTH-EXPIRED')
    const remembered = this.#remembered.get(verdict)
    // A verdict that this gate did not give is no verdict, whatever its type says.
    if (remembered === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'a verdict of unknown origin' })
    const op = ++this.#operations
    return { op, intent: this.#options.recorder.intent(op, remembered.judged, request, remembered.standsFor), verdict }
  }

  refused(error: ChaperoneError, request: Request, facts: readonly SqlFacts[]): void {
    if (error.code === 'CHP-POLICY-ERROR') this.#options.onPolicyError(error)
    this.#options.recorder.refusal(++this.#operations, error, request, facts)
  }

  plan(facts: SqlFacts | undefined, columns: readonly ResultColumn[]): MaskPlan | 'pass' | ChaperoneError {
    const { target, clears } = this.#options
    if (!this.masked) return 'pass'
    const snapshot = target.latest
    const plan = compilePlan({
      columns,
      outputs: snapshot === undefined || facts === undefined ? 'unknown' : facts.outputs,
      phiReachable: snapshot === undefined || facts === undefined || facts.phiReachable,
      phi: snapshot?.phi ?? { columnOf: () => undefined },
      clears,
      typeOf: snapshot?.typeOf ?? (() => undefined),
      currentYear: new Date(this.#options.clock()).getUTCFullYear(),
    })
    return typeof plan === 'object' && 'refuse' in plan
      ? new ChaperoneError('CHP-MASK-UNPROVEN', { message: plan.refuse })
      : plan
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

  schemaChanged(): void {
    const { target } = this.#options
    target.invalidate()
    this.#catalogSince = target.now
  }

  catalogHas(name: string): boolean {
    return this.#options.target.latest?.names.has(name) ?? false
  }

  #conclude(inspection: Inspection, snapshot: TargetSnapshot, names: KnownNames): Verdict | Promise<Verdict> {
    if (!inspection.ok || !inspection.statements.some(standsForAnother))
      return this.#remember(inspection, snapshot, undefined)
    const used: Prepared[] = []
    const renew = (prepared: Prepared) => {
      used.push(prepared)
      return this.renew(prepared.sql, prepared.verdict, names)
    }
    const completed = completeNames(inspection, names, renew)
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
    return { exact: sql, body: this.#remembered.get(verdict)?.judged.body ?? '{}' }
  }

  #remember(inspection: Inspection, snapshot: TargetSnapshot, standsFor: readonly NamedText[] | undefined): Verdict {
    const judged = this.#options.verdicts.of(inspection)
    if (!this.#remembered.has(judged.verdict)) this.#remembered.set(judged.verdict, { judged, snapshot, standsFor })
    return judged.verdict
  }

  #expired(): boolean {
    return this.#options.clock() >= this.#options.identity.expiresAt
  }
}

/** An object of its own for each session: the inspector shares its workers fairly between scopes. */
const scopeOf = (target: string, searchPath: readonly string[]): InspectionScope =>
  Object.freeze({ target, searchPath: Object.freeze([...searchPath]) })
