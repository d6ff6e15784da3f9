import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Gate, TransactionResult } from '../protocol.ts'
import { saysChanged } from './catalog-check.ts'
import { ChunkOutput } from './chunk-output.ts'
import { RowWriter } from './datarow.ts'
import {
  decodeCommandComplete,
  decodeCopyResponse,
  decodeErrorFields,
  decodeParameterDescription,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
} from './decode.ts'
import type { Expected } from './expected.ts'
import type { FrameCursor } from './framing.ts'
import { BACKEND, type TransactionStatus } from './messages.ts'
import type { NamedEntries, Portal } from './named-statements.ts'
import { OperationResponses } from './operation-responses.ts'
import { refusalResponse } from './refusal.ts'
import { ResultRows } from './result-rows.ts'
import type { RunningOperation } from './running-operation.ts'
import type { ReplyQueue } from './state.ts'
import { asAsked, requireAnalysable, unexpected } from './target-reports.ts'
import { withheldError, withheldNotice, withheldNotification } from './withheld.ts'

export interface TargetPumpOptions {
  readonly gate: Gate
  readonly cursor: FrameCursor
  readonly replies: ReplyQueue<Expected>
  readonly toClient: GatedWriter
  readonly portals: NamedEntries<Portal>
  readonly onReady: () => void
  /** Makes the transaction fail that the target has open, by a statement that cannot parse; it is expected as given. */
  readonly poison: (expected: Expected) => void
  /** The target said that it ends the connection; its message has been passed on. */
  readonly onFatal: () => void
}

/** Type byte and length word. */
const HEADER_BYTES = 5

/**
 * Takes the target's messages in order: matches each to what it answers, masks, records, and passes it on. Where replacements
 * for a row have to be fetched, it stops in front of that row until `resume`.
 */
export class TargetPump {
  readonly #options: TargetPumpOptions
  readonly #output = new ChunkOutput(new RowWriter())
  readonly #responses: OperationResponses
  readonly #rows: ResultRows
  #status: TransactionStatus = 'I'
  #batchFailed = false
  /** Why the client was told that what is being answered has failed, though the target goes on: nothing more of it is shown. */
  #cut: ChaperoneError | undefined
  /** CommandComplete of a simple query by the extended protocol, until its transaction has ended. */
  #completion: { readonly frame: Buffer; readonly operation: RunningOperation | undefined } | undefined

  constructor(options: TargetPumpOptions) {
    this.#options = options
    this.#responses = new OperationResponses({ ...options, output: this.#output })
    this.#rows = new ResultRows({ ...options, output: this.#output })
  }

  get status(): TransactionStatus {
    return this.#status
  }

