import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Admitted, AllowedVerdict, Gate, HoldEnd, KnownNames, Leave, Verdict } from '../protocol.ts'
import { Admissions, type AdmissionsOptions, type Asked } from './admissions.ts'
import { isReservedName } from './catalog-check.ts'
import { CheckedQueries } from './checked-query.ts'
import { encodeFlush } from './encode.ts'
import type { Expected } from './expected.ts'
import type { NamedEntries, NameUse, Portal, Statement } from './named-statements.ts'
import { OutgoingRun } from './outgoing-run.ts'
import type { SentText } from './sent-text.ts'
import type { ReplyKind, ReplyQueue } from './state.ts'

export interface RequestFlowOptions extends AdmissionsOptions {
  readonly toTarget: GatedWriter
  readonly statements: NamedEntries<Statement>
  readonly portals: NamedEntries<Portal>
  /** Announces the replies that a forwarded message will have. */
  readonly expect: (kind: ReplyKind, expected: Expected, mayCopyIn?: boolean) => void
  readonly replies: ReplyQueue<Expected>
}

/** What has to be waited for before the next message may be taken. */
export type Later = Promise<void> | undefined

const NO_USES: readonly NameUse[] = Object.freeze([])

/** What the handlers of a client's messages share: the way out, the state of the batch, names, and how to wait. */
export class RequestFlow {
  readonly options: RequestFlowOptions
  readonly names: KnownNames
  readonly run: OutgoingRun
  readonly checked: CheckedQueries
  stopped = false
  /** A message of the current extended-query batch was refused: the rest up to Sync is dropped, as the server drops it. */
  skipping = false
  /** Messages of the extended protocol were sent since the last Sync: one may have failed, and a query be passed over. */
  midBatch = false
  /** One of them was Execute. */
  executed = false
  readonly #admissions: Admissions
  #batch = 0
  /** Continues what waits for every reply that is outstanding. */
  #onDrained: (() => void) | undefined
  // The names that the last judgement rests on, and whether one of them has an answer outstanding from an earlier batch.
  #uses: readonly NameUse[] = NO_USES
  #unanswered: Promise<void> | undefined

