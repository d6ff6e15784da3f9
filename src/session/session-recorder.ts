import { hash } from 'node:crypto'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type { Outcome, Request, TransactionResult } from '../protocols/protocol.ts'
import { type Fragment, fragment, type JsonValue } from '../record/canonical.ts'
import type { Journal } from '../record/journal.ts'
import type { Alert } from './alerts.ts'
import { commandsOf, type JudgedVerdict } from './verdicts.ts'

const NOTHING = fragment({})

/** A statement that is run by its name: its exact text, and its journal body (JSON). */
export interface NamedText {
  readonly exact: string
  readonly body: string
}

/** Writes the events of one session to the journal. Headers hold names, counts and codes; texts go to sealed or encrypted parts. */
export class SessionRecorder implements Watermarks {
  readonly #journal: Journal
  readonly #session: string
  readonly #who: Fragment
  #appended = 0
  #alertsHeldBack = 0

  constructor(journal: Journal, session: string, who: Fragment) {
    this.#journal = journal
    this.#session = session
    this.#who = who
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
    claimed: { readonly applicationName: string; readonly user: string },
  ): void {
    // What a client says of itself can be anything, so it is kept with the texts.
    this.#append('session-start', 0, fragment(details), JSON.stringify(claimed))
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

  /** `standsFor` has the texts of the statements that the operation runs by their names. */
  intent(op: number, judged: JudgedVerdict, request: Request, standsFor: readonly NamedText[] | undefined): number {
    if (standsFor === undefined) return this.#append('intent', op, judged.what, judged.body, exactText(request))
    const body = `{"standsFor":[${standsFor.map((one) => one.body).join(',')}],"text":${judged.body}}`
    const { sql, parameters = [] } = request
    const exact = JSON.stringify({ parameters, standsFor: standsFor.map((one) => one.exact), statement: sql })
    return this.#append('intent', op, judged.what, body, exact)
  }

  refusal(op: number, error: ChaperoneError, request: Request, facts: readonly SqlFacts[]): void {
    const what = fragment({
      code: error.code,
      commands: commandsOf(facts),
      decision: 'refuse',
      ...(error.rule === undefined ? {} : { rule: error.rule }),
    })
    this.#append('refusal', op, what, JSON.stringify({ message: error.message }), exactText(request))
  }

  response(op: number, bytes: Buffer, rows: number): void {
    this.#append('response', op, fragment({ bytes: bytes.length, rows }), digestBody(bytes))
  }

  outcome(op: number, outcome: Outcome, bytes: Buffer | undefined): void {
    const what = fragment({
      bytes: outcome.bytes,
      ...(outcome.masked === undefined || outcome.masked.length === 0 ? {} : { masked: [...outcome.masked] }),
      result: outcome.result,
      rows: outcome.rows,
      ...(outcome.sqlstate === undefined ? {} : { sqlstate: outcome.sqlstate }),
      tag: outcome.tag,
      ...(outcome.transaction === undefined ? {} : { transaction: outcome.transaction }),
    })
    this.#append('outcome', op, what, bytes === undefined || bytes.length === 0 ? undefined : digestBody(bytes))
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

function exactText(request: Request): string {
  return request.parameters === undefined || request.parameters.length === 0
    ? request.sql
    : JSON.stringify({ parameters: request.parameters, statement: request.sql })
}
