import { ByteWriter } from '../byte-writer.ts'
import type { CellMasker } from '../plan.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x28
const CLOSE = 0x29
const COMMA = 0x2c

/**
 * Masks the fields of a row in text form, as record_out writes it (PostgreSQL documentation, 8.16.6); undefined lets a field
 * pass. NULL fields stay. What is not exactly a row of so many fields is left to `malformed`.
 */
export function compositeTextMasker(fields: readonly (CellMasker | undefined)[], malformed: CellMasker): CellMasker {
  const out = new ByteWriter()
  return (source, start, end) => {
    out.clear()
    return rewrite(source, start, end) ? out.take() : malformed(source, start, end)
  }

  function rewrite(source: Buffer, start: number, end: number): boolean {
    const last = end - 1
    if (end - start < 2 || source[start] !== OPEN || source[last] !== CLOSE) return false
    let at = start + 1
    let run = start
    for (let i = 0; i < fields.length; i += 1) {
      if (i > 0) {
        if (at >= last || source[at] !== COMMA) return false
        at += 1
      }
      const quoted = at < last && source[at] === QUOTE
      const next = quoted ? quotedEnd(source, at, last) : plainEnd(source, at, last)
      if (next < 0) return false
      const field = fields[i]
      if (field !== undefined && next > at) {
        out.appendRange(source, run, at)
        append(out, quoted ? masked(field, source, at + 1, next - 1) : field(source, at, next))
        run = next
      }
      at = next
    }
    if (at !== last) return false
    out.appendRange(source, run, end)
    return true
  }
}

function masked(field: CellMasker, source: Buffer, start: number, end: number): Buffer | null {
  const text = undoubled(source, start, end)
  return text === undefined ? field(source, start, end) : field(text, 0, text.length)
}

/** Behind the closing quote, or -1. Two quotes in a row are one; a backslash makes the next byte plain. */
function quotedEnd(source: Buffer, at: number, last: number): number {
  for (let i = at + 1; i < last; i += 1) {
    const byte = source[i]
    if (byte === BACKSLASH) i += 1
    else if (byte === QUOTE) {
      if (i + 1 >= last || source[i + 1] !== QUOTE) return i + 1
      i += 1
    }
  }
  return -1
}

/** The end of a field without quotes, or -1 when it has a byte that record_out would have quoted. */
function plainEnd(source: Buffer, at: number, last: number): number {
  for (let i = at; i < last; i += 1) {
    const byte = source[i]!
    if (byte === COMMA) return i
    if (byte === QUOTE || byte === BACKSLASH || byte === OPEN || byte === CLOSE) return -1
  }
  return last
}

/** The text with doubled quotes and backslashes made single; undefined when there are none. */
function undoubled(source: Buffer, start: number, end: number): Buffer | undefined {
  let first = start
  while (first < end && source[first] !== QUOTE && source[first] !== BACKSLASH) first += 1
  if (first === end) return undefined
  const text = Buffer.allocUnsafe(end - start)
  let length = source.copy(text, 0, start, first)
  for (let i = first; i < end; i += 1) {
    if ((source[i] === QUOTE || source[i] === BACKSLASH) && i + 1 < end) i += 1
    text[length] = source[i]!
    length += 1
  }
  return text.subarray(0, length)
}

function append(out: ByteWriter, text: Buffer | null): void {
  // Nothing at all between two commas is NULL.
  if (text === null) return
  if (!needsQuotes(text)) {
    out.append(text)
    return
  }
  out.appendByte(QUOTE)
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i]!
    if (byte === QUOTE || byte === BACKSLASH) out.appendByte(byte)
    out.appendByte(byte)
  }
  out.appendByte(QUOTE)
}

/** As record_out has it: empty, or a byte that means something or is white space. */
function needsQuotes(text: Buffer): boolean {
  if (text.length === 0) return true
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i]!
    if (byte === QUOTE || byte === BACKSLASH || byte === OPEN || byte === CLOSE || byte === COMMA) return true
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return true
  }
  return false
}
