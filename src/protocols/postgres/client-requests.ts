import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { AllowedVerdict, Gate, KnownNames, Prepared, Verdict } from '../protocol.ts'
import { isReservedName } from './catalog-check.ts'
import { CheckedQueries } from './checked-query.ts'
import { decodeBind, decodeClose, decodeDescribe, decodeExecute, decodeParse, decodeQuery } from './decode.ts'
import { changeNames } from './definitions.ts'
import { encodeDescribe, encodeFlush, encodeParse, encodeQuery } from './encode.ts'
import type { Expected } from './expected.ts'
import { FRONTEND } from './messages.ts'
import { reservedName, tooManyNames, unknownName } from './name-errors.ts'
import type { Change, NamedEntries, NameUse, Portal } from './named-statements.ts'
import { OutgoingRun } from './outgoing-run.ts'
import { POISON_NAME, poisonText } from './refusal.ts'
import { RunningOperation } from './running-operation.ts'
import { sealedParameters } from './sealed-parameters.ts'
import type { ReplyKind, ReplyQueue } from './state.ts'

export interface ClientRequestsOptions {
  readonly gate: Gate
  readonly toTarget: GatedWriter
  readonly statements: NamedEntries<Prepared>
  readonly portals: NamedEntries<Portal>
  /** Announces the replies that a forwarded message will have. */
  readonly expect: (kind: ReplyKind, expected: Expected, mayCopyIn?: boolean) => void
  readonly replies: ReplyQueue<Expected>
  /** Whether the target's last ReadyForQuery was outside a transaction. */
  readonly isIdle: () => boolean
  readonly terminate: () => void
}

/** What has to be waited for before the next message may be taken. */
export type Later = Promise<void> | undefined

/** Type byte and length word. */
const HEADER_BYTES = 5
const NO_USES: readonly NameUse[] = Object.freeze([])

