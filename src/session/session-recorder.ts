import { hash } from 'node:crypto'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type { Outcome, Request, TransactionResult } from '../protocols/protocol.ts'
import { type Fragment, fragment, type JsonValue } from '../record/canonical.ts'
import type { Journal } from '../record/journal.ts'
import type { Alert } from './alerts.ts'
import type { DecisionInputs } from './decision-inputs.ts'
import type { PatientEvidence } from './session-limits.ts'
import { commandsOf, type JudgedVerdict } from './verdicts.ts'

const NOTHING = fragment({})

/** A statement that is run by its name: its exact text, and its journal body (JSON). */
export interface NamedText {
  readonly exact: string
  readonly body: string
  /** The statement without its literals. */
  readonly redacted: string
  /** Which statement of the text it is. */
  readonly index: number
}

/** Sessions have their inputs on record once; of so many kinds that this is exceeded, some twice. */
const MAX_INPUTS = 10_000

/** What of an intent is not the same for all operations of a verdict. */
export interface IntentDetails {
  /** The statements that the operation runs by their names. */
  readonly standsFor: readonly NamedText[] | undefined
  /** The request whose approval covers it. */
  readonly approval: string | undefined
}

/** Writes the events of one session to the journal. Headers hold names, counts and codes; texts go to sealed or encrypted parts. */
export class SessionRecorder implements Watermarks {
  readonly #journal: Journal
  readonly #session: string
  #who: Fragment = NOTHING
  readonly #inputs = new Set<string>()
  #appended = 0
  #alertsHeldBack = 0

  constructor(journal: Journal, session: string) {
    this.#journal = journal
    this.#session = session
  }

  /** The newest record of this session. */
  get appended(): number {
    return this.#appended
  }

  get written(): number {
    return this.#journal.writtenSeq
  }

  get durable(): number {
    return this.#journal.durableSeq
  }

  started(
    details: Readonly<Record<string, JsonValue>>,
    // What a client says of itself, and what its token says, can be anything: it is kept with the texts.
    body: Readonly<Record<string, JsonValue>>,
  ): void {
    this.#append('session-start', 0, fragment(details), fragment(body))
  }

  /** Who acts at which target, and the version of the policy that decides what follows. */
  decidedBy(who: Fragment): void {
    this.#who = who
  }

  opened(backendPid: number, serverVersion: string): void {
    this.#append('probe', 0, fragment({ backendPid, purpose: 'opened', serverVersion }))
  }

  ended(reason: string, code: string | undefined, operations: number): void {
    const what = { operations, reason, ...(code === undefined ? {} : { code }), ...this.#heldBack() }
    this.#append('session-end', 0, fragment(what))
  }

  alert({ alert, classes, count }: Alert): void {
    this.#append('alert', 0, fragment({ alert, classes: [...classes], count, ...this.#heldBack() }))
  }

  /** An alert that is counted only, because there have been many: the next one, or the session's end, says how many. */
  alertHeldBack(): void {
    this.#alertsHeldBack++
  }

  #heldBack(): { readonly alertsHeldBack?: number } {
    const count = this.#alertsHeldBack
    this.#alertsHeldBack = 0
    return count === 0 ? {} : { alertsHeldBack: count }
  }

  /** What decisions rest on, once a session. */
  inputs(op: number, { digest, body }: DecisionInputs): void {
    if (this.#inputs.has(digest)) return
    if (this.#inputs.size >= MAX_INPUTS) this.#inputs.clear()
    this.#inputs.add(digest)
    this.#append('facts', op, fragment({ facts: digest }), body)
  }

  intent(op: number, judged: JudgedVerdict, request: Request, { standsFor, approval }: IntentDetails): number {
    const what = approval === undefined ? judged.what : withApproval(judged, approval)
    if (standsFor === undefined) return this.#append('intent', op, what, judged.body, exactText(request))
    const body = `{"standsFor":[${standsFor.map((one) => one.body).join(',')}],"text":${judged.body}}`
    const { sql, parameters = [] } = request
    const exact = JSON.stringify({ parameters, standsFor: standsFor.map((one) => one.exact), statement: sql })
    return this.#append('intent', op, what, body, exact)
  }

  refusal(
    op: number,
    error: ChaperoneError,
    request: Request,
    facts: readonly SqlFacts[],
    inputs: DecisionInputs | undefined,
  ): void {
    const what = fragment({
      code: error.code,
      commands: commandsOf(facts),
      decision: 'refuse',
      ...(inputs === undefined ? {} : { facts: inputs.digest }),
      ...(error.rule === undefined ? {} : { rule: error.rule }),
    })
    this.#append('refusal', op, what, JSON.stringify({ message: error.message }), exactText(request))
  }

  response(op: number, bytes: Buffer, rows: number): void {
    this.#append('response', op, fragment({ bytes: bytes.length, rows }), digestBody(bytes))
  }

  outcome(op: number, outcome: Outcome, bytes: Buffer | undefined, patients?: PatientEvidence): void {
    const what = fragment({
      bytes: outcome.bytes,
      ...(outcome.masked === undefined || outcome.masked.length === 0 ? {} : { masked: [...outcome.masked] }),
      ...(patients === undefined ? {} : { patients: { count: patients.count, unattributed: patients.unattributed } }),
      result: outcome.result,
      rows: outcome.rows,
      ...(outcome.sqlstate === undefined ? {} : { sqlstate: outcome.sqlstate }),
      tag: outcome.tag,
      ...(outcome.transaction === undefined ? {} : { transaction: outcome.transaction }),
    })
    this.#append('outcome', op, what, outcomeBody(bytes, patients))
  }

  transaction(result: TransactionResult, firstOp: number, lastOp: number): void {
    this.#append('transaction', lastOp, fragment({ firstOp, result }))
  }

  probe(purpose: string): number {
    return this.#append('probe', 0, fragment({ purpose }))
  }

  #append(
    kind: Parameters<Journal['append']>[0]['kind'],
    op: number,
    what: Fragment = NOTHING,
    body?: string,
    exact?: string,
  ): number {
    const record = { kind, session: this.#session, op, what, who: this.#who }
    this.#appended = this.#journal.append(record, body, exact)
    return this.#appended
  }
}

/** The masked response itself is not kept, only what proves later that a copy of it is the one that was sent. */
const digestBody = (bytes: Buffer): string => `{"sha256":"${hash('sha256', bytes, 'hex')}"}`

function outcomeBody(bytes: Buffer | undefined, patients: PatientEvidence | undefined): string | undefined {
  const isEmpty = bytes === undefined || bytes.length === 0
  if (patients === undefined) return isEmpty ? undefined : digestBody(bytes)
  return fragment({
    patients: [...patients.digests],
    ...(isEmpty ? {} : { sha256: hash('sha256', bytes, 'hex') }),
  })
}

const withApproval = ({ described, inputs, due }: JudgedVerdict, approval: string): Fragment =>
  fragment({
    ...described,
    approval,
    decision: 'hold',
    ...(inputs === undefined ? {} : { facts: inputs.digest }),
    rules: [...(due?.decision.rules ?? [])],
  })

function exactText(request: Request): string {
  return request.parameters === undefined || request.parameters.length === 0
    ? request.sql
    : JSON.stringify({ parameters: request.parameters, statement: request.sql })
}
