import { ByteWriter } from '../byte-writer.ts'
import type { CellMasker } from '../plan.ts'
import { MAX_DIMENSIONS } from './text-elements.ts'

/** Number of dimensions, whether there are NULLs, element type; 32 bits each (array_send). */
const HEADER = 12
const HAS_NULLS = 4
const ELEMENT_TYPE = 8
/** Length and lower bound. */
const DIMENSION = 8
const NULL_LENGTH = -1

/**
 * Masks each element of an array in binary form, as array_send writes it. Dimensions, bounds and NULLs stay. What is not
 * exactly such an array of `elementOid` is left to `malformed`.
 */
export function arrayBinaryMasker(element: CellMasker, elementOid: number, malformed: CellMasker): CellMasker {
  const out = new ByteWriter()
  return (source, start, end) => {
    out.clear()
    return rewrite(source, start, end) ? out.take() : malformed(source, start, end)
  }

  function rewrite(source: Buffer, start: number, end: number): boolean {
    const count = elementCount(source, start, end)
    if (count < 0 || source.readUInt32BE(start + ELEMENT_TYPE) !== elementOid) return false
    let at = start + HEADER + DIMENSION * source.readInt32BE(start)
    let run = start
    let nulls = false
    for (let i = 0; i < count; i += 1) {
      if (end - at < 4) return false
      const length = source.readInt32BE(at)
      const cell = at + 4
      if (length === NULL_LENGTH) {
        at = cell
        continue
      }
      if (length < 0 || length > end - cell) return false
      const replacement = element(source, cell, cell + length)
      out.appendRange(source, run, at)
      out.appendInt32(replacement === null ? NULL_LENGTH : replacement.length)
      if (replacement === null) nulls = true
      else out.append(replacement)
      at = cell + length
      run = at
    }
    if (at !== end) return false
    out.appendRange(source, run, end)
    if (nulls) out.setInt32(1, HAS_NULLS)
    return true
  }
}

/** -1 when there is no such array. */
function elementCount(source: Buffer, start: number, end: number): number {
  if (end - start < HEADER) return -1
  const dimensions = source.readInt32BE(start)
  if (dimensions < 0 || dimensions > MAX_DIMENSIONS || end - start < HEADER + DIMENSION * dimensions) return -1
  let count = dimensions === 0 ? 0 : 1
  for (let i = 0; i < dimensions; i += 1) {
    const length = source.readInt32BE(start + HEADER + DIMENSION * i)
    if (length < 0) return -1
    count *= length
  }
  // Each element takes four bytes at least.
  return count * 4 <= end - start ? count : -1
}
