import type { NewRequest, RequestMember } from '../approve/approval-request.ts'
import type { Approvals } from '../approve/approvals.ts'
import { operationDigest } from '../approve/operation-digest.ts'
import type { AlertEvent } from '../alert/alert-event.ts'
import { combine, decideNow } from '../decide/decide.ts'
import type { Decision, Need } from '../decide/decision.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { chainKey, chainOf } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import { assertNever } from '../lib/assert-never.ts'
import type { Clock } from '../lib/clock.ts'
import { asChaperoneError, ChaperoneError } from '../lib/errors.ts'
import type { Admitted, BoundValue, Execution, OpenedTarget } from '../protocols/protocol.ts'
import type { AccessWatch } from './access-watch.ts'
import { refusedAt, ticketFor, waitForApproval } from './approval-waits.ts'
import { GatePass } from './gate-pass.ts'
import type { RecentUse } from './recent-use.ts'
import type { SessionLimits } from './session-limits.ts'
import type { NamedText } from './session-recorder.ts'
import type { SessionSettings } from './session-settings.ts'
import { shownOperation } from './shown-operation.ts'
import { type Due, type JudgedVerdict, refusalOf } from './verdicts.ts'

/** Asks the planner of a target how many rows statements would give or touch. Never rejects: undefined when it cannot be asked. */
export type EstimateRows = (question: {
  readonly target: string
  /** As the target would get it. */
  readonly sql: string
  /** What it runs by names, in the order of their use. */
  readonly named: readonly { readonly sql: string; readonly index: number }[]
  readonly searchPath: string
  readonly facts: readonly SqlFacts[]
}) => Promise<number | undefined>

export interface SessionApprovals {
  readonly service: Approvals
  readonly waitMs: number
  readonly waitInTransactionMs: number
}

export interface AdmissionOptions {
  readonly session: string
  readonly identity: VerifiedIdentity
  readonly target: string
  readonly watch: Pick<AccessWatch, 'access' | 'policy'>
  readonly recent: RecentUse
  readonly settings: SessionSettings
  readonly limits: SessionLimits | undefined
  readonly estimateRows: EstimateRows | undefined
  readonly approvals: SessionApprovals | undefined
  readonly raise: (event: AlertEvent) => void
  readonly clock: Clock
}

/** What the gate knows of an execution that is to be admitted. */
export interface Candidate {
  readonly judged: JudgedVerdict
  /** What it runs by names. */
  readonly standsFor: readonly NamedText[]
  /** It gives rows of a cursor whose DECLARE was approved. */
  readonly isApprovedCursor: boolean
  readonly opened: OpenedTarget
  /** Of what of the catalog it rests on. */
  catalogDigest(): string
  /** Whether it would be judged the same now. */
  stands(): boolean
  /** Reads the catalog, so that what is judged from here on rests on what is there. */
  readAgain(): Promise<void>
}

/** Judging again so often means that something changes all the time. */
const MAX_ATTEMPTS = 8

/** Decides when an execution begins what could not be decided before: by the moment, by budgets, and by people. */
export class Admission {
  readonly #options: AdmissionOptions
  /** How far the execution that is held has come; there is one at a time. */
  #stage: 'new' | 'catalog is read' | 'decided' = 'new'

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Whether this has to be asked at all. */
  concerns({ due }: JudgedVerdict): boolean {
    return due !== undefined || this.#options.limits !== undefined
  }

  admit(execution: Execution, { due }: JudgedVerdict, candidate: () => Candidate): Admitted | Promise<Admitted> {
    if (execution.attempt === 0) this.#stage = 'new'
    if (execution.attempt > MAX_ATTEMPTS) return changedMeanwhile()
    return caught(() => {
      const outside = this.#outsideScope(execution)
      if (outside !== undefined) return outside
      return due === undefined
        ? this.#begin(execution, candidate, { hasWaited: false })
        : this.#decided(execution, due, candidate())
    })
  }

