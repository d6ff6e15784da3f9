import { ChaperoneError } from '../../lib/errors.ts'
import type { MaskPlan, Pending } from '../../mask/plan.ts'
import type { CopyRows, Gate } from '../protocol.ts'
import type { ChunkOutput } from './chunk-output.ts'
import { type RowWriter, rewriteDataRow } from './datarow.ts'
import { encodeCopyData } from './encode.ts'
import type { FrameCursor } from './framing.ts'
import { cellsForRow } from './group-cells.ts'
import type { RunningOperation } from './running-operation.ts'

export interface ResultRowsOptions {
  readonly gate: Gate
  readonly cursor: FrameCursor
  readonly output: ChunkOutput
}

/** Rows are looked ahead at up to so many bytes of what is missing, and of rows, each counted with what keeping it costs. */
const LACKING_BYTES = 1024 * 1024
const LOOK_AHEAD_BYTES = 4 * 1024 * 1024
const KEPT_ROW_BYTES = 64
/** How often one row may wait: what it had may have been given up for what it lacked. */
const MAX_FETCHES = 4

/** Rows that wait for replacements. */
interface Lacking {
  readonly pending: Pending
  readonly operation: RunningOperation
  /** The type of messages that are rows of the same result. */
  readonly type: number
  /** Masks the current message for the sake of what it lacks; nothing comes of it. */
  readonly mask: () => void
  bytes: number
  /** Whether no more rows are to be looked at. */
  enough: boolean
}

/**
 * Writes rows with masked cells. A row for which a replacement is missing is void, and all behind it wait: the rows that
 * follow are looked ahead at, so that everything that they lack is fetched at once, and then come again.
 */
export class ResultRows {
  readonly #options: ResultRowsOptions
  #lacking: Lacking | undefined
  /** How often replacements were fetched since a row was written. */
  #fetches = 0

  constructor(options: ResultRowsOptions) {
    this.#options = options
  }

  /** Whether a row waits: nothing may be taken from the target until `again`. */
  get waiting(): boolean {
    return this.#lacking !== undefined
  }

  /** Whether more rows would be looked ahead at if they came. */
  get wantsMore(): boolean {
    return this.#lacking?.enough === false
  }

  /** The current message is a DataRow. */
  dataRow(operation: RunningOperation): void {
    const { cursor, gate, output } = this.#options
    const { plan } = operation
    const { buffer, start, end } = cursor
    if (plan === 'pass' || !gate.masked) {
      if (!this.#counted(operation, end - start)) return
      output.pass(buffer, start, end)
    } else if (plan === undefined) throw operation.refusal ?? undescribed()
    else {
      const writer = output.writer()
      const before = writer.length
      this.#rewrite(plan, writer)
      if (plan.pending !== undefined && this.#lacks(plan.pending)) {
        writer.cutTo(before)
        return this.#wait(plan.pending, operation, () => this.#tryRewrite(plan))
      }
      if (!this.#counted(operation, writer.length - before)) return writer.cutTo(before)
    }
    operation.rows++
  }

  /** The current message is CopyData of the target. */
  copyRow(operation: RunningOperation | undefined): void {
    const { cursor, output } = this.#options
    const { buffer, start, end } = cursor
    if (operation?.copy === undefined) {
      if (operation === undefined || this.#counted(operation, end - start)) output.pass(buffer, start, end)
      return
    }
    const { copy } = operation
    const row = this.#rewriteCopy(copy)
    if (copy.pending !== undefined && this.#lacks(copy.pending))
      return this.#wait(copy.pending, operation, () => void this.#rewriteCopy(copy))
    if (!this.#counted(operation, row?.length ?? end - start)) return
    operation.rows++
    if (row === null) output.pass(buffer, start, end)
    else output.put(encodeCopyData(row))
  }

  /** Looks at what has arrived behind the row that waits. */
  lookAhead(): void {
    const { cursor } = this.#options
    const lacking = this.#lacking
    if (lacking === undefined) return
    while (!lacking.enough && cursor.next()) {
      cursor.retain()
      lacking.bytes += cursor.end - cursor.start + KEPT_ROW_BYTES
      if (cursor.type === lacking.type) lacking.mask()
      lacking.enough =
        cursor.type !== lacking.type ||
        lacking.bytes >= LOOK_AHEAD_BYTES ||
        lacking.pending.lackingBytes >= LACKING_BYTES
    }
  }

  /** Fetches what is missing. */
  async fetch(): Promise<void> {
    const lacking = this.#lacking
    if (lacking === undefined) return
    lacking.enough = true
    try {
      await lacking.pending.settle()
    } catch (error) {
      if (error instanceof ChaperoneError) lacking.operation.sqlstate = error.sqlstate
      throw error
    }
  }

  /** The result that the row is of ends here: the row and those behind it come again, to be passed over. */
  giveUp(): RunningOperation | undefined {
    const operation = this.#lacking?.operation
    this.again()
    this.#fetches = 0
    return operation
  }

  /** It has been fetched: the rows come again. */
  again(): void {
    this.#lacking = undefined
    this.#fetches++
    this.#options.cursor.rewind()
  }

  #rewrite(plan: MaskPlan, writer: RowWriter): void {
    const { buffer, body, end } = this.#options.cursor
    rewriteDataRow(buffer, body, end, cellsForRow(plan, buffer, body, end), writer)
  }

  /** What was written before may have left since the row that waits was cut off. */
  #tryRewrite(plan: MaskPlan): void {
    const writer = this.#options.output.writer()
    const before = writer.length
    this.#rewrite(plan, writer)
    writer.cutTo(before)
  }

  #rewriteCopy(copy: CopyRows): Buffer | null {
    const { buffer, body, end } = this.#options.cursor
    return copy.row(buffer, body, end)
  }

  /** Whether the row may be released; else it waits until there is room for it. */
  #counted(operation: RunningOperation, released: number): boolean {
    if (!operation.hasMeter) {
      const { permit, results, index } = operation
      operation.useMeter(this.#options.gate.meter(permit, results[index], []))
    }
    const { meter } = operation
    if (meter === undefined) return true
    const { buffer, body, end } = this.#options.cursor
    if (meter.row(buffer, body, end, released)) {
      this.#fetches = 0
      return true
    }
    const room: Pending = { isLacking: true, lackingBytes: 0, settle: () => meter.settle() }
    if (this.#lacks(room)) {
      const { cursor } = this.#options
      this.#wait(room, operation, () => meter.ahead(cursor.buffer, cursor.body, cursor.end))
    }
    return false
  }

  #lacks(pending: Pending): boolean {
    if (!pending.isLacking) {
      this.#fetches = 0
      return false
    }
    // It would be fetched for ever.
    if (this.#fetches >= MAX_FETCHES)
      throw new ChaperoneError('CHP-INTERNAL', { reason: 'a row lacks what was fetched for it' })
    return true
  }

  #wait(pending: Pending, operation: RunningOperation, mask: () => void): void {
    const { cursor } = this.#options
    cursor.retain()
    const { type, start, end } = cursor
    // A row that has waited already takes no others with it, which could push out again what was fetched for it.
    const enough = this.#fetches > 0 || pending.lackingBytes >= LACKING_BYTES
    this.#lacking = {
      pending,
      operation,
      type,
      mask,
      bytes: end - start,
      enough,
    }
  }
}

const undescribed = (): ChaperoneError =>
  new ChaperoneError('CHP-TARGET-LOST', { reason: 'the target sent a row of a result that was not described' })