  /** Whether a row waits for replacements: for `fetch`, or for more rows that may lack some and would be asked for with it. */
  get waits(): 'no' | 'for more' | 'for replacements' {
    if (!this.#rows.waiting) return 'no'
    return this.#rows.wantsMore ? 'for more' : 'for replacements'
  }

  feed(chunk: Buffer): void {
    this.#options.cursor.feed(chunk)
    if (this.#rows.waiting) this.#rows.lookAhead()
    else this.#take()
  }

  /** Fetches the replacements that are missing; then goes `resume`. Rejects when there are none. */
  fetch(): Promise<void> {
    return this.#rows.fetch()
  }

  /** Goes on from the row that had to wait. */
  resume(): void {
    this.#rows.again()
    this.#take()
  }

  /**
   * The row that waits, and what follows up to ReadyForQuery, is not released: to the client, the target has failed with this error.
   * Where it cannot be made to, the session ends.
   */
  cutOff(error: ChaperoneError): void {
    const operation = this.#rows.giveUp()
    if (operation !== undefined) {
      operation.sqlstate = error.sqlstate
      this.#responses.begin(operation)
      this.#endIfEffectful(operation, error)
    }
    this.#output.put(refusalResponse(error, 'ERROR'))
    this.#cut = error
    this.#batchFailed = true
    this.#take()
  }

  /** Whether the target still answers what was cut off. */
  get isCut(): boolean {
    return this.#cut !== undefined
  }

  /** Records that operations which were under way when the connection ended have no known outcome. */
  lost(expected: readonly Expected[]): void {
    this.#responses.lost(expected)
  }

  #take(): void {
    const { cursor } = this.#options
    while (!this.#rows.waiting && cursor.next()) {
      if (cursor.type === BACKEND.DataRow) this.#row()
      else this.#message()
    }
    this.#rows.lookAhead()
    this.#responses.release()
  }

  #row(): void {
    // What an Execute answers need not be what was bound or described last.
    const operation = this.#options.replies.accept(BACKEND.DataRow).payload?.operation
    if (operation === undefined) throw unexpected('a row that answers no operation')
    this.#responses.begin(operation)
    if (this.#cut === undefined) this.#rows.dataRow(operation)
  }

  #message(): void {
    const { cursor, replies } = this.#options
    const { type } = cursor
    const reply = replies.accept(type)
    if (reply.kind === 'asynchronous') return this.#asynchronous(type)
    const expected = reply.payload
    const { operation } = expected
    if (operation !== undefined) this.#responses.begin(operation)
    if (reply.kind === 'completes' && type !== BACKEND.ErrorResponse) expected.change?.confirm()
    if (this.#cut !== undefined && type !== BACKEND.ErrorResponse && type !== BACKEND.ReadyForQuery)
      return this.#passedOver(type, expected, this.#cut)
    switch (type) {
      case BACKEND.ErrorResponse:
        return this.#error(expected, reply.dropped)
      case BACKEND.BindComplete:
        if (operation?.via === 'extended' && expected.hidden !== true) this.#responses.bound(operation)
        break
      case BACKEND.ParameterDescription:
        if (expected.statement !== undefined)
          expected.statement.parameterTypes = decodeParameterDescription(cursor.buffer, cursor.body, cursor.end)
        break
      case BACKEND.RowDescription:
        if (operation?.index === -1) return
        this.#described(expected)
        break
      case BACKEND.NoData:
        if (expected.portal !== undefined) expected.portal.described = 'yes'
        // A simple query without rows has no description.
        if (expected.converted === true) return
        break
      case BACKEND.CommandComplete:
        if (expected.check === true) return
        if (operation?.index === -1) {
          operation.index = 0
          return
        }
        // A server commits before it says that a simple query is complete; here the Sync commits.
        if (expected.converted === true) {
          this.#completion = { frame: Buffer.from(cursor.buffer.subarray(cursor.start, cursor.end)), operation }
          return
        }
        this.#pass(expected)
        return this.#completed(operation, decodeCommandComplete(cursor.buffer, cursor.body, cursor.end))
      case BACKEND.EmptyQueryResponse:
        this.#pass(expected)
        return this.#completed(operation, '')
      case BACKEND.PortalSuspended:
        this.#pass(expected)
        if (operation !== undefined) this.#responses.end(operation, 'suspended', undefined)
        return
      case BACKEND.CopyOutResponse:
        this.#copyOut(operation)
        break
      case BACKEND.CopyData:
        return this.#rows.copyRow(operation)
      case BACKEND.CopyInResponse:
        this.#copyIn(operation)
        break
      case BACKEND.CopyBothResponse:
        throw unexpected('CopyBothResponse, which only replication uses')
      case BACKEND.ReadyForQuery:
        return this.#ready(expected)
      default:
        break
    }
    this.#pass(expected)
  }

  #pass(expected: Expected): void {
    const { cursor } = this.#options
    if (expected.hidden !== true) this.#output.pass(cursor.buffer, cursor.start, cursor.end)
  }

