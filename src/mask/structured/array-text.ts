import { ByteWriter } from '../byte-writer.ts'
import type { CellMasker } from '../plan.ts'
import { isNullWord, MAX_DIMENSIONS, unescapedText } from './text-elements.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const NULL = Buffer.from('NULL')

/**
 * Masks each element of an array in text form, as array_out writes it (PostgreSQL documentation, 8.15.6). Dimensions, bounds
 * and NULLs stay. What is not exactly such an array is left to `malformed`.
 *
 * @param delimiter pg_type.typdelim of the element type.
 */
export function arrayTextMasker(element: CellMasker, delimiter: number, malformed: CellMasker): CellMasker {
  const out = new ByteWriter()
  return (source, start, end) => {
    out.clear()
    return rewrite(source, start, end) ? out.take() : malformed(source, start, end)
  }

  function rewrite(source: Buffer, start: number, end: number): boolean {
    let at = boundsEnd(source, start, end)
    let run = start
    let depth = 0
    /** Whether an element or a nested array has to come: behind a delimiter; may come: behind an opening brace. */
    let wanted = true
    let mayClose = false
    while (at < end) {
      const byte = source[at]!
      if (byte === OPEN) {
        if (!wanted || depth === MAX_DIMENSIONS) return false
        depth += 1
        mayClose = true
        at += 1
      } else if (byte === CLOSE) {
        if ((wanted && !mayClose) || depth === 0) return false
        depth -= 1
        wanted = false
        at += 1
        if (depth === 0) break
      } else if (byte === delimiter) {
        if (wanted) return false
        wanted = true
        mayClose = false
        at += 1
      } else {
        if (!wanted || depth === 0) return false
        const next = byte === QUOTE ? quotedEnd(source, at, end) : plainEnd(source, at, end, delimiter)
        if (next < 0) return false
        wanted = false
        if (!isNullWord(source, at, next)) {
          out.appendRange(source, run, at)
          append(out, byte === QUOTE ? masked(source, at + 1, next - 1) : element(source, at, next), delimiter)
          run = next
        }
        at = next
      }
    }
    if (depth !== 0 || at !== end || at === start || source[at - 1] !== CLOSE) return false
    out.appendRange(source, run, end)
    return true
  }

  function masked(source: Buffer, start: number, end: number): Buffer | null {
    const text = unescapedText(source, start, end)
    return text === undefined ? element(source, start, end) : element(text, 0, text.length)
  }
}

/** `[1:3][-1:0]=`, which precedes arrays whose bounds do not begin with 1. */
const BOUNDS = /^(?:\[-?\d{1,10}:-?\d{1,10}\]){1,6}=/u
const MAX_BOUNDS_LENGTH = MAX_DIMENSIONS * '[-2147483648:-2147483648]'.length + 1

function boundsEnd(source: Buffer, start: number, end: number): number {
  if (source[start] !== 0x5b) return start
  const bounds = BOUNDS.exec(source.toString('latin1', start, Math.min(end, start + MAX_BOUNDS_LENGTH)))
  return start + (bounds?.[0].length ?? 0)
}

/** Behind the closing quote, or -1. */
function quotedEnd(source: Buffer, at: number, end: number): number {
  for (let i = at + 1; i < end; i += 1) {
    const byte = source[i]
    if (byte === QUOTE) return i + 1
    if (byte === BACKSLASH) i += 1
  }
  return -1
}

/** The end of an element without quotes, or -1 when it has a byte that array_out would have quoted. */
function plainEnd(source: Buffer, at: number, end: number, delimiter: number): number {
  let i = at
  while (i < end) {
    const byte = source[i]!
    if (byte === delimiter || byte === CLOSE) break
    if (byte === QUOTE || byte === BACKSLASH || byte === OPEN) return -1
    i += 1
  }
  return i > at ? i : -1
}

function append(out: ByteWriter, text: Buffer | null, delimiter: number): void {
  if (text === null) out.append(NULL)
  else if (!needsQuotes(text, delimiter)) out.append(text)
  else {
    out.appendByte(QUOTE)
    for (let i = 0; i < text.length; i += 1) {
      const byte = text[i]!
      if (byte === QUOTE || byte === BACKSLASH) out.appendByte(BACKSLASH)
      out.appendByte(byte)
    }
    out.appendByte(QUOTE)
  }
}

/** As array_out has it: empty, the word NULL, or a byte that means something or is white space. */
function needsQuotes(text: Buffer, delimiter: number): boolean {
  if (text.length === 0 || isNullWord(text, 0, text.length)) return true
  for (let i = 0; i < text.length; i += 1) {
    const byte = text[i]!
    if (byte === QUOTE || byte === BACKSLASH || byte === OPEN || byte === CLOSE || byte === delimiter) return true
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return true
  }
  return false
}
