import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { AllowedVerdict, Gate, KnownNames, Prepared, Verdict } from '../protocol.ts'
import { decodeBind, decodeClose, decodeDescribe, decodeExecute, decodeParse, decodeQuery } from './decode.ts'
import { encodeDescribe, encodeFlush, encodeParse, encodeQuery } from './encode.ts'
import type { FrameCursor } from './framing.ts'
import { FRONTEND } from './messages.ts'
import { sealedParameters } from './sealed-parameters.ts'
import type { Change, NamedEntries, NameUse, Portal } from './named-statements.ts'
import { OutgoingRun } from './outgoing-run.ts'
import { POISON_NAME, poisonText } from './refusal.ts'
import type { Expected } from './expected.ts'
import { changeNames } from './definitions.ts'
import { RunningOperation } from './running-operation.ts'
import type { ReplyKind, ReplyQueue } from './state.ts'

export interface ClientPumpOptions {
  readonly gate: Gate
  readonly cursor: FrameCursor
  readonly toTarget: GatedWriter
  readonly statements: NamedEntries<Prepared>
  readonly portals: NamedEntries<Portal>
  /** Announces the replies that a forwarded message will have. */
  readonly expect: (kind: ReplyKind, expected: Expected, mayCopyIn?: boolean) => void
  readonly replies: ReplyQueue<Expected>
  /** Replies that may be outstanding before the next message waits. */
  readonly maxPipelined: number
  /** Stops reading from the client until `resume` is called. */
  readonly pause: () => void
  readonly resume: () => void
  readonly fail: (error: unknown) => void
  readonly terminate: () => void
}

type Later = Promise<void> | undefined

/** Type byte and length word. */
const HEADER_BYTES = 5
const NO_USES: readonly NameUse[] = Object.freeze([])
const PASSES_WHILE_HELD: ReadonlySet<number> = new Set([FRONTEND.Flush, FRONTEND.Terminate])

/** Takes the client's messages in order: judges, records, forwards or refuses each. Waits only for a verdict it lacks. */
export class ClientPump {
  readonly #options: ClientPumpOptions
  readonly #names: KnownNames
  readonly #run: OutgoingRun
  #busy = false
  #stopped = false
  #parked: { readonly type: number; readonly frame: Buffer } | undefined
  /** As many replies are outstanding as may be. */
  #full = false
  /** A message of the current extended-query batch was refused: the rest up to Sync is dropped, as the server drops it. */
  #skipping = false
  /** Number of the current batch: what the server passes over if a message before it fails. A simple query is one. */
  #batch = 0
  // The names that the last judgement rests on, and whether one of them has an answer outstanding from an earlier batch.
  #uses: readonly NameUse[] = NO_USES
  #unanswered: Promise<void> | undefined

