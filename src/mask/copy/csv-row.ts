import type { ByteWriter } from '../byte-writer.ts'
import type { CopyFormat } from '../../inspect/sql/facts.ts'
import type { CellMasker } from '../plan.ts'
import { CopyFormatError } from './copy-format-error.ts'
import { type RowRewriter, rowRewriter } from './row-rewriter.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * Rewrites rows in CSV format (PostgreSQL documentation, COPY, "CSV Format"). What is not masked keeps its bytes. What is
 * masked is always quoted: the server quotes what holds a delimiter, which the client chooses, so that the quotes would tell
 * which characters a value has (DELIMITER '9').
 */
export function csvRowRewriter(format: CopyFormat, cells: readonly (CellMasker | undefined)[]): RowRewriter {
  const delimiter = format.delimiter.charCodeAt(0)
  const quote = format.quote.charCodeAt(0)
  const escape = format.escape.charCodeAt(0)
  // With its quotes a field is never the marker for NULL, which cannot have any.
  return rowRewriter(format, cells, {
    fieldEnd: (source, start, last) =>
      isQuoted(source, start, last) ? quotedEnd(source, start, last) : plainEnd(source, start, last),
    mask: (masker, source, start, end) =>
      isQuoted(source, start, end) ? maskQuoted(masker, source, start + 1, end - 1) : masker(source, start, end),
    append,
  })

  function isQuoted(source: Buffer, start: number, end: number): boolean {
    return start < end && source[start] === quote
  }

  /** Behind the closing quote. Within quotes line breaks and delimiters mean nothing. */
  function quotedEnd(source: Buffer, start: number, last: number): number {
    let at = start + 1
    while (at < last) {
      const byte = source[at]!
      if (isEscape(source, at, last)) at += 2
      else if (byte === quote) return at + 1
      else at += 1
    }
    throw new CopyFormatError('a quoted field does not end')
  }

  /** Whether the next byte is to be taken as it is. */
  function isEscape(source: Buffer, at: number, last: number): boolean {
    if (source[at] !== escape || at + 1 >= last) return false
    return source[at + 1] === quote || source[at + 1] === escape
  }

  function plainEnd(source: Buffer, start: number, last: number): number {
    let at = start
    while (at < last) {
      const byte = source[at]!
      if (byte === delimiter) break
      if (byte === quote || byte === NEWLINE || byte === RETURN) {
        throw new CopyFormatError('a field without quotes has a quote or a line break in it')
      }
      at += 1
    }
    return at
  }

  function maskQuoted(masker: CellMasker, source: Buffer, start: number, end: number): Buffer | null {
    const value = Buffer.allocUnsafe(end - start)
    let length = 0
    for (let i = start; i < end; i += 1) {
      if (isEscape(source, i, end)) i += 1
      value[length] = source[i]!
      length += 1
    }
    return masker(value, 0, length)
  }

  function append(out: ByteWriter, value: Buffer): void {
    out.appendByte(quote)
    for (let i = 0; i < value.length; i += 1) {
      const byte = value[i]!
      if (byte === quote || byte === escape) out.appendByte(escape)
      out.appendByte(byte)
    }
    out.appendByte(quote)
  }
}
