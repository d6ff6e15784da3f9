import { isUtf8Name } from '../../lib/encoding-name.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Gate, Outcome, TransactionResult } from '../protocol.ts'
import { ChunkOutput } from './chunk-output.ts'
import { RowWriter, rewriteDataRow } from './datarow.ts'
import {
  decodeCommandComplete,
  decodeCopyResponse,
  decodeErrorFields,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
} from './decode.ts'
import { saysChanged } from './catalog-check.ts'
import { encodeCopyData } from './encode.ts'
import type { Expected } from './expected.ts'
import type { FrameCursor } from './framing.ts'
import { cellsForRow } from './group-cells.ts'
import { BACKEND, type TransactionStatus } from './messages.ts'
import type { NamedEntries, Portal } from './named-statements.ts'
import { refusalResponse } from './refusal.ts'
import type { RunningOperation } from './running-operation.ts'
import type { ReplyQueue } from './state.ts'
import { withheldError, withheldNotice, withheldNotification } from './withheld.ts'

export interface TargetPumpOptions {
  readonly gate: Gate
  readonly cursor: FrameCursor
  readonly replies: ReplyQueue<Expected>
  readonly toClient: GatedWriter
  readonly portals: NamedEntries<Portal>
  readonly onReady: () => void
  /** The target said that it ends the connection; its message has been passed on. */
  readonly onFatal: () => void
}

/** Type byte and length word. */
const HEADER_BYTES = 5

/** A stretch of the output of one chunk that answers one operation. */
interface Stretch {
  readonly operation: RunningOperation
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly outcome: Outcome | undefined
}

/** Takes the target's messages in order: matches each to what it answers, masks, records, and passes it on. */
export class TargetPump {
  readonly #options: TargetPumpOptions
  readonly #output = new ChunkOutput(new RowWriter())
  #status: TransactionStatus = 'I'
  // The stretch that is being written, and those of this chunk that are done.
  #current: RunningOperation | undefined
  #from = 0
  #rowsBefore = 0
  #stretches: Stretch[] = []
  /** Bound and not executed: they end unused with their transaction. */
  readonly #bound = new Set<RunningOperation>()
  /** The newest intent that has to be durable before this chunk's output may leave. */
  #durable = 0
  /** Operations of the extended protocol since the last ReadyForQuery that change something. */
  #batch: { first: number; last: number } | undefined
  #batchFailed = false
  #schemaTouched = false
  /** CommandComplete of a simple query by the extended protocol, until its transaction has ended. */
  #completion: { readonly frame: Buffer; readonly operation: RunningOperation | undefined } | undefined

  constructor(options: TargetPumpOptions) {
    this.#options = options
  }

  get status(): TransactionStatus {
    return this.#status
  }

