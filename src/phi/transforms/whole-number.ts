import type { ValueForm, ValueKind } from '../value-form.ts'
import { type CellTransform, digitsAt, isText, textCell, trimmedEnd } from './cell.ts'

/** Reads a cell as a number, its fraction dropped; -1 when it is not a number from 0 to 999,999,999. */
export type WholeReader = (...cell: Parameters<CellTransform>) => number

const MAX_WHOLE = 999_999_999
const POINT = 0x2e
/** Header of a numeric: number of digits, weight of the first, sign, display scale; all 16 bits (numeric_send). */
const NUMERIC_HEADER = 8
const NUMERIC_BASE = 10_000

interface NumberCodec {
  readonly read: WholeReader
  readonly make: (n: number) => Buffer
}

const BINARY: Readonly<Partial<Record<ValueKind, NumberCodec>>> = {
  int2: { read: readInt2, make: (n) => filled(2, (cell) => cell.writeInt16BE(n)) },
  int4: { read: readInt4, make: (n) => filled(4, (cell) => cell.writeInt32BE(n)) },
  int8: { read: readInt8, make: (n) => filled(8, (cell) => cell.writeInt32BE(n, 4)) },
  float4: { read: readFloat4, make: (n) => filled(4, (cell) => cell.writeFloatBE(n)) },
  float8: { read: readFloat8, make: (n) => filled(8, (cell) => cell.writeDoubleBE(n)) },
  numeric: { read: readNumeric, make: numericCell },
}

/** How to read numbers in this form; undefined when the type holds none. */
export function wholeReader(form: ValueForm): WholeReader | undefined {
  if (isText(form)) return readText
  const codec = BINARY[form.kind]
  return codec === undefined || form.binary ? codec?.read : readText
}

/** A whole number from 0 to 999,999 as a cell of a form that has a reader. The caller makes sure that it fits an int2. */
export function wholeCell(form: ValueForm, n: number): Buffer {
  const codec = isText(form) || !form.binary ? undefined : BINARY[form.kind]
  return codec === undefined ? textCell(form, String(n)) : codec.make(n)
}

function readText(source: Buffer, start: number, end: number): number {
  const last = trimmedEnd(source, start, end)
  let point = start
  while (point < last && source[point] !== POINT) point += 1
  for (let i = point + 1; i < last; i += 1) {
    const digit = (source[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return -1
  }
  return digitsAt(source, start, point)
}

function readInt2(source: Buffer, start: number, end: number): number {
  return end - start === 2 ? inRange(source.readInt16BE(start)) : -1
}

function readInt4(source: Buffer, start: number, end: number): number {
  return end - start === 4 ? inRange(source.readInt32BE(start)) : -1
}

function readInt8(source: Buffer, start: number, end: number): number {
  return end - start === 8 && source.readInt32BE(start) === 0 ? inRange(source.readUInt32BE(start + 4)) : -1
}

function readFloat4(source: Buffer, start: number, end: number): number {
  return end - start === 4 ? inRange(source.readFloatBE(start)) : -1
}

function readFloat8(source: Buffer, start: number, end: number): number {
  return end - start === 8 ? inRange(source.readDoubleBE(start)) : -1
}

function readNumeric(source: Buffer, start: number, end: number): number {
  if (end - start < NUMERIC_HEADER) return -1
  const digits = source.readInt16BE(start)
  const weight = source.readInt16BE(start + 2)
  // The sign of a positive number is 0; NaN and the infinities have signs of their own.
  if (source.readUInt16BE(start + 4) !== 0 || digits < 0 || end - start !== NUMERIC_HEADER + 2 * digits) return -1
  if (digits === 0 || weight < 0) return 0
  if (weight > 2) return -1
  let value = 0
  for (let i = 0; i <= weight; i += 1) {
    const digit = i < digits ? source.readInt16BE(start + NUMERIC_HEADER + 2 * i) : 0
    if (digit < 0 || digit >= NUMERIC_BASE) return -1
    value = value * NUMERIC_BASE + digit
  }
  return inRange(value)
}

function inRange(value: number): number {
  // Written so that NaN fails.
  return value >= 0 && value <= MAX_WHOLE ? Math.trunc(value) : -1
}

function numericCell(n: number): Buffer {
  const digits = n === 0 ? [] : n < NUMERIC_BASE ? [n] : [Math.trunc(n / NUMERIC_BASE), n % NUMERIC_BASE]
  const weight = Math.max(digits.length - 1, 0)
  // Trailing zero digits are not stored.
  if (digits.at(-1) === 0) digits.pop()
  return filled(NUMERIC_HEADER + 2 * digits.length, (cell) => {
    cell.writeInt16BE(digits.length)
    cell.writeInt16BE(weight, 2)
    for (const [i, digit] of digits.entries()) cell.writeInt16BE(digit, NUMERIC_HEADER + 2 * i)
  })
}

function filled(length: number, fill: (cell: Buffer) => void): Buffer {
  const cell = Buffer.alloc(length)
  fill(cell)
  return cell
}
