import type { CopyFormat } from '../../inspect/sql/facts.ts'
import { CopyFormatError } from '../../mask/copy/copy-format-error.ts'
import { csvRowRewriter } from '../../mask/copy/csv-row.ts'
import { textRowRewriter } from '../../mask/copy/text-row.ts'
import type { CellMasker } from '../../mask/plan.ts'
import type { RowFormat } from './row-format.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d
const BACKSLASH = 0x5c
const END_OF_DATA = Buffer.from(String.raw`\.`)
const LINE_END = Buffer.from('\n')

/**
 * Rows in text or CSV format (PostgreSQL documentation, COPY, "File Formats"), read as masking reads those that the server
 * writes. What is written otherwise is refused.
 */
export function lineFormat(format: CopyFormat, watched: readonly boolean[]): RowFormat {
  const rewriter = format.format === 'csv' ? csvRowRewriter : textRowRewriter
  let see: CellMasker[] = []
  const cells = watched.map((isWatched, i): CellMasker | undefined =>
    isWatched ? (...cell) => see[i]?.(...cell) ?? null : undefined,
  )
  const rewrite = rewriter(format, cells)
  const ends = format.format === 'csv' ? csvEnd(format) : textEnd

  return {
    rowEnd: (data, start, from, last) => {
      const end = ends(data, start, from)
      return end < 0 && last && start < data.length ? data.length : end
    },
    // CSV has no such mark since PostgreSQL 18; before, the server leaves out what follows.
    isEnd: (row) => format.format === 'text' && contentOf(row).equals(END_OF_DATA),
    read: (row, found) => {
      see = cells.map((_, i) => (source, start, end) => {
        found(i, Buffer.from(source.subarray(start, end)))
        return null
      })
      rewrite(normal(row), 0, contentOf(row).length + 1)
    },
    write: (row, values) => {
      const content = contentOf(row)
      see = cells.map((_, i) => (source, start, end) => values.get(i) ?? source.subarray(start, end))
      const written = rewrite(normal(row), 0, content.length + 1)
      if (written === null) throw new CopyFormatError('a row without cells has none to replace')
      return Buffer.concat([written.subarray(0, -1), row.subarray(content.length)])
    },
  }
}

/** Without the end of the line. */
function contentOf(row: Buffer): Buffer {
  if (row.at(-1) !== NEWLINE) return row
  return row.subarray(0, row.at(-2) === RETURN ? -2 : -1)
}

const normal = (row: Buffer): Buffer => Buffer.concat([contentOf(row), LINE_END])

/** A backslash takes the next byte with it, a line break as well. */
function textEnd(data: Buffer, start: number, from: number): number {
  for (let at = data.indexOf(NEWLINE, from); at >= 0; at = data.indexOf(NEWLINE, at + 1)) {
    let before = at
    while (before > start && data[before - 1] === BACKSLASH) before -= 1
    if ((at - before) % 2 === 0) return at + 1
  }
  return -1
}

/** As the server does it: a quote anywhere opens or closes, and between two of them a line break is data. */
function csvEnd({ quote, escape }: CopyFormat): (data: Buffer, start: number, from: number) => number {
  const quoteByte = quote.charCodeAt(0)
  // Where both are one character, a doubled quote closes and opens again.
  const escapeByte = quote === escape ? -1 : escape.charCodeAt(0)
  let isQuoted = false
  let isEscaped = false
  return (data, start, from) => {
    if (from === start) {
      isQuoted = false
      isEscaped = false
    }
    for (let at = from; at < data.length; at += 1) {
      const byte = data[at]
      if (byte === NEWLINE && !isQuoted) return at + 1
      if (byte === escapeByte && isQuoted) isEscaped = !isEscaped
      else {
        if (byte === quoteByte && !isEscaped) isQuoted = !isQuoted
        isEscaped = false
      }
    }
    return -1
  }
}
