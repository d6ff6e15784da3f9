import { ByteWriter } from '../byte-writer.ts'
import type { CopyFormat } from '../../inspect/sql/facts.ts'
import type { CellMasker } from '../plan.ts'
import { CopyFormatError } from './copy-format-error.ts'

/** Rewrites one row; null when nothing of it changes. */
export type RowRewriter = (source: Buffer, start: number, end: number) => Buffer | null

/** What a format does with a field. */
export interface FieldSyntax {
  /** Behind the field that begins at `start`; `last` is the newline. Throws CopyFormatError when it does not end before that. */
  readonly fieldEnd: (source: Buffer, start: number, last: number) => number
  /** The field with its value replaced. */
  readonly mask: (masker: CellMasker, source: Buffer, start: number, end: number) => Buffer | null
  /** A value that is not NULL. */
  readonly append: (out: ByteWriter, value: Buffer) => void
}

const NEWLINE = 0x0a

/** Rewrites rows of COPY, field by field. What is not masked keeps its bytes. */
export function rowRewriter(
  format: CopyFormat,
  cells: readonly (CellMasker | undefined)[],
  syntax: FieldSyntax,
): RowRewriter {
  const delimiter = format.delimiter.charCodeAt(0)
  const marker = Buffer.from(format.null)
  const out = new ByteWriter()
  return (source, start, end) => {
    out.clear()
    const last = end - 1
    if (end === start || source[last] !== NEWLINE) throw new CopyFormatError('a row does not end with a newline')
    let at = start
    let run = start
    let changed = false
    for (let i = 0; i < cells.length; i += 1) {
      if (i > 0) {
        if (at >= last || source[at] !== delimiter) throw new CopyFormatError('a row has too few fields')
        at += 1
      }
      const next = syntax.fieldEnd(source, at, last)
      const masker = cells[i]
      if (masker !== undefined && !isMarker(source, at, next, marker)) {
        out.appendRange(source, run, at)
        const value = syntax.mask(masker, source, at, next)
        if (value === null) out.append(marker)
        else syntax.append(out, value)
        run = next
        changed = true
      }
      at = next
    }
    if (at !== last) throw new CopyFormatError('a row has too many fields')
    if (!changed) return null
    out.appendRange(source, run, end)
    return out.take()
  }
}

/** Whether a field is the marker for NULL, which is compared before anything is unescaped. */
function isMarker(source: Buffer, start: number, end: number, marker: Buffer): boolean {
  return end - start === marker.length && marker.compare(source, start, end) === 0
}