/** Judges, records, forwards or refuses a client's messages, one after the other. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions
  readonly #names: KnownNames
  readonly #run: OutgoingRun
  readonly #checked: CheckedQueries
  #stopped = false
  /** A message of the current extended-query batch was refused: the rest up to Sync is dropped, as the server drops it. */
  #skipping = false
  /** Messages of the extended protocol were sent since the last Sync: one may have failed, and a query be passed over. */
  #midBatch = false
  /** One of them was Execute. */
  #executed = false
  /** Continues what waits for every reply that is outstanding. */
  #onDrained: (() => void) | undefined
  /** Number of the current batch: what the server passes over if a message before it fails. A simple query is one. */
  #batch = 0
  // The names that the last judgement rests on, and whether one of them has an answer outstanding from an earlier batch.
  #uses: readonly NameUse[] = NO_USES
  #unanswered: Promise<void> | undefined

  constructor(options: ClientRequestsOptions) {
    this.#options = options
    this.#run = new OutgoingRun(options.toTarget)
    this.#checked = new CheckedQueries({ ...options, run: this.#run })
    this.#names = {
      statement: (name) => this.#use(options.statements, name),
      cursor: (name) => this.#use(options.portals, name)?.prepared,
    }
  }

  /** Nothing that is still being judged goes on. */
  stop(): void {
    this.#stopped = true
  }

  /** What was forwarded leaves. */
  flush(): void {
    this.#run.flush()
  }

  /** A server may keep its replies until Sync, which may be among what waits. */
  askForReplies(): void {
    this.#run.inject(encodeFlush())
  }

  /** Told that the target may have answered everything. */
  answered(): void {
    if (this.#onDrained === undefined || this.#options.replies.length > 0) return
    this.#onDrained()
    this.#onDrained = undefined
  }

  /** Takes one message. */
  handle(type: number, frame: Buffer): Later {
    const { replies, expect } = this.#options
    switch (type) {
      case FRONTEND.Sync:
        this.#skipping = false
        // During COPY from the client the server passes over it.
        if (!replies.copying) {
          this.#run.forward(frame)
          expect('sync', {})
          this.#endBatch()
          this.#midBatch = false
        }
        return undefined
      case FRONTEND.Terminate:
        this.#run.forward(frame)
        this.#run.flush()
        this.#stopped = true
        this.#options.terminate()
        return undefined
      case FRONTEND.CopyData:
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        if (replies.clientCopy(type) === 'forward') this.#run.forward(frame)
        return undefined
      case FRONTEND.Flush:
        if (!replies.copying) this.#run.forward(frame)
        return undefined
      default:
        return this.#skipping || replies.skipping ? undefined : this.#request(type, frame)
    }
  }

  #endBatch(): void {
    this.#batch++
    this.#executed = false
  }

  #request(type: number, frame: Buffer): Later {
    const end = frame.length
    switch (type) {
      case FRONTEND.Query:
        return this.#query(decodeQuery(frame, HEADER_BYTES, end), frame)
      case FRONTEND.Parse:
        return this.#parse(frame, decodeParse(frame, HEADER_BYTES, end))
      case FRONTEND.Bind:
        return this.#bind(frame)
      case FRONTEND.Describe:
        return this.#describe(decodeDescribe(frame, HEADER_BYTES, end), frame)
      case FRONTEND.Execute:
        return this.#execute(decodeExecute(frame, HEADER_BYTES, end).portal, frame)
      case FRONTEND.Close:
        return this.#close(decodeClose(frame, HEADER_BYTES, end), frame)
      case FRONTEND.FunctionCall: {
        const message = 'fast-path function calls are not available'
        const error = new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED', { message })
        this.#options.gate.refused(error, { via: 'simple', sql: '' }, [])
        this.#poisonQuery(error, undefined)
        return undefined
      }
      default:
        throw new ChaperoneError('CHP-PROTOCOL-VIOLATION')
    }
  }

  // ---- names and verdicts

  #use<T>(entries: NamedEntries<T>, name: string): T | undefined {
    const entry = entries.get(name)
    this.#uses = [...this.#uses, { entries, name, entry }]
    this.#unanswered ??= entries.unanswered(name, this.#batch)
    return entry
  }

  /** A verdict that rests on a name which the target may yet refuse is asked for again when the target has answered. */
  #judged(ask: () => Verdict | Promise<Verdict>, then: (verdict: Verdict) => Later): Later {
    this.#uses = NO_USES
    this.#unanswered = undefined
    return this.#whenKnown(ask(), (verdict) =>
      this.#unanswered === undefined ? then(verdict) : this.#whenKnown(this.#unanswered, () => this.#judged(ask, then)),
    )
  }

  /** Finds what a message of the extended protocol names, likewise. */
  #named<T>(entries: NamedEntries<T>, name: string, then: (entry: T) => Later): Later {
    const unanswered = entries.unanswered(name, this.#batch)
    if (unanswered !== undefined) return this.#whenKnown(unanswered, () => this.#named(entries, name, then))
    const entry = entries.get(name)
    return entry === undefined ? this.#refuseExtended(unknownName(), '', []) : then(entry)
  }

  /**
   * Continues at once when the value is there, so that the common path makes no promise. When it was waited for, and the
   * server passes over the message by now, there is nothing to continue.
   */
  #whenKnown<T>(value: T | Promise<T>, then: (value: T) => Later): Later {
    if (!(value instanceof Promise)) return then(value)
    return value.then((known) => (this.#stopped || this.#options.replies.skipping ? undefined : then(known)))
  }

  /** In a masked session the gateway has a statement and a portal of its own. */
  #isOurs(name: string): boolean {
    return this.#options.gate.masked && isReservedName(name)
  }

  #namesOurs(verdict: AllowedVerdict): boolean {
    return verdict.facts.some(({ session }) => 'name' in session && this.#isOurs(session.name))
  }

  /**
   * A cursor needs a transaction block, for which the server takes what was executed before: it would not refuse one that is
   * declared outside, if it was asked something first. With a cursor that is held it is another matter.
   */
  #isRefusedAnyway(sql: string, verdict: AllowedVerdict): boolean {
    return needsBlock(sql, verdict) && !this.#executed && this.#options.isIdle()
  }

  /** Whether it is outside is not known before the target has answered everything that ends or begins a block. */
  #mayBeOutside(sql: string, verdict: AllowedVerdict): boolean {
    const { gate, replies } = this.#options
    return gate.masked && needsBlock(sql, verdict) && !this.#executed && replies.endsBatch
  }

  // ---- simple query (PostgreSQL documentation, section 55.2.2)

  #query(sql: string, frame: Buffer): Later {
    const { gate } = this.#options
    return this.#judged(
      () => gate.judge(sql, this.#names),
      (verdict) => {
        if (verdict.kind === 'refused') return this.#refuseQuery(verdict.error, sql, verdict.facts, verdict.position)
        if (this.#namesOurs(verdict)) return this.#refuseQuery(reservedName(), sql, verdict.facts)
        if (this.#mayBeOutside(sql, verdict)) return this.#whenKnown(this.#drained(), () => this.#query(sql, frame))
        const expectation = this.#isRefusedAnyway(sql, verdict) ? undefined : gate.check(verdict)
        if (expectation instanceof ChaperoneError) return this.#refuseQuery(expectation, sql, verdict.facts)
        // What is sent with a Sync of its own must not end a batch that has failed: the server passes over the query then.
        const waits = expectation !== undefined && this.#midBatch
        // A query during COPY ends the session, and would wait for rows that come behind it.
        if (waits && this.#options.replies.length > 0 && !this.#options.replies.copying)
          return this.#whenKnown(this.#drained(), () => this.#query(sql, frame))
        const change = changeNames(this.#options, sql, verdict, this.#batch)
        if (change instanceof ChaperoneError) return this.#refuseQuery(change, sql, verdict.facts)
        const permit = gate.request(verdict, { via: 'simple', sql })
        this.#run.require(permit)
        const operation = new RunningOperation(permit, 'simple', verdict.facts)
        if (expectation !== undefined) {
          this.#checked.query(sql, operation, change, expectation, this.#batch)
          this.#midBatch = false
        } else {
          this.#run.forward(frame)
          this.#options.expect('query', { operation, change }, mayCopyIn(verdict))
        }
        this.#checked.sent(verdict)
        this.#endBatch()
        return undefined
      },
    )
  }

  /** Resolves when the target has answered all that was sent. */
  #drained(): Promise<void> {
    this.#run.inject(encodeFlush())
    // Where a verdict was waited for, nobody else lets it leave before it is answered.
    this.#run.flush()
    return new Promise((resolve) => {
      this.#onDrained = resolve
    })
  }

  #refuseQuery(error: ChaperoneError, sql: string, facts: readonly SqlFacts[], position?: number): undefined {
    this.#options.gate.refused(error, { via: 'simple', sql }, facts)
    this.#poisonQuery(error, position)
    return undefined
  }

  #poisonQuery(error: ChaperoneError, position: number | undefined): void {
    this.#run.inject(encodeQuery(poisonText(error.code)))
    this.#options.expect('query', { refusal: { error, position } })
    this.#endBatch()
  }

  // ---- extended query (section 55.2.3)

  #parse(frame: Buffer, { name, sql }: { readonly name: string; readonly sql: string }): Later {
    return this.#judged(
      () => this.#options.gate.judge(sql, this.#names),
      (verdict) => {
        const { statements, expect } = this.#options
        if (verdict.kind === 'refused') return this.#refuseExtended(verdict.error, sql, verdict.facts, verdict.position)
        if (this.#isOurs(name) || this.#namesOurs(verdict))
          return this.#refuseExtended(reservedName(), sql, verdict.facts)
        if (!statements.hasRoom(name)) return this.#refuseExtended(tooManyNames(), sql, verdict.facts)
        const change = statements.define(name, { sql, verdict, index: 0, madeBy: 'message' }, this.#batch)
        this.#forward(frame)
        expect('parse', { change })
        return undefined
      },
    )
  }

  #bind(frame: Buffer): Later {
    const bind = decodeBind(frame, HEADER_BYTES, frame.length)
    const { statements, gate } = this.#options
    return this.#named(statements, bind.statement, (prepared) =>
      this.#judged(
        () => gate.renew(prepared.sql, prepared.verdict, this.#names),
        (verdict) => {
          if (verdict.kind === 'refused') return this.#refuseExtended(verdict.error, prepared.sql, verdict.facts)
          const { portals, expect } = this.#options
          if (this.#isOurs(bind.portal)) return this.#refuseExtended(reservedName(), prepared.sql, verdict.facts)
          if (!portals.hasRoom(bind.portal)) return this.#refuseExtended(tooManyNames(), prepared.sql, verdict.facts)
          const parameters = sealedParameters(frame, bind)
          const permit = gate.request(verdict, { via: 'extended', sql: prepared.sql, parameters })
          this.#run.require(permit)
          const facts = verdict.facts[prepared.index]
          const operation = new RunningOperation(permit, 'extended', facts === undefined ? [] : [facts])
          const portal: Portal = {
            prepared: { ...prepared, verdict },
            operation,
            uses: this.#uses,
            described: 'no',
            checked: false,
          }
          const change = portals.define(bind.portal, portal, this.#batch)
          this.#forward(frame)
          expect('bind', { operation, change })
          return undefined
        },
      ),
    )
  }

  #describe({ target, name }: { readonly target: 'S' | 'P'; readonly name: string }, frame: Buffer): Later {
    const { statements, portals, expect } = this.#options
    if (target === 'S') {
      return this.#named(statements, name, () => {
        this.#forward(frame)
        expect('describe-statement', {})
        return undefined
      })
    }
    return this.#named(portals, name, (portal) => {
      this.#forward(frame)
      portal.described = 'asked'
      expect('describe-portal', { portal, operation: portal.operation })
      return undefined
    })
  }

  #execute(name: string, frame: Buffer): Later {
    return this.#named(this.#options.portals, name, (portal) =>
      portal.operation === undefined
        ? this.#executeCursor(name, portal, frame)
        : this.#executePortal(name, portal, portal.operation, frame),
    )
  }

  #executePortal(name: string, portal: Portal, operation: RunningOperation, frame: Buffer): Later {
    const { sql, verdict } = portal.prepared
    for (const use of portal.uses) {
      const unanswered = use.entries.unanswered(use.name, this.#batch)
      if (unanswered !== undefined)
        return this.#whenKnown(unanswered, () => this.#executePortal(name, portal, operation, frame))
      // It was judged as something else.
      if (use.entries.get(use.name) !== use.entry) return this.#refuseExtended(unknownName(), sql, verdict.facts)
    }
    if (this.#mayBeOutside(sql, verdict))
      return this.#whenKnown(this.#drained(), () => this.#executePortal(name, portal, operation, frame))
    const change = changeNames(this.#options, sql, verdict, this.#batch)
    if (change instanceof ChaperoneError) return this.#refuseExtended(change, sql, verdict.facts)
    this.#forwardExecute(name, portal, operation, frame, change)
    return undefined
  }

  /** Execute on a cursor that SQL DECLARE made: an operation of its own. */
  #executeCursor(name: string, portal: Portal, frame: Buffer): Later {
    const { prepared } = portal
    const { gate } = this.#options
    return this.#judged(
      () => gate.renew(prepared.sql, prepared.verdict, this.#names),
      (verdict) => {
        if (verdict.kind === 'refused') return this.#refuseExtended(verdict.error, prepared.sql, verdict.facts)
        const permit = gate.request(verdict, { via: 'extended', sql: prepared.sql })
        this.#run.require(permit)
        const operation = new RunningOperation(
          permit,
          'extended',
          verdict.facts.slice(prepared.index, prepared.index + 1),
        )
        this.#forwardExecute(name, { ...portal, described: 'no', checked: false }, operation, frame, undefined)
        return undefined
      },
    )
  }

  #forwardExecute(
    name: string,
    portal: Portal,
    operation: RunningOperation,
    frame: Buffer,
    change: Change | undefined,
  ): void {
    const { gate } = this.#options
    if (gate.masked && portal.described === 'no') {
      this.#run.inject(encodeDescribe('P', name))
      portal.described = 'asked'
      this.#options.expect('describe-portal', { portal, operation, hidden: true })
    }
    const { verdict } = operation.permit
    const isChecked = portal.checked || this.#isRefusedAnyway(portal.prepared.sql, verdict)
    const expectation = isChecked ? undefined : gate.checkExecuted(verdict, operation.results[0])
    if (expectation !== undefined) {
      this.#checked.beforeExecute(operation, expectation, this.#batch, () => {
        portal.checked = true
      })
    }
    this.#executed = true
    this.#forward(frame)
    this.#options.expect('execute', { operation, change }, mayCopyIn(verdict))
    this.#checked.sent(verdict)
  }

  #close({ target, name }: { readonly target: 'S' | 'P'; readonly name: string }, frame: Buffer): Later {
    if (this.#isOurs(name)) return this.#refuseExtended(reservedName(), '', [])
    const names = target === 'S' ? this.#options.statements : this.#options.portals
    const change = names.remove(name, this.#batch)
    this.#forward(frame)
    this.#options.expect('close', { change })
    return undefined
  }

  #forward(frame: Buffer): void {
    this.#run.forward(frame)
    this.#midBatch = true
  }

  #refuseExtended(error: ChaperoneError, sql: string, facts: readonly SqlFacts[], position?: number): undefined {
    this.#options.gate.refused(error, { via: 'extended', sql }, facts)
    this.#run.inject(encodeParse(POISON_NAME, poisonText(error.code), []))
    this.#options.expect('parse', { refusal: { error, position } })
    this.#midBatch = true
    this.#skipping = true
    return undefined
  }
}

/** DECLARE of a cursor that is not held. */
const needsBlock = (sql: string, { facts }: AllowedVerdict): boolean =>
  facts.length === 1 && facts[0]?.command === 'DECLARE CURSOR' && !/hold/i.test(sql)

const mayCopyIn = (verdict: AllowedVerdict): boolean => verdict.facts.some((facts) => facts.command === 'COPY FROM')