  constructor(options: RequestFlowOptions) {
    this.options = options
    this.run = new OutgoingRun(options.toTarget)
    this.checked = new CheckedQueries({ ...options, run: this.run })
    this.#admissions = new Admissions(options, {
      drained: () => (options.replies.length === 0 ? Promise.resolve() : this.drained()),
      isPassedOver: () => this.stopped || options.replies.skipping,
      isCopying: () => options.replies.copying,
      hasRun: () => this.executed || options.replies.length > 0,
    })
    this.names = {
      statement: (name) => this.#use(options.statements, name, (statement) => statement),
      cursor: (name) => this.#use(options.portals, name, ({ prepared }) => prepared),
    }
  }

  /** Number of the current batch: what the server passes over if a message before it fails. A simple query is one. */
  get batch(): number {
    return this.#batch
  }

  /** What was found under the names that the last judgement rests on. */
  get uses(): readonly NameUse[] {
    return this.#uses
  }

  endBatch(): void {
    this.#batch++
    this.executed = false
  }

  forward(frame: Buffer): void {
    this.run.forward(frame)
    this.midBatch = true
  }

  // ---- waiting

  /**
   * Continues at once when the value is there, so that the common path makes no promise. When it was waited for, and the
   * server passes over the message by now, there is nothing to continue.
   */
  whenKnown<T>(value: T | Promise<T>, then: (value: T) => Later): Later {
    if (!(value instanceof Promise)) return then(value)
    return value.then((known) => (this.stopped || this.options.replies.skipping ? undefined : then(known)))
  }

  /** Resolves when the target has answered all that was sent. */
  drained(): Promise<void> {
    this.run.inject(encodeFlush())
    // Where a verdict was waited for, nobody else lets it leave before it is answered.
    this.run.flush()
    return new Promise((resolve) => {
      this.#onDrained = resolve
    })
  }

  /** Told that the target may have answered everything. */
  answered(): void {
    if (this.#onDrained === undefined || this.options.replies.length > 0) return
    this.#onDrained()
    this.#onDrained = undefined
  }

  // ---- admission

  /** Whether an execution may begin; while somebody is asked, what comes behind it waits. */
  admitted(
    asked: Asked,
    ways: {
      readonly proceed: (leave: Leave) => Later
      readonly refuse: (error: ChaperoneError) => Later
      /** Judges it from the beginning. */
      readonly again: (attempt: number) => Later
    },
  ): Later {
    const settle = (admitted: Admitted): Later => {
      if (admitted instanceof ChaperoneError) return ways.refuse(admitted)
      return admitted === 'renew' ? ways.again(asked.attempt + 1) : ways.proceed(admitted)
    }
    return this.whenKnown(this.#admissions.admit(asked), settle)
  }

  /** Nobody waits any more for whoever is asked; false when nobody is. */
  endHold(reason: HoldEnd): boolean {
    return this.#admissions.end(reason)
  }

  // ---- names and verdicts

  /** A verdict that rests on a name which the target may yet refuse is asked for again when the target has answered. */
  judged(ask: () => Verdict | Promise<Verdict>, then: (verdict: Verdict) => Later): Later {
    this.#uses = NO_USES
    this.#unanswered = undefined
    return this.whenKnown(ask(), (verdict) =>
      this.#unanswered === undefined ? then(verdict) : this.whenKnown(this.#unanswered, () => this.judged(ask, then)),
    )
  }

  #use<T>(entries: NamedEntries<T>, name: string, statementOf: (entry: T) => Statement): Statement | undefined {
    const entry = entries.get(name)
    const statement = entry === undefined ? undefined : statementOf(entry)
    this.#uses = [...this.#uses, { entries, name, entry, statement }]
    this.#unanswered ??= entries.unanswered(name, this.#batch)
    return statement
  }

  /** In a masked session the gateway has a statement and a portal of its own. */
  isOurs(name: string): boolean {
    return this.options.gate.masked && isReservedName(name)
  }

  namesOurs(verdict: AllowedVerdict): boolean {
    return verdict.facts.some(({ session }) => 'name' in session && this.isOurs(session.name))
  }

  /**
   * A cursor needs a transaction block, for which the server takes what was executed before: it would not refuse one that is
   * declared outside, if it was asked something first. With a cursor that is held it is another matter.
   */
  isRefusedAnyway(sql: string, verdict: AllowedVerdict): boolean {
    return needsBlock(sql, verdict) && !this.executed && this.options.isIdle()
  }

  /** Whether it is outside is not known before the target has answered everything that ends or begins a block. */
  mayBeOutside(sql: string, verdict: AllowedVerdict): boolean {
    const { gate, replies } = this.options
    return gate.masked && needsBlock(sql, verdict) && !this.executed && replies.endsBatch
  }

  // ---- stand-ins

  /** What to send in place of a text; undefined for the text itself. An error when it may not be sent. */
  textFor(
    verdict: AllowedVerdict,
    sql: string,
  ): SentText | ChaperoneError | undefined | Promise<SentText | ChaperoneError | undefined> {
    const { gate } = this.options
    if (!gate.masked) return undefined
    const resolved = gate.resolveText(verdict, sql)
    return resolved instanceof Promise ? resolved.then((known) => sentText(sql, known)) : sentText(sql, resolved)
  }

  /**
   * An error when the target has another text for one of these statements than it would be sent now: labels or catalog have
   * changed since, and a constant in it may not be compared any more, or would be something else.
   */
  changed(statements: readonly Statement[]): ChaperoneError | undefined | Promise<ChaperoneError | undefined> {
    if (!this.options.gate.masked || statements.length === 0) return undefined
    const found = statements.map((statement) => this.#changedSince(statement))
    if (!found.some((one) => one instanceof Promise)) return found.find((one) => one instanceof ChaperoneError)
    return Promise.all(found.map((one) => Promise.resolve(one))).then((errors) =>
      errors.find((one) => one !== undefined),
    )
  }

  #changedSince(statement: Statement): ChaperoneError | undefined | Promise<ChaperoneError | undefined> {
    const { gate, statements, portals } = this.options
    // What can be run by a name names nothing itself, so that nothing depends on these.
    const names: KnownNames = {
      statement: (name) => statements.get(name),
      cursor: (name) => portals.get(name)?.prepared,
    }
    const verdict = gate.renew(statement.sql, statement.verdict, names)
    return verdict instanceof Promise
      ? verdict.then((renewed) => this.changedUnder(statement, renewed))
      : this.changedUnder(statement, verdict)
  }

  /** The same for one statement, and a verdict that was given just now. */
  changedUnder(
    statement: Statement,
    verdict: Verdict,
  ): ChaperoneError | undefined | Promise<ChaperoneError | undefined> {
    if (verdict === statement.verdict || !this.options.gate.masked) return undefined
    if (verdict.kind === 'refused') return verdict.error
    const text = this.textFor(verdict, statement.sql)
    return text instanceof Promise ? text.then((known) => otherThan(statement, known)) : otherThan(statement, text)
  }
}

function sentText(
  sql: string,
  resolved: Awaited<ReturnType<Gate['resolveText']>>,
): SentText | ChaperoneError | undefined {
  if (resolved === 'as-is') return undefined
  return resolved instanceof ChaperoneError ? resolved : { asked: sql, resolved }
}

function otherThan(statement: Statement, text: SentText | ChaperoneError | undefined): ChaperoneError | undefined {
  if (text instanceof ChaperoneError) return text
  if (text?.resolved.sql === statement.sent?.resolved.sql) return undefined
  return new ChaperoneError('CHP-CATALOG-CHANGED', {
    message: 'what the constants of the statement stand for has changed since it was prepared; it was not run',
    hint: 'Prepare the statement or declare the cursor again.',
  })
}

/** The statements among what was found under names. */
export const statementsOf = (uses: readonly NameUse[]): readonly Statement[] =>
  uses.flatMap(({ statement }) => (statement === undefined ? [] : [statement]))

/** Positions can be those of a statement that was prepared before: where that was sent otherwise, none can be told. */
export const sentWith = (text: SentText | undefined, uses: readonly NameUse[]): SentText | 'unknown' | undefined =>
  uses.some(({ statement }) => statement?.sent !== undefined) ? 'unknown' : text

/** DECLARE of a cursor that is not held. */
const needsBlock = (sql: string, { facts }: AllowedVerdict): boolean =>
  facts.length === 1 && facts[0]?.command === 'DECLARE CURSOR' && !/hold/i.test(sql)

/** Whether it can start a COPY from the client. */
export const mayCopyIn = (verdict: AllowedVerdict): boolean =>
  verdict.facts.some((facts) => facts.command === 'COPY FROM')
