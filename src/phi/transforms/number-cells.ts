import type { ValueForm, ValueKind } from '../value-form.ts'
import { isText, textCell, trimmedEnd } from './cell.ts'

/** Reads a cell as a decimal number in plain notation; undefined when it is none (NaN and the infinities are not). */
export type NumberReader = (source: Buffer, start: number, end: number) => string | undefined

/** numeric has up to 131,072 digits; identifiers and amounts do not. */
const MAX_DIGITS = 256
const PLAIN = /^-?[0-9]+(?:\.[0-9]*)?$/u
const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?$/u
/** Header of a numeric: number of digits, weight of the first, sign, display scale; all 16 bits (numeric_send). */
const NUMERIC_HEADER = 8
const NUMERIC_BASE = 10_000n
const DIGITS_PER_GROUP = 4
const NEGATIVE = 0x4000

interface NumberType {
  readonly bytes: number | undefined
  readonly read: (source: Buffer, start: number, end: number) => string | undefined
  readonly write: (n: bigint) => Buffer
  /** Least and greatest whole number of the type. */
  readonly least?: bigint
  readonly greatest?: bigint
}

const TYPES: Readonly<Partial<Record<ValueKind, NumberType>>> = {
  int2: integer(
    2,
    (source, at) => String(source.readInt16BE(at)),
    (cell, n) => cell.writeInt16BE(Number(n)),
  ),
  int4: integer(
    4,
    (source, at) => String(source.readInt32BE(at)),
    (cell, n) => cell.writeInt32BE(Number(n)),
  ),
  int8: integer(
    8,
    (source, at) => String(source.readBigInt64BE(at)),
    (cell, n) => cell.writeBigInt64BE(n),
  ),
  float4: {
    bytes: 4,
    read: (source, start) => plainFloat(source.readFloatBE(start)),
    write: (n) => filled(4, (cell) => cell.writeFloatBE(Number(n))),
  },
  float8: {
    bytes: 8,
    read: (source, start) => plainFloat(source.readDoubleBE(start)),
    write: (n) => filled(8, (cell) => cell.writeDoubleBE(Number(n))),
  },
  numeric: { bytes: undefined, read: readNumeric, write: numericCell },
}

/** How to read numbers of this form; undefined when the type holds none. Text that is a number counts. */
export function numberReader(form: ValueForm): NumberReader | undefined {
  if (isText(form)) return readText
  const type = TYPES[form.kind]
  if (type === undefined || !form.binary) return type === undefined ? undefined : readText
  const { bytes, read } = type
  return (source, start, end) => (bytes === undefined || end - start === bytes ? read(source, start, end) : undefined)
}

/** A whole number as a cell of a form that has a reader; null when it does not fit. */
export function numberCell(form: ValueForm, n: bigint): Buffer | null {
  const text = String(n)
  if (isText(form)) return form.limit !== undefined && text.length > form.limit ? null : textCell(form, text)
  const type = TYPES[form.kind]
  if (type === undefined) return null
  if ((type.least !== undefined && n < type.least) || (type.greatest !== undefined && n > type.greatest)) return null
  return form.binary ? type.write(n) : Buffer.from(text)
}

/** A number in plain notation as a cell of a type of numbers; null when it cannot hold exactly that. */
export function decimalCell(form: ValueForm, text: string): Buffer | null {
  const [, sign = '', whole = '', fraction = ''] = DECIMAL.exec(text) ?? []
  if (whole === '' || text.length > MAX_DIGITS || TYPES[form.kind] === undefined) return null
  if (/^0*$/u.test(fraction)) return numberCell(form, BigInt(sign + whole))
  if (form.kind !== 'numeric') return null
  return form.binary ? numericParts(sign !== '', whole, fraction) : Buffer.from(text)
}

function integer(bytes: 2 | 4 | 8, read: NumberType['read'], write: (cell: Buffer, n: bigint) => void): NumberType {
  const half = 2n ** BigInt(8 * bytes - 1)
  return { bytes, read, write: (n) => filled(bytes, (cell) => write(cell, n)), least: -half, greatest: half - 1n }
}

function readText(source: Buffer, start: number, end: number): string | undefined {
  const last = trimmedEnd(source, start, end)
  if (last - start > MAX_DIGITS) return undefined
  const text = source.toString('latin1', start, last)
  return PLAIN.test(text) ? text : undefined
}

/** Very large and very small floats have no plain notation here. */
function plainFloat(value: number): string | undefined {
  const text = String(value)
  return PLAIN.test(text) ? text : undefined
}

function readNumeric(source: Buffer, start: number, end: number): string | undefined {
  if (end - start < NUMERIC_HEADER) return undefined
  const count = source.readInt16BE(start)
  const weight = source.readInt16BE(start + 2)
  const sign = source.readUInt16BE(start + 4)
  if (count < 0 || end - start !== NUMERIC_HEADER + 2 * count) return undefined
  if (sign !== 0 && sign !== NEGATIVE) return undefined
  const most = MAX_DIGITS / DIGITS_PER_GROUP
  if (weight >= most || weight < -most || count > most) return undefined
  let whole = ''
  let fraction = ''
  // Groups before the first one and after the last one are zero.
  for (let place = Math.max(weight, 0); place >= Math.min(weight - count + 1, 0); place -= 1) {
    const i = weight - place
    const group = i >= 0 && i < count ? source.readUInt16BE(start + NUMERIC_HEADER + 2 * i) : 0
    if (group >= NUMERIC_BASE) return undefined
    const digits = String(group).padStart(DIGITS_PER_GROUP, '0')
    if (place >= 0) whole += digits
    else fraction += digits
  }
  const text = fraction === '' ? whole : `${whole}.${fraction}`
  return sign === NEGATIVE ? `-${text}` : text
}

function numericCell(n: bigint): Buffer {
  return numericParts(n < 0n, String(n < 0n ? -n : n), '')
}

/** numeric_recv: groups of four digits, the first of weight 0 being that before the point. */
function numericParts(negative: boolean, whole: string, fraction: string): Buffer {
  const before = Math.ceil(whole.length / DIGITS_PER_GROUP)
  const after = Math.ceil(fraction.length / DIGITS_PER_GROUP)
  const digits = whole.padStart(before * DIGITS_PER_GROUP, '0') + fraction.padEnd(after * DIGITS_PER_GROUP, '0')
  const groups = Array.from({ length: before + after }, (_, i) =>
    Number(digits.slice(i * DIGITS_PER_GROUP, (i + 1) * DIGITS_PER_GROUP)),
  )
  const first = groups.findIndex((group) => group !== 0)
  const last = groups.findLastIndex((group) => group !== 0)
  // Zero digits at either end are not stored.
  const stored = first < 0 ? [] : groups.slice(first, last + 1)
  return filled(NUMERIC_HEADER + 2 * stored.length, (cell) => {
    cell.writeInt16BE(stored.length)
    cell.writeInt16BE(first < 0 ? 0 : before - 1 - first, 2)
    cell.writeUInt16BE(negative ? NEGATIVE : 0, 4)
    cell.writeInt16BE(fraction.length, 6)
    for (const [i, group] of stored.entries()) cell.writeUInt16BE(group, NUMERIC_HEADER + 2 * i)
  })
}

function filled(length: number, fill: (cell: Buffer) => void): Buffer {
  const cell = Buffer.alloc(length)
  fill(cell)
  return cell
}