  feed(chunk: Buffer): void {
    const { cursor } = this.#options
    this.#from = 0
    if (this.#current !== undefined) this.#rowsBefore = this.#current.rows
    cursor.feed(chunk)
    while (cursor.next()) {
      if (cursor.type === BACKEND.DataRow) this.#row()
      else this.#message()
    }
    this.#release()
  }

  /** Records that operations which were under way when the connection ended have no known outcome. */
  lost(expected: readonly Expected[]): void {
    const seen = new Set<RunningOperation>()
    if (this.#current !== undefined) seen.add(this.#current)
    for (const operation of this.#bound) seen.add(operation)
    for (const { operation } of expected) if (operation !== undefined) seen.add(operation)
    for (const operation of seen) {
      if (!operation.finished)
        this.#options.gate.outcome(operation.permit, finish(operation, 'lost', undefined), undefined)
    }
  }

  // ---- rows

  #row(): void {
    const { cursor, replies, gate } = this.#options
    // What an Execute answers need not be what was bound or described last.
    const operation = replies.accept(BACKEND.DataRow).payload?.operation
    if (operation === undefined) throw unexpected('a row that answers no operation')
    if (operation !== this.#current) this.#begin(operation)
    operation.rows++
    const { plan } = operation
    if (plan === 'pass' || !gate.masked) this.#output.pass(cursor.buffer, cursor.start, cursor.end)
    else if (plan === undefined) throw operation.refusal ?? unexpected('a row of a result that was not described')
    else {
      const { body, buffer, end } = cursor
      rewriteDataRow(buffer, body, end, cellsForRow(plan, buffer, body, end), this.#output.writer())
    }
  }

  // ---- everything else

  #message(): void {
    const { cursor, replies } = this.#options
    const { type } = cursor
    const reply = replies.accept(type)
    if (reply.kind === 'asynchronous') return this.#asynchronous(type)
    const expected = reply.payload
    const { operation } = expected
    if (operation !== undefined && operation !== this.#current) this.#begin(operation)
    if (reply.kind === 'completes' && type !== BACKEND.ErrorResponse) expected.change?.confirm()
    switch (type) {
      case BACKEND.ErrorResponse:
        return this.#error(expected, reply.dropped)
      case BACKEND.BindComplete:
        if (operation?.via === 'extended' && expected.hidden !== true) this.#bound.add(operation)
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
        if (operation !== undefined) this.#end(operation, 'suspended', undefined)
        return
      case BACKEND.CopyOutResponse:
        this.#copyOut(operation)
        break
      case BACKEND.CopyData:
        return this.#copyRow(operation)
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

  #described({ operation, portal }: Expected): void {
    const { cursor, gate } = this.#options
    if (portal !== undefined) portal.described = 'yes'
    if (operation === undefined) return
    if (!gate.masked) {
      operation.usePlan('pass')
      return
    }
    const columns = decodeRowDescription(cursor.buffer, cursor.body, cursor.end).columns
    const plan = gate.plan(operation.permit.verdict, operation.results[operation.index], columns)
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
    if (!gate.masked) return
    const { buffer, body, end } = cursor
    const { columnFormats } = decodeCopyResponse('CopyOutResponse', buffer, body, end)
    const facts = operation.results[operation.index]
    const mask = gate.copyPlan(operation.permit.verdict, facts, columnFormats.length)
    if (mask instanceof ChaperoneError) throw mask
    if (mask === 'pass') return
    operation.copy = mask.start()
    for (const name of mask.classes) operation.maskedClasses.add(name)
    // The line with the names of the columns is no row.
    if (facts?.copy?.header === true) operation.rows--
  }

  #copyRow(operation: RunningOperation | undefined): void {
    const { cursor } = this.#options
    const { buffer, start, body, end } = cursor
    if (operation?.copy === undefined) return this.#output.pass(buffer, start, end)
    const row = operation.copy.row(buffer, body, end)
    operation.rows++
    if (row === null) this.#output.pass(buffer, start, end)
    else this.#output.put(encodeCopyData(row))
  }

  #complete(): void {
    if (this.#completion === undefined) return
    const { frame, operation } = this.#completion
    this.#completion = undefined
    this.#output.put(frame)
    this.#completed(operation, decodeCommandComplete(frame, HEADER_BYTES, frame.length))
  }

  #completed(operation: RunningOperation | undefined, tag: string): void {
    if (operation === undefined) return
    operation.tag = commandOf(tag)
    const { facts } = operation.permit.verdict
    if (operation.via === 'simple' && facts.length > 1 && endsTransaction(operation)) {
      // What follows in the text is another transaction, with a result of its own.
      this.#batch = { first: this.#batch?.first ?? operation.permit.op, last: operation.permit.op }
      this.#settleBatch(operation.tag === 'COMMIT' ? 'committed' : 'rolled-back')
    }
    if (operation.rows === operation.rowsBefore) operation.rows += countOf(tag)
    if (operation.via === 'extended') {
      this.#end(operation, 'ok', undefined)
      return
    }
    // A simple query ends with ReadyForQuery; until then the next statement of its text may follow.
    operation.index++
    operation.rowsBefore = operation.rows
    operation.plan = undefined
  }

  #error(expected: Expected, dropped: readonly Expected[]): void {
    const { cursor, gate } = this.#options
    const fields = decodeErrorFields(cursor.buffer, cursor.body, cursor.end)
    const said = fields.get('C') ?? ''
    const known = /^[0-9A-Z]{5}$/.test(said) ? said : 'XX000'
    const asked = expected.check === true || expected.operation?.index === -1
    const changed = asked && saysChanged(known)
    const sqlstate = changed ? CATALOG_CHANGED.sqlstate : known
    const fatal = fields.get('V') === 'FATAL' || fields.get('V') === 'PANIC'
    if (expected.refusal !== undefined && !fatal) {
      this.#output.put(refusalResponse(expected.refusal.error, 'ERROR', expected.refusal.position))
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
      if (operation.via === 'extended' || fatal) this.#end(operation, 'error', undefined)
    }
    for (const one of dropped) {
      // What the gateway itself ends with a Sync ends with ReadyForQuery, also when it was passed over.
      const endsLater = one.followed === true || one.converted === true
      if (one.operation !== undefined && !endsLater) this.#unused(one.operation)
    }
    if (fatal) this.#options.onFatal()
  }

  #ready(expected: Expected): void {
    const { cursor, gate, portals } = this.#options
    if (expected.followed === true) return
    const before = this.#status
    this.#status = decodeReadyForQuery(cursor.buffer, cursor.body, cursor.end)
    const { operation } = expected
    this.#complete()
    this.#pass(expected)
    const failed = this.#batchFailed
    const result = transactionResult(before, this.#status, failed, operation?.tag)
    if (operation !== undefined) this.#end(operation, operation.sqlstate === undefined ? 'ok' : 'error', result)
    this.#settleBatch(result)
    this.#batchFailed = false
    if (this.#status === 'I') {
      if (this.#schemaTouched) gate.schemaChanged(true)
      this.#schemaTouched = false
      // Portals end with their transaction; those of messages pipelined behind are defined again by their own Bind.
      for (const one of this.#bound) this.#unused(one)
      portals.removeWhere((portal) => portal.operation !== undefined)
    }
    this.#options.onReady()
  }

  #asynchronous(type: number): void {
    const { cursor, gate } = this.#options
    const { buffer, start, body, end } = cursor
    // What a server says of these it says behind the commit; notices can come from before.
    if (type === BACKEND.ParameterStatus || type === BACKEND.NotificationResponse) this.#complete()
    if (type === BACKEND.ParameterStatus) requireAnalysable(decodeParameterStatus(buffer, body, end))
    if (!gate.masked || type === BACKEND.ParameterStatus) this.#output.pass(buffer, start, end)
    else if (type === BACKEND.NoticeResponse)
      this.#output.put(withheldNotice(decodeErrorFields(buffer, body, end), gate))
    else if (type === BACKEND.ErrorResponse) {
      this.#output.put(withheldError(decodeErrorFields(buffer, body, end), gate))
    } else this.#output.put(withheldNotification(buffer, body, end))
    if (type === BACKEND.ErrorResponse) this.#options.onFatal()
  }

  // ---- operations

  #begin(operation: RunningOperation): void {
    if (this.#current !== undefined) this.#closeStretch(undefined)
    this.#current = operation
    this.#from = this.#output.length
    this.#rowsBefore = operation.rows
    if (operation.permit.intent > this.#durable) this.#durable = operation.permit.intent
  }

  #end(operation: RunningOperation, result: Outcome['result'], transaction: TransactionResult | undefined): void {
    if (operation.via === 'extended' && result !== 'suspended') {
      if (operation.permit.verdict.effectful) {
        const { op } = operation.permit
        this.#batch = { first: this.#batch?.first ?? op, last: op }
      }
      // What follows up to Sync is another transaction.
      if (result === 'ok' && endsTransaction(operation))
        this.#settleBatch(operation.tag === 'COMMIT' ? 'committed' : 'rolled-back')
    }
    // A text that failed half-way may have committed the half before (`CREATE …; COMMIT; <error>`).
    if ((result === 'ok' || operation.index > 0) && operation.mayChangeSchema) {
      this.#schemaTouched = true
      this.#options.gate.schemaChanged(false)
    }
    this.#bound.delete(operation)
    if (this.#current !== operation) this.#begin(operation)
    this.#closeStretch(finish(operation, result, transaction))
    this.#current = undefined
  }

  #settleBatch(result: TransactionResult): void {
    if (this.#batch === undefined) return
    this.#options.gate.transaction(result, this.#batch.first, this.#batch.last)
    if (result === 'committed' || result === 'rolled-back') this.#batch = undefined
  }

  #unused(operation: RunningOperation): void {
    this.#bound.delete(operation)
    if (operation.finished) return
    const outcome = finish(operation, 'unused', undefined)
    if (operation !== this.#current) this.#options.gate.outcome(operation.permit, outcome, undefined)
    else {
      this.#closeStretch(outcome)
      this.#current = undefined
    }
  }

  #closeStretch(outcome: Outcome | undefined): void {
    const operation = this.#current
    if (operation === undefined) return
    const to = this.#output.length
    this.#stretches.push({ operation, from: this.#from, to, rows: operation.rows - this.#rowsBefore, outcome })
    this.#from = to
    this.#rowsBefore = operation.rows
  }

  // ---- towards the client

  #release(): void {
    if (this.#current !== undefined) this.#closeStretch(undefined)
    const output = this.#output.take()
    for (const { operation, from, to, rows, outcome } of this.#stretches) {
      const bytes = output.subarray(from, to)
      operation.bytes += bytes.length
      if (outcome === undefined) {
        if (bytes.length > 0) this.#options.gate.response(operation.permit, bytes, rows)
      } else this.#options.gate.outcome(operation.permit, { ...outcome, bytes: operation.bytes }, bytes)
    }
    this.#stretches = []
    this.#options.toClient.push(output, this.#durable)
  }
}

function finish(
  operation: RunningOperation,
  result: Outcome['result'],
  transaction: TransactionResult | undefined,
): Outcome {
  operation.finished = true
  return {
    result,
    tag: operation.tag,
    rows: operation.rows,
    bytes: operation.bytes,
    sqlstate: operation.sqlstate,
    transaction,
    masked: [...operation.maskedClasses].toSorted(),
  }
}

/** COMMIT in a failed transaction has the tag ROLLBACK. */
function endsTransaction({ permit, tag, index }: RunningOperation): boolean {
  const kind = permit.verdict.facts[index]?.session.kind
  return (kind === 'commit' || kind === 'rollback') && (tag === 'COMMIT' || tag === 'ROLLBACK')
}

/** `INSERT 0 5` → `INSERT`: the words of a command tag, without its counts. */
function commandOf(tag: string): string {
  const digit = tag.search(/[0-9]/)
  const words = (digit === -1 ? tag : tag.slice(0, digit)).trim()
  // It goes into the journal's headers, which have room for no more than what servers really say.
  return /^[A-Z ]{1,64}$/.test(words) ? words : ''
}

/** The last number of a command tag: rows that were changed or copied. */
function countOf(tag: string): number {
  const count = / ([0-9]+)$/.exec(tag)?.[1]
  return count === undefined ? 0 : Number(count)
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

/** Analysis reads statements under these settings; code on the server can change them without our seeing it beforehand. */
const RELIED_ON: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['client_encoding', isUtf8Name],
  ['standard_conforming_strings', (value) => value === 'on'],
])

function requireAnalysable({ name, value }: { readonly name: string; readonly value: string }): void {
  if (RELIED_ON.get(name)?.(value) === false) throw unexpected(`a changed ${name}, which analysis relies on`)
}

const CATALOG_CHANGED = new ChaperoneError('CHP-CATALOG-CHANGED')

/** An error of what was sent as one of what the client sent. */
function asAsked(fields: ReadonlyMap<string, string>, { converted, operation }: Expected): ReadonlyMap<string, string> {
  const asked = new Map(fields)
  // A parameter without a value is found when values are missing; a simple query has none, and there it is undefined.
  if (converted === true && fields.get('C') === '08P01') asked.set('C', '42P02')
  const position = Number(fields.get('P')) - (operation?.prefix ?? 0)
  if (position > 0) asked.set('P', String(position))
  else asked.delete('P')
  return asked
}

const unexpected = (what: string): ChaperoneError =>
  new ChaperoneError('CHP-TARGET-LOST', { reason: `the target sent ${what}` })
