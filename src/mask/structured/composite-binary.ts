import { ByteWriter } from '../byte-writer.ts'
import type { CellMasker } from '../plan.ts'

const NULL_LENGTH = -1

/** The masker of a field by the type that the row itself states for it; 'pass' lets the field pass. */
export type FieldMasker = (typeOid: number) => CellMasker | 'pass'

/**
 * Masks the fields of a row in binary form, as record_send writes it: the number of fields, and for each its type, its length
 * and its bytes. NULL fields stay. What is not exactly a row of so many fields is left to `malformed`.
 */
export function compositeBinaryMasker(fields: readonly FieldMasker[], malformed: CellMasker): CellMasker {
  const out = new ByteWriter()
  return (source, start, end) => {
    out.clear()
    return rewrite(source, start, end) ? out.take() : malformed(source, start, end)
  }

  function rewrite(source: Buffer, start: number, end: number): boolean {
    if (end - start < 4 || source.readInt32BE(start) !== fields.length) return false
    let at = start + 4
    let run = start
    for (const field of fields) {
      if (end - at < 8) return false
      const typeOid = source.readUInt32BE(at)
      const length = source.readInt32BE(at + 4)
      const cell = at + 8
      at = cell
      if (length === NULL_LENGTH) continue
      if (length < 0 || length > end - cell) return false
      at = cell + length
      const masker = field(typeOid)
      if (masker === 'pass') continue
      const replacement = masker(source, cell, at)
      out.appendRange(source, run, cell - 4)
      out.appendInt32(replacement === null ? NULL_LENGTH : replacement.length)
      if (replacement !== null) out.append(replacement)
      run = at
    }
    if (at !== end) return false
    out.appendRange(source, run, end)
    return true
  }
}