  constructor(options: ClientPumpOptions) {
    this.#options = options
    this.#run = new OutgoingRun(options.toTarget)
    this.#names = {
      statement: (name) => this.#use(options.statements, name),
      cursor: (name) => this.#use(options.portals, name)?.prepared,
    }
  }

  feed(chunk: Buffer): void {
    this.#options.cursor.feed(chunk)
    this.pump()
  }

  stop(): void {
    this.#stopped = true
  }

  /** Goes on with what has arrived; also called when the target has answered, because a message may wait for that. */
  pump(): void {
    if (this.#busy) return
    const { cursor, replies, fail } = this.#options
    try {
      while (!this.#stopped && !this.#busy && !this.#isFull()) {
        const parked = this.#parked
        if (parked !== undefined) {
          if (replies.held) break
          this.#parked = undefined
          this.#wait(this.#handle(parked.type, parked.frame))
        } else {
          if (!cursor.next()) break
          const { type } = cursor
          const frame = cursor.buffer.subarray(cursor.start, cursor.end)
          // Until it is known whether a COPY from the client begins, the server may read what follows in two ways.
          if (replies.held && !PASSES_WHILE_HELD.has(type)) this.#parked = { type, frame }
          else this.#wait(this.#handle(type, frame))
        }
      }
      this.#run.flush()
    } catch (error) {
      // What was judged before the fault has been recorded and may go; the target will see the connection end after it.
      this.#run.flush()
      fail(error)
    }
  }

  /** A message waits for the target's answer to one before it. */
  get parked(): boolean {
    return this.#parked !== undefined || this.#full
  }

  #isFull(): boolean {
    const { replies, maxPipelined } = this.#options
    const full = replies.length >= maxPipelined
    // A server may keep its replies until Sync, which may be among what waits here.
    if (full && !this.#full && !replies.copying) this.#run.inject(encodeFlush())
    this.#full = full
    return full
  }

  #wait(later: Later): void {
    if (later === undefined) return
    const { pause, resume, fail } = this.#options
    this.#busy = true
    pause()
    later.then(
      () => {
        this.#busy = false
        resume()
        this.pump()
      },
      (error: unknown) => fail(error),
    )
  }

  #handle(type: number, frame: Buffer): Later {
    const { replies, expect } = this.#options
    switch (type) {
      case FRONTEND.Sync:
        this.#skipping = false
        // During COPY from the client the server passes over it.
        if (!replies.copying) {
          this.#run.forward(frame)
          expect('sync', {})
          this.#batch++
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

  // ---- simple query (PostgreSQL documentation, section 55.2.2)

  #query(sql: string, frame: Buffer): Later {
    const { gate } = this.#options
    return this.#judged(
      () => gate.judge(sql, this.#names),
      (verdict) => {
        if (verdict.kind === 'refused') return this.#refuseQuery(verdict.error, sql, verdict.facts, verdict.position)
        const change = changeNames(this.#options, sql, verdict, this.#batch)
        if (change instanceof ChaperoneError) return this.#refuseQuery(change, sql, verdict.facts)
        const permit = gate.request(verdict, { via: 'simple', sql })
        this.#run.require(permit)
        this.#run.forward(frame)
        const operation = new RunningOperation(permit, 'simple', verdict.facts)
        this.#options.expect('query', { operation, change }, mayCopyIn(verdict))
        this.#batch++
        return undefined
      },
    )
  }

  #refuseQuery(error: ChaperoneError, sql: string, facts: readonly SqlFacts[], position?: number): undefined {
    this.#options.gate.refused(error, { via: 'simple', sql }, facts)
    this.#poisonQuery(error, position)
    return undefined
  }

  #poisonQuery(error: ChaperoneError, position: number | undefined): void {
    this.#run.inject(encodeQuery(poisonText(error.code)))
    this.#options.expect('query', { refusal: { error, position } })
    this.#batch++
  }

  // ---- extended query (section 55.2.3)

  #parse(frame: Buffer, { name, sql }: { readonly name: string; readonly sql: string }): Later {
    return this.#judged(
      () => this.#options.gate.judge(sql, this.#names),
      (verdict) => {
        const { statements, expect } = this.#options
        if (verdict.kind === 'refused') return this.#refuseExtended(verdict.error, sql, verdict.facts, verdict.position)
        if (!statements.hasRoom(name)) return this.#refuseExtended(tooManyNames(), sql, verdict.facts)
        const change = statements.define(name, { sql, verdict, index: 0 }, this.#batch)
        this.#run.forward(frame)
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
          if (!portals.hasRoom(bind.portal)) return this.#refuseExtended(tooManyNames(), prepared.sql, verdict.facts)
          const parameters = sealedParameters(frame, bind)
          const permit = gate.request(verdict, { via: 'extended', sql: prepared.sql, parameters })
          this.#run.require(permit)
          const facts = verdict.facts[prepared.index]
          const operation = new RunningOperation(permit, 'extended', facts === undefined ? [] : [facts])
          const portal: Portal = { prepared: { ...prepared, verdict }, operation, uses: this.#uses, described: 'no' }
          const change = portals.define(bind.portal, portal, this.#batch)
          this.#run.forward(frame)
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
        this.#run.forward(frame)
        expect('describe-statement', {})
        return undefined
      })
    }
    return this.#named(portals, name, (portal) => {
      this.#run.forward(frame)
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
        this.#forwardExecute(name, { ...portal, described: 'no' }, operation, frame, undefined)
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
    if (this.#options.gate.masked && portal.described === 'no') {
      this.#run.inject(encodeDescribe('P', name))
      portal.described = 'asked'
      this.#options.expect('describe-portal', { portal, operation, hidden: true })
    }
    this.#run.forward(frame)
    this.#options.expect('execute', { operation, change }, mayCopyIn(operation.permit.verdict))
  }

  #close({ target, name }: { readonly target: 'S' | 'P'; readonly name: string }, frame: Buffer): Later {
    const names = target === 'S' ? this.#options.statements : this.#options.portals
    const change = names.remove(name, this.#batch)
    this.#run.forward(frame)
    this.#options.expect('close', { change })
    return undefined
  }

  #refuseExtended(error: ChaperoneError, sql: string, facts: readonly SqlFacts[], position?: number): undefined {
    this.#options.gate.refused(error, { via: 'extended', sql }, facts)
    this.#run.inject(encodeParse(POISON_NAME, poisonText(error.code), []))
    this.#options.expect('parse', { refusal: { error, position } })
    this.#skipping = true
    return undefined
  }
}

const mayCopyIn = (verdict: AllowedVerdict): boolean => verdict.facts.some((facts) => facts.command === 'COPY FROM')

const unknownName = (): ChaperoneError => new ChaperoneError('CHP-SQL-UNKNOWN-NAME')

const tooManyNames = (): ChaperoneError =>
  new ChaperoneError('CHP-LIMIT-EXCEEDED', { message: 'the session has too many prepared statements or portals' })
