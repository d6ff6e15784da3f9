import { asChaperoneError, ChaperoneError } from '../../lib/errors.ts'
import { CopyFormatError } from '../../mask/copy/copy-format-error.ts'
import type { CopyInRows } from '../../protocols/protocol.ts'
import type { Constant, ConstantRules, Settled } from '../constants/settle-constants.ts'
import { settleConstants } from '../constants/settle-constants.ts'
import { HeldBytes } from './held-bytes.ts'
import type { RowFormat } from './row-format.ts'
import { unreadableRows } from './unreadable-rows.ts'

/** Of one row that has not come to its end yet. */
const MAX_ROW_BYTES = 16 * 1024 * 1024

export interface CopyInPlan {
  readonly format: RowFormat
  /** Whether the first row names the columns. */
  readonly header: boolean
  /** The constant that a cell is; undefined for columns that are let pass. */
  readonly constantOf: (column: number, value: Buffer) => Constant | undefined
  readonly rules: ConstantRules
}

/** A cell of a chunk of rows. */
interface Cell extends Constant {
  readonly row: number
  readonly columnIndex: number
}

type Answer = Buffer | ChaperoneError | Promise<Buffer | ChaperoneError>

const NOTHING = Buffer.alloc(0)

/**
 * The rows of COPY … FROM STDIN with the stand-ins in them resolved: those of each piece together. What is no stand-in keeps
 * its bytes. After an error nothing goes on.
 */
export class CopyIn implements CopyInRows {
  readonly #plan: CopyInPlan
  readonly #held = new HeldBytes()
  /** Whether the rows are over, so that the rest means nothing to the server. */
  #isOver = false
  #isHeader: boolean
  #failed: ChaperoneError | undefined

  constructor(plan: CopyInPlan) {
    this.#plan = plan
    this.#isHeader = plan.header
  }

  feed(data: Buffer): Answer {
    return this.#take(data, false)
  }

  end(): Answer {
    return this.#take(NOTHING, true)
  }

  #take(data: Buffer, last: boolean): Answer {
    if (this.#failed !== undefined) return this.#failed
    if (this.#isOver) return data
    try {
      this.#held.append(data)
      const rows = this.#rows(last)
      if (this.#held.length > MAX_ROW_BYTES) throw new ChaperoneError('CHP-LIMIT-EXCEEDED', { message: TOO_LONG })
      const rest = last || this.#isOver ? this.#held.take(this.#held.length) : NOTHING
      return this.#settled(rows, rest)
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** The rows that are complete, taken out. */
  #rows(last: boolean): readonly Buffer[] {
    const { format } = this.#plan
    const data = this.#held.bytes
    const ends: number[] = []
    let start = 0
    let from = this.#held.seen
    while (!this.#isOver) {
      const end = format.rowEnd(data, start, from, last)
      if (end < 0) break
      ends.push(end)
      this.#isOver = format.isEnd(data.subarray(start, end))
      start = end
      from = end
    }
    // One copy for all: what is held is moved when more comes.
    const taken = this.#held.take(start)
    return ends.map((end, i) => taken.subarray(ends[i - 1] ?? 0, end))
  }

  #settled(rows: readonly Buffer[], rest: Buffer): Answer {
    const cells = rows.flatMap((row, i) => this.#cells(row, i))
    if (cells.length === 0) return joined(rows, rest)
    const settled = settleConstants(cells, this.#plan.rules)
    return settled instanceof Promise
      ? settled.then((done) => this.#written(rows, rest, cells, done)).catch((error: unknown) => this.#fail(error))
      : this.#written(rows, rest, cells, settled)
  }

  #cells(row: Buffer, index: number): readonly Cell[] {
    const { format, constantOf } = this.#plan
    if (this.#isHeader) {
      this.#isHeader = false
      return []
    }
    if (format.isEnd(row)) return []
    const cells: Cell[] = []
    format.read(row, (columnIndex, value) => {
      const constant = constantOf(columnIndex, value)
      if (constant !== undefined) cells.push({ ...constant, row: index, columnIndex })
    })
    return cells
  }

  #written(
    rows: readonly Buffer[],
    rest: Buffer,
    cells: readonly Cell[],
    settled: Settled | ChaperoneError,
  ): Buffer | ChaperoneError {
    if (settled instanceof ChaperoneError) return this.#fail(settled)
    const changes = new Map<number, Map<number, Buffer>>()
    for (const [i, { row, columnIndex }] of cells.entries()) {
      const value = settled[i]
      if (value === undefined) continue
      const ofRow = changes.get(row) ?? new Map<number, Buffer>()
      changes.set(row, ofRow.set(columnIndex, value))
    }
    const written = rows.map((row, i) => {
      const values = changes.get(i)
      return values === undefined ? row : this.#plan.format.write(row, values)
    })
    return joined(written, rest)
  }

  #fail(error: unknown): ChaperoneError {
    this.#failed = error instanceof CopyFormatError ? unreadableRows(error.message) : asChaperoneError(error)
    return this.#failed
  }
}

const TOO_LONG = 'a row of COPY is longer than the gateway looks at'

const joined = (rows: readonly Buffer[], rest: Buffer): Buffer => Buffer.concat([...rows, rest])