  /** A server that had failed would not have said this. */
  #passedOver(type: number, { operation, portal }: Expected, error: ChaperoneError): void {
    if (portal?.described === 'asked') portal.described = 'no'
    if (operation === undefined) return
    this.#endIfEffectful(operation, error)
    const isOver =
      type === BACKEND.CommandComplete || type === BACKEND.PortalSuspended || type === BACKEND.EmptyQueryResponse
    if (isOver && operation.via === 'extended') this.#responses.end(operation, 'error', undefined)
  }

  /** What has an effect must not have it once the client was told that it failed. */
  #endIfEffectful({ permit }: RunningOperation, error: ChaperoneError): void {
    if (permit.verdict.effectful) throw error
  }

  #described({ operation, portal }: Expected): void {
    const { cursor, gate } = this.#options
    if (portal !== undefined) portal.described = 'yes'
    if (operation === undefined) return
    const { columns } = decodeRowDescription(cursor.buffer, cursor.body, cursor.end)
    const facts = operation.results[operation.index]
    operation.useMeter(gate.meter(operation.permit, facts, columns))
    if (!gate.masked) {
      operation.usePlan('pass')
      return
    }
    const plan = gate.plan(operation.permit.verdict, facts, columns)
    if (plan instanceof ChaperoneError) {
      // No row may leave. None comes if the columns are others because the catalog has changed.
      operation.plan = undefined
      operation.refusal = plan
    } else operation.usePlan(plan)
  }

  #copyOut(operation: RunningOperation | undefined): void {
    const { cursor, gate } = this.#options
    if (operation === undefined) return
    operation.copy = undefined
    const { buffer, body, end } = cursor
    const { columnFormats } = decodeCopyResponse('CopyOutResponse', buffer, body, end)
    const facts = operation.results[operation.index]
    operation.useMeter(gate.meter(operation.permit, facts, columnFormats.length))
    if (!gate.masked) return
    const mask = gate.copyPlan(operation.permit.verdict, facts, columnFormats.length)
    if (mask instanceof ChaperoneError) throw mask
    if (mask === 'pass') return
    operation.copy = mask.start()
    for (const name of mask.classes) operation.maskedClasses.add(name)
    // The line with the names of the columns is no row.
    if (facts?.copy?.header === true) operation.rows--
  }

  #copyIn(operation: RunningOperation | undefined): void {
    const { gate } = this.#options
    if (operation !== undefined)
      operation.copyIn = gate.masked ? gate.copyIn(operation.results[operation.index]) : undefined
  }

  #complete(): void {
    if (this.#completion === undefined) return
    const { frame, operation } = this.#completion
    this.#completion = undefined
    this.#output.put(frame)
    this.#completed(operation, decodeCommandComplete(frame, HEADER_BYTES, frame.length))
  }

  #completed(operation: RunningOperation | undefined, tag: string): void {
    if (operation !== undefined) this.#responses.completed(operation, tag)
  }

  #error(expected: Expected, dropped: readonly Expected[]): void {
    const { cursor, gate } = this.#options
    const fields = decodeErrorFields(cursor.buffer, cursor.body, cursor.end)
    const said = fields.get('C') ?? ''
    const known = /^[0-9A-Z]{5}$/.test(said) ? said : 'XX000'
    const asked = expected.check === true || expected.operation?.index === -1
    const changed = asked && saysChanged(known)
    const fatal = fields.get('V') === 'FATAL' || fields.get('V') === 'PANIC'
    const copyRefusal = fatal ? undefined : expected.operation?.copyRefusal
    const sqlstate = copyRefusal?.sqlstate ?? (changed ? CATALOG_CHANGED.sqlstate : known)
    if (this.#cut !== undefined && !fatal) {
      // The client was told.
    } else if (expected.refusal !== undefined && !fatal) {
      this.#output.put(refusalResponse(expected.refusal.error, 'ERROR', expected.refusal.position))
    } else if (copyRefusal !== undefined) {
      this.#output.put(refusalResponse(copyRefusal, 'ERROR'))
    } else if (changed && !fatal) {
      gate.schemaChanged(false)
      this.#output.put(refusalResponse(CATALOG_CHANGED, 'ERROR'))
    } else if (gate.masked) this.#output.put(withheldError(asAsked(fields, expected), gate))
    else this.#output.pass(cursor.buffer, cursor.start, cursor.end)
    this.#batchFailed = true
    this.#completion = undefined
    const { operation } = expected
    expected.change?.failed(operation?.index ?? 0, sqlstate)
    for (const one of dropped) one.change?.undo()
    for (const { portal } of [expected, ...dropped]) if (portal?.described === 'asked') portal.described = 'no'
    if (operation !== undefined) {
      operation.sqlstate = sqlstate
      if (operation.via === 'extended' || fatal) this.#responses.end(operation, 'error', undefined)
    }
    for (const one of dropped) {
      // What the gateway itself ends with a Sync ends with ReadyForQuery, also when it was passed over.
      const endsLater = one.followed === true || one.converted === true
      if (one.operation !== undefined && !endsLater) this.#responses.unused(one.operation)
    }
    if (fatal) this.#options.onFatal()
  }

  #ready(expected: Expected): void {
    const { cursor, portals } = this.#options
    if (expected.followed === true) return
    const before = this.#status
    this.#status = decodeReadyForQuery(cursor.buffer, cursor.body, cursor.end)
    const { operation } = expected
    this.#complete()
    if (this.#cut !== undefined && !this.#endsCut(this.#cut, operation)) return
    this.#pass(expected)
    const failed = this.#batchFailed
    const result = transactionResult(before, this.#status, failed, operation?.tag)
    if (operation !== undefined)
      this.#responses.end(operation, operation.sqlstate === undefined ? 'ok' : 'error', result)
    this.#responses.settleBatch(result)
    this.#batchFailed = false
    if (this.#status === 'I') {
      this.#responses.transactionOver()
      // Those of messages pipelined behind are defined again by their own Bind.
      portals.removeWhere((portal) => portal.operation !== undefined)
    }
    this.#options.onReady()
  }

  /** A transaction in which something failed for the client has to fail at the target, before the client goes on. */
  #endsCut(error: ChaperoneError, operation: RunningOperation | undefined): boolean {
    if (this.#status === 'T') {
      if (operation !== undefined) this.#responses.end(operation, 'error', 'failed')
      // Something that the client has sent behind would come first.
      if (this.#options.replies.length > 0) throw error
      this.#options.poison({ refusal: { error, position: undefined } })
      return false
    }
    this.#cut = undefined
    return true
  }

  #asynchronous(type: number): void {
    const { cursor, gate, replies } = this.#options
    const { buffer, start, body, end } = cursor
    // What a server says of these it says behind the commit; notices can come from before.
    if (type === BACKEND.ParameterStatus || type === BACKEND.NotificationResponse) this.#complete()
    if (type === BACKEND.ParameterStatus) requireAnalysable(decodeParameterStatus(buffer, body, end))
    if (!gate.masked || type === BACKEND.ParameterStatus) this.#output.pass(buffer, start, end)
    else if (type === BACKEND.NotificationResponse) this.#output.put(withheldNotification(buffer, body, end))
    else {
      // It can be about the text of what is being answered.
      const fields = asAsked(decodeErrorFields(buffer, body, end), replies.head?.payload ?? {})
      this.#output.put(type === BACKEND.NoticeResponse ? withheldNotice(fields, gate) : withheldError(fields, gate))
    }
    if (type === BACKEND.ErrorResponse) this.#options.onFatal()
  }
}

function transactionResult(
  before: TransactionStatus,
  after: TransactionStatus,
  failed: boolean,
  tag: string | undefined,
): TransactionResult {
  if (after === 'T') return 'open'
  if (after === 'E') return 'failed'
  if (tag === 'ROLLBACK' || failed || before === 'E') return 'rolled-back'
  return 'committed'
}

const CATALOG_CHANGED = new ChaperoneError('CHP-CATALOG-CHANGED')
