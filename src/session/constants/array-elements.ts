import { isNullWord, MAX_DIMENSIONS, unescapedText } from '../../mask/structured/text-elements.ts'

/** An element that is not NULL. */
export interface ArrayElement {
  /** Where it stands, with what has to be written anew with it: quotes, or the length before a binary value. */
  readonly start: number
  readonly end: number
  /** Without quotes and escapes. */
  readonly value: Buffer
  readonly encode: (value: Buffer) => Buffer
}

export interface ArrayElements {
  /** pg_type.oid, which a binary array states. */
  readonly elementOid: number | undefined
  readonly cells: readonly ArrayElement[]
}

const OPEN = 0x7b
const CLOSE = 0x7d
const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[1:3]=` before the braces. */
const BOUNDS = /^\s*(?:\[\s*[+-]?\d+(?:\s*:\s*[+-]?\d+)?\s*\]\s*)+=/u

/**
 * The elements of an array as text, as array_in reads it (PostgreSQL documentation, 8.15.2): white space around elements means
 * nothing. Undefined for what is none, and for a backslash outside quotes, which nobody writes.
 */
export function textElements(source: Buffer): ArrayElements | undefined {
  const cells: ArrayElement[] = []
  const bounds = BOUNDS.exec(source.toString('latin1'))
  let at = bounds?.[0].length ?? 0
  let depth = 0
  /** Whether an element or a nested array may come; else a delimiter or the end. */
  let isOpen = true
  let isOver = false
  while (at < source.length) {
    const byte = source[at]!
    if (isSpace(byte)) at += 1
    else if (isOver) return undefined
    else if (byte === OPEN) {
      if (!isOpen || depth === MAX_DIMENSIONS) return undefined
      depth += 1
      at += 1
    } else if (byte === CLOSE) {
      if (depth === 0) return undefined
      depth -= 1
      isOpen = false
      isOver = depth === 0
      at += 1
    } else if (byte === COMMA) {
      if (isOpen || depth === 0) return undefined
      isOpen = true
      at += 1
    } else {
      if (!isOpen || depth === 0) return undefined
      const end = byte === QUOTE ? quotedEnd(source, at) : plainEnd(source, at)
      if (end < 0) return undefined
      isOpen = false
      if (!isNullWord(source, at, end)) {
        cells.push({ start: at, end, value: elementValue(source, at, end), encode: quoted })
      }
      at = end
    }
  }
  return isOver ? { elementOid: undefined, cells } : undefined
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** Behind the closing quote, or -1. */
function quotedEnd(source: Buffer, at: number): number {
  for (let i = at + 1; i < source.length; i += 1) {
    const byte = source[i]
    if (byte === QUOTE) return i + 1
    if (byte === BACKSLASH) i += 1
  }
  return -1
}

/** Without the white space that follows; -1 for what has to be in quotes. */
function plainEnd(source: Buffer, at: number): number {
  let end = at
  for (let i = at; i < source.length; i += 1) {
    const byte = source[i]!
    if (byte === COMMA || byte === CLOSE) return end
    if (byte === QUOTE || byte === BACKSLASH || byte === OPEN) return -1
    if (!isSpace(byte)) end = i + 1
  }
  return -1
}

function elementValue(source: Buffer, start: number, end: number): Buffer {
  if (source[start] !== QUOTE) return source.subarray(start, end)
  return unescapedText(source, start + 1, end - 1) ?? source.subarray(start + 1, end - 1)
}

function quoted(value: Buffer): Buffer {
  const bytes: number[] = [QUOTE]
  for (const byte of value) {
    if (byte === QUOTE || byte === BACKSLASH) bytes.push(BACKSLASH)
    bytes.push(byte)
  }
  bytes.push(QUOTE)
  return Buffer.from(bytes)
}

/** Number of dimensions, whether there are NULLs, element type; 32 bits each (array_recv). */
const HEADER = 12
const ELEMENT_TYPE = 8
/** Length and lower bound. */
const DIMENSION = 8
const LENGTH = 4

/** The elements of an array in binary; undefined for what is none. */
export function binaryElements(source: Buffer): ArrayElements | undefined {
  if (source.length < HEADER) return undefined
  const dimensions = source.readInt32BE(0)
  if (dimensions < 0 || dimensions > MAX_DIMENSIONS) return undefined
  const cells: ArrayElement[] = []
  let at = HEADER + DIMENSION * dimensions
  while (at < source.length) {
    if (source.length - at < LENGTH) return undefined
    const length = source.readInt32BE(at)
    const start = at
    at += LENGTH
    if (length < 0) continue
    if (length > source.length - at) return undefined
    const value = source.subarray(at, at + length)
    at += length
    cells.push({ start, end: at, value, encode: prefixed })
  }
  return at === source.length ? { elementOid: source.readUInt32BE(ELEMENT_TYPE), cells } : undefined
}

function prefixed(value: Buffer): Buffer {
  const cell = Buffer.allocUnsafe(LENGTH + value.length)
  cell.writeInt32BE(value.length)
  value.copy(cell, LENGTH)
  return cell
}
