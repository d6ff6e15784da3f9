import type { ByteWriter } from '../byte-writer.ts'
import type { CopyFormat } from '../../inspect/sql/facts.ts'
import type { CellMasker } from '../plan.ts'
import { CopyFormatError } from './copy-format-error.ts'
import { type RowRewriter, rowRewriter } from './row-rewriter.ts'

const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const RETURN = 0x0d
/** Letters that stand for control characters behind a backslash (PostgreSQL documentation, COPY, "Text Format"). */
const LETTER_OF: ReadonlyMap<number, number> = new Map([
  [0x08, 0x62],
  [0x0c, 0x66],
  [NEWLINE, 0x6e],
  [RETURN, 0x72],
  [0x09, 0x74],
  [0x0b, 0x76],
])
const CONTROL_OF: ReadonlyMap<number, number> = new Map([...LETTER_OF].map(([control, letter]) => [letter, control]))

/** Rewrites rows in text format. What is not masked keeps its bytes. */
export function textRowRewriter(format: CopyFormat, cells: readonly (CellMasker | undefined)[]): RowRewriter {
  const delimiter = format.delimiter.charCodeAt(0)
  return rowRewriter(format, cells, {
    fieldEnd: (source, start, last) => fieldEnd(source, start, last, delimiter),
    mask: masked,
    append: (out, value) => append(out, value, delimiter),
  })
}

function fieldEnd(source: Buffer, start: number, last: number, delimiter: number): number {
  let at = start
  while (at < last) {
    const byte = source[at]!
    if (byte === delimiter) return at
    if (byte === NEWLINE || byte === RETURN) throw new CopyFormatError('a row has a line break in it')
    at += byte === BACKSLASH ? 2 : 1
  }
  if (at > last) throw new CopyFormatError('a row ends with a backslash')
  return at
}

function masked(masker: CellMasker, source: Buffer, start: number, end: number): Buffer | null {
  for (let i = start; i < end; i += 1) {
    if (source[i] === BACKSLASH) {
      const value = unescaped(source, start, end)
      return masker(value, 0, value.length)
    }
  }
  return masker(source, start, end)
}

function unescaped(source: Buffer, start: number, end: number): Buffer {
  const value = Buffer.allocUnsafe(end - start)
  let length = 0
  let i = start
  while (i < end) {
    let byte = source[i]!
    i += 1
    if (byte === BACKSLASH) {
      byte = source[i]!
      i += 1
      const base = byte === 0x78 ? 16 : 8
      const first = base === 16 ? i : i - 1
      const digits = digitsEnd(source, first, Math.min(end, first + (base === 16 ? 2 : 3)), base)
      if (digits > first) {
        byte = Number.parseInt(source.toString('latin1', first, digits), base) & 0xff
        i = digits
      } else byte = CONTROL_OF.get(byte) ?? byte
    }
    value[length] = byte
    length += 1
  }
  return value.subarray(0, length)
}

function digitsEnd(source: Buffer, start: number, limit: number, base: 8 | 16): number {
  let i = start
  while (i < limit && isDigit(source[i]!, base)) i += 1
  return i
}

function isDigit(byte: number, base: 8 | 16): boolean {
  if (base === 8) return byte >= 0x30 && byte <= 0x37
  const lower = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66)
}

function append(out: ByteWriter, value: Buffer, delimiter: number): void {
  for (let i = 0; i < value.length; i += 1) {
    const byte = value[i]!
    const letter = LETTER_OF.get(byte)
    if (letter !== undefined || byte === BACKSLASH || byte === delimiter) out.appendByte(BACKSLASH)
    out.appendByte(letter ?? byte)
  }
}