  /** The rows of a cursor are those of the statement that has declared it, which was looked at then. */
  #outsideScope(execution: Execution): ReturnType<SessionLimits['scope']> {
    const { limits } = this.#options
    if (limits === undefined || execution.continues) return undefined
    const { verdict, index } = execution
    return limits.scope(index === undefined ? verdict.facts : verdict.facts.slice(index, index + 1), execution)
  }

  #decided(execution: Execution, due: Due, candidate: Candidate): Admitted | Promise<Admitted> {
    const decision = candidate.isApprovedCursor ? withoutHold(due.decision) : due.decision
    const { asks } = due
    if (!asks.estimate && !asks.recent && !asks.time)
      return this.#carryOut(decision, execution, candidate, { rows: undefined, hasWaited: false })
    const { estimateRows, target } = this.#options
    const estimated = asks.estimate
      ? estimateRows?.({
          target,
          sql: execution.sent.sql,
          named: candidate.standsFor.map(({ exact, index }) => ({ sql: exact, index })),
          searchPath: candidate.opened.searchPathSetting,
          facts: execution.verdict.facts,
        })
      : undefined
    const hasWaited = estimated instanceof Promise
    return after(estimated, (rows) =>
      this.#carryOut(this.#combined(decision, execution, candidate, rows), execution, candidate, { rows, hasWaited }),
    )
  }

  /** An approval of DECLARE is one of the cursor's rows, whichever rule has held it. */
  #combined(
    decision: Decision,
    execution: Execution,
    { isApprovedCursor }: Candidate,
    rows: number | undefined,
  ): Decision {
    const combined = combine(decision, this.#decideNow(execution, rows))
    return isApprovedCursor && combined.outcome === 'hold' ? withoutHold(combined) : combined
  }

  #decideNow({ verdict }: Execution, estimatedRows: number | undefined): Decision {
    const { watch, identity, target, recent, clock } = this.#options
    const { facts } = verdict
    const request = { principal: identity.principal, target, access: watch.access, facts }
    return decideNow(watch.policy, request, { now: clock(), estimatedRows, recent: recent.over(facts) })
  }

  #carryOut(
    decision: Decision,
    execution: Execution,
    candidate: Candidate,
    { rows, hasWaited }: { readonly rows: number | undefined; readonly hasWaited: boolean },
  ): Admitted | Promise<Admitted> {
    if (execution.attempt === 0) this.#tell(decision, execution)
    switch (decision.outcome) {
      case 'refuse':
        return refusalOf(decision)
      case 'hold': {
        const { approvals } = this.#options
        if (approvals === undefined) return new ChaperoneError('CHP-POLICY-HELD', { rule: decision.rule })
        return this.#held(approvals, decision.needs, execution, candidate, rows)
      }
      case 'allow':
        return this.#begin(execution, () => candidate, { hasWaited })
      default:
        return assertNever(decision)
    }
  }

  #tell({ warnings, alerts }: Decision, execution: Execution): void {
    for (const { rule, message } of warnings) {
      execution.say({ message: `${message} (rule ${rule})`, hint: 'The statement was not stopped by this rule.' })
    }
    for (const { rule, message } of alerts) this.#options.raise({ kind: 'rule-alert', rule, message })
  }

  /** The last step. What was waited for before may have taken the verdict's ground away. */
  #begin(
    execution: Execution,
    candidate: () => Candidate,
    { approval, hasWaited }: { readonly approval?: string; readonly hasWaited: boolean },
  ): Admitted | Promise<Admitted> {
    const begun = this.#options.limits?.begin(execution.verdict.facts.length)
    return after(begun, (exceeded) => {
      if (exceeded !== undefined) return exceeded
      if (!hasWaited && !(begun instanceof Promise)) return new GatePass(execution)
      if (candidate().stands()) return new GatePass(execution, approval)
      return approval === undefined ? 'renew' : changedMeanwhile()
    })
  }

  async #held(
    approvals: SessionApprovals,
    needs: readonly Need[],
    execution: Execution,
    candidate: Candidate,
    rows: number | undefined,
  ): Promise<Admitted> {
    const { service } = approvals
    if (!(await execution.hold())) return 'renew'
    if (this.#stage === 'new') return this.#next('catalog is read', candidate)
    if (!execution.inTransaction()) this.#options.settings.outsideTransaction()
    const coverage = await service.ask(this.#request(needs, execution, candidate, rows))
    const { request } = coverage
    if (coverage.kind === 'covered')
      return this.#begin(execution, () => candidate, { approval: request.id, hasWaited: true })
    const url = service.urlOf(request.id)
    if (coverage.kind === 'refused') return refusedAt(request, needs, url)
    // Somebody has decided already, and not about this.
    if (this.#stage === 'decided') return ticketFor(request, needs, url)
    const decided = await waitForApproval({
      approvals: service,
      execution,
      request,
      needs,
      waitMs: this.#wait(approvals, execution),
    })
    return decided === 'decided' ? this.#next('decided', candidate) : decided
  }

  /** What is asked about, and what is run when it was approved, rests on the catalog as it is at that time. */
  async #next(stage: 'catalog is read' | 'decided', candidate: Candidate): Promise<'renew'> {
    await candidate.readAgain()
    this.#stage = stage
    return 'renew'
  }

  #wait({ waitMs, waitInTransactionMs }: SessionApprovals, execution: Execution): number {
    const { identity, clock } = this.#options
    return Math.min(execution.inTransaction() ? waitInTransactionMs : waitMs, identity.expiresAt - clock())
  }

  #request(
    needs: readonly Need[],
    execution: Execution,
    candidate: Candidate,
    estimatedRows: number | undefined,
  ): NewRequest {
    const { identity, session, target } = this.#options
    const { principal } = identity
    const { parameters, sent } = execution
    const { judged, standsFor, opened } = candidate
    return {
      digest: this.#digest(execution, candidate),
      subject: {
        kind: 'operation',
        shown: shownOperation({
          target,
          judged,
          named: standsFor.map(({ redacted }) => redacted),
          parameters: parameters.length,
          needs,
          estimatedRows,
        }),
      },
      chain: chainOf(principal).map((member): RequestMember => {
        const { issuer, subject, kind } = member
        return member === principal && principal.name !== undefined
          ? { issuer, subject, kind, name: principal.name }
          : { issuer, subject, kind }
      }),
      chainKey: chainKey(principal),
      ...(principal.purpose === undefined ? {} : { purpose: principal.purpose }),
      ...(principal.run === undefined ? {} : { run: principal.run }),
      session,
      needs: needs.map(({ pools, quorum, rule }) => ({ pools: pools.toSorted(), quorum, rule })),
      exact: JSON.stringify({
        statement: sent.sql,
        parameters: boundParameters(sent.parameters),
        searchPath: opened.searchPathSetting,
        role: opened.role,
      }),
    }
  }

  #digest(execution: Execution, candidate: Candidate): string {
    const { identity, target, watch, settings } = this.#options
    const { purpose, run, patients } = identity.principal
    const { opened, standsFor } = candidate
    return operationDigest({
      target,
      // No statement is written like a list of JSON, so that nothing else can be taken for one with its names.
      statement:
        standsFor.length === 0
          ? execution.sql
          : JSON.stringify([execution.sql, ...standsFor.map(({ exact, index }) => [exact, index])]),
      parameters: boundParameters(execution.parameters),
      settings: settings.describe(opened),
      catalog: candidate.catalogDigest(),
      chain: chainKey(identity.principal),
      purpose,
      run,
      patients,
      policy: watch.policy.version,
      access: watch.access.key,
    })
  }
}

const boundParameters = (parameters: readonly BoundValue[]) =>
  parameters.map(({ typeOid, format, value }) => ({
    typeOid,
    format,
    value: value === null ? null : value.toString('base64'),
  }))

const withoutHold = ({ rules, warnings, alerts }: Decision): Decision => ({
  outcome: 'allow',
  rules,
  warnings,
  alerts,
})

const changedMeanwhile = (): ChaperoneError =>
  new ChaperoneError('CHP-CATALOG-CHANGED', {
    message: 'what the statement rests on has changed while it was being admitted; it was not run',
    hint: 'Send the statement again.',
  })

/** Synchronous when the value is there. */
function after<T, U>(value: T | Promise<T>, then: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(then) : then(value)
}

/** Whatever goes wrong refuses the execution; the session goes on. */
function caught(admit: () => Admitted | Promise<Admitted>): Admitted | Promise<Admitted> {
  try {
    const admitted = admit()
    return admitted instanceof Promise ? admitted.catch(asChaperoneError) : admitted
  } catch (error) {
    return asChaperoneError(error)
  }
}
