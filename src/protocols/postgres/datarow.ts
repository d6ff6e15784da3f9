import type { CellMasker } from '../../mask/plan.ts'
import { ProtocolViolation } from './framing.ts'

/** Runs up to this length are copied byte by byte: cheaper than the call that copies memory (measured, see README). */
const SHORT_RUN_BYTES = 32
/** The first allocation of a writer; later ones follow what was last needed. */
const FIRST_CAPACITY = 8 * 1024
/** The largest allocation made in advance. */
const MAX_INITIAL_CAPACITY = 256 * 1024
const EMPTY = Buffer.alloc(0)

/** A growing output buffer. What `take` returned is never written to again. */
export class RowWriter {
  #buffer: Buffer = EMPTY
  #length = 0
  #nextCapacity = FIRST_CAPACITY

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#length
  }

  /** Appends bytes `start` to `end` of `source`, for example frames that stay as they are. */
  appendRange(source: Buffer, start: number, end: number): void {
    const buffer = this.reserve(this.#length, end - start)
    this.#length = copyRun(source, start, end, buffer, this.#length)
  }

  append(bytes: Buffer): void {
    this.appendRange(bytes, 0, bytes.length)
  }

  /** A buffer with room for `extra` bytes behind the first `filled`, which it holds. What lies behind them is undefined. */
  reserve(filled: number, extra: number): Buffer {
    const needed = filled + extra
    if (needed <= this.#buffer.length) return this.#buffer
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, this.#nextCapacity))
    this.#buffer.copy(grown, 0, 0, filled)
    this.#buffer = grown
    return grown
  }

  /** Declares the first `length` bytes of the reserved buffer as written. */
  commit(length: number): void {
    this.#length = length
  }

  /** Gives up what was written behind the first `length` bytes. */
  cutTo(length: number): void {
    if (length > this.#length) throw new RangeError('a writer cannot be cut to more than it has')
    this.#length = length
  }

  /** The bytes written; the writer starts anew. A small result is a copy, so that it does not hold a large allocation. */
  take(): Buffer {
    const length = this.#length
    this.#length = 0
    if (length === 0) return EMPTY
    const taken = this.#buffer.subarray(0, length)
    if (length * 4 <= this.#buffer.length) return Buffer.from(taken)
    this.#nextCapacity = Math.min(Math.max(FIRST_CAPACITY, length + (length >>> 2)), MAX_INITIAL_CAPACITY)
    this.#buffer = EMPTY
    return taken
  }
}

/**
 * Writes the DataRow whose body is bytes `body` to `end` of `source` to `out`, with the cells that have a masker replaced.
 * NULL stays NULL. Neighbouring untouched cells are copied as one run, length words included. Nothing is written when the
 * row is refused.
 * @throws ProtocolViolation when the row is malformed or does not have one cell an entry of `cells`
 */
export function rewriteDataRow(
  source: Buffer,
  body: number,
  end: number,
  cells: readonly (CellMasker | undefined)[],
  out: RowWriter,
): void {
  const count = cells.length
  if (end - body < 2 || ((source[body]! << 8) | source[body + 1]!) !== count) {
    throw new ProtocolViolation('backend', 'DataRow: the number of cells is not that of the description')
  }
  const frame = out.length
  // Room for everything that is copied; a replacement asks for more room of its own when it is longer than its cell.
  let target = out.reserve(frame, end - body + 5)
  let at = frame
  let run = body - 5
  let position = body + 2
  for (let i = 0; i < count; i++) {
    const cell = position + 4
    if (cell > end) throw malformed()
    const length =
      (source[position]! << 24) | (source[position + 1]! << 16) | (source[position + 2]! << 8) | source[position + 3]!
    if (length < 0) {
      if (length !== -1) throw malformed()
      position = cell
      continue
    }
    const next = cell + length
    if (next > end) throw malformed()
    const masker = cells[i]
    if (masker !== undefined) {
      const replacement = masker(source, cell, next)
      at = copyRun(source, run, position, target, at)
      const width = replacement === null ? 0 : replacement.length
      target = out.reserve(at, 4 + width + (end - next))
      at = writeInt32(target, at, replacement === null ? -1 : width)
      if (replacement !== null) at = copyRun(replacement, 0, width, target, at)
      run = next
    }
    position = next
  }
  if (position !== end) throw malformed()
  at = copyRun(source, run, end, target, at)
  writeInt32(target, frame + 1, at - frame - 1)
  out.commit(at)
}

const malformed = (): ProtocolViolation =>
  new ProtocolViolation('backend', 'DataRow: the cells do not fill the message')

function writeInt32(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
  return at + 4
}

function copyRun(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const length = end - start
  if (length > SHORT_RUN_BYTES) source.copy(target, at, start, end)
  else for (let i = 0; i < length; i++) target[at + i] = source[start + i]!
  return at + length
}
