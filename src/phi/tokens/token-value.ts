import { isUtf8 } from 'node:buffer'
import { assertNever } from '../../lib/assert-never.ts'
import type { PhiClass } from '../classes.ts'
import { characterCount, isText, textCell, trimmedEnd } from '../transforms/cell.ts'
import { decimalCell, numberReader } from '../transforms/number-cells.ts'
import type { ValueForm, ValueKind } from '../value-form.ts'
import { binaryDateText, binaryTimestampText } from './binary-date.ts'
import { canonicalNumber } from './canonical-number.ts'
import type { TokenForm } from './stand-ins.ts'
import { TOKEN_LENGTH, uuidText } from './token-text.ts'

const UUID_BYTES = 16
const UUID_HEX = /^[0-9a-f]{32}$/u
/** With braces, hyphens and some blanks. */
const MAX_UUID_LENGTH = 64
/** How the server writes a UUID. */
const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u
/** Braces, and hyphens behind any four digits, as uuid_in takes them. */
const UUID_LOOSE = /^\{?(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}\}?$/iu

const FORM_OF: Readonly<Partial<Record<ValueKind, TokenForm>>> = {
  int4: 'integer',
  int8: 'bigint',
  numeric: 'bigint',
  uuid: 'uuid',
}

/** The form of the tokens of a type; null when it has none. A text type with little room has shorter ones. */
export function tokenFormOf(form: ValueForm, phiClass: PhiClass): TokenForm | null {
  if (!isText(form)) return FORM_OF[form.storedKind ?? form.kind] ?? null
  const { limit = Number.POSITIVE_INFINITY } = form
  const own = phiClass === 'email' ? 'email' : phiClass === 'phone' || phiClass === 'fax' ? 'phone' : 'text'
  return ([own, 'text', 'short'] as const).find((found) => TOKEN_LENGTH[found] <= limit) ?? null
}

/** Reads a cell as text; undefined when it has no value of the type. */
export type ValueReader = (source: Buffer, start: number, end: number) => string | undefined

/**
 * The canonical value of a cell or parameter: text as it is (without the padding of char(n)), numbers in plain notation
 * without needless zeros, UUIDs in lower case. So a value has one token however it is written. What a client spells
 * differently from the server is read as well; what has no tokens is given as the text that it would be, as far as
 * `recognise` has a use for it.
 */
export function readValue(form: ValueForm, source: Buffer, start: number, end: number): string | undefined {
  return valueReader(form)(source, start, end)
}

/** `readValue` for many cells of one form. */
export function valueReader(form: ValueForm): ValueReader {
  const { kind, binary } = form
  switch (kind) {
    case 'bpchar':
      return (source, start, end) => textValue(source, start, trimmedEnd(source, start, end))
    case 'int2':
    case 'int4':
    case 'int8':
      return numberValue(form, false)
    case 'numeric':
    case 'float4':
    case 'float8':
      return numberValue(form, true)
    case 'uuid':
      return binary ? binaryUuid : looseUuid
    case 'date':
      return binary ? binaryDateText : textValue
    case 'timestamp':
      return binary ? binaryTimestampText : textValue
    case 'timestamptz':
      return binary ? binaryInstantText : textValue
    case 'jsonb':
      // The binary form begins with a version number.
      return binary ? (source, start, end) => textValue(source, start + 1, end) : textValue
    case 'text':
    case 'char':
    case 'json':
    case 'xml':
      return textValue
    case 'bytea':
    case 'array':
    case 'other':
      return binary ? () => undefined : textValue
    default:
      return assertNever(kind)
  }
}

/** A canonical value as a cell or parameter; undefined when the type cannot hold it. */
export function writeValue(form: ValueForm, canonical: string): Buffer | undefined {
  if (isText(form)) {
    const fits = form.limit === undefined || characterCount(canonical) <= form.limit
    return fits && !canonical.includes('\0') ? textCell(form, canonical) : undefined
  }
  if (form.kind !== 'uuid') return decimalCell(form, canonical) ?? undefined
  if (!UUID_TEXT.test(canonical)) return undefined
  return form.binary ? Buffer.from(canonical.replaceAll('-', ''), 'hex') : Buffer.from(canonical)
}

function textValue(source: Buffer, start: number, end: number): string | undefined {
  let allBits = 0
  for (let i = start; i < end; i += 1) allBits |= source[i]!
  if (allBits < 0x80) return source.toString('latin1', start, end)
  // Bytes that are no UTF-8 would all read as the same character, and then two values had one token.
  return isUtf8(source.subarray(start, end)) ? source.toString('utf8', start, end) : undefined
}

function numberValue(form: ValueForm, fractions: boolean): ValueReader {
  if (!form.binary) {
    return (source, start, end) => canonicalNumber(source.toString('latin1', start, end), fractions)
  }
  const read = numberReader(form) ?? (() => undefined)
  // Binary integers have one spelling.
  return fractions ? (source, start, end) => canonicalNumber(read(source, start, end) ?? '', true) : read
}

function binaryInstantText(source: Buffer, start: number, end: number): string | undefined {
  const text = binaryTimestampText(source, start, end)
  return text === undefined ? undefined : `${text}+00`
}

function binaryUuid(source: Buffer, start: number, end: number): string | undefined {
  return end - start === UUID_BYTES ? uuidText(source.subarray(start, end)) : undefined
}

function looseUuid(source: Buffer, start: number, end: number): string | undefined {
  if (end - start > MAX_UUID_LENGTH) return undefined
  const text = source.toString('latin1', start, end)
  return canonicalUuid(text) ?? canonicalUuid(text.trim())
}

/** A UUID in any spelling that the server takes, as it writes it. */
export function canonicalUuid(text: string): string | undefined {
  if (UUID_TEXT.test(text)) return text
  if (!UUID_LOOSE.test(text) || text.startsWith('{') !== text.endsWith('}')) return undefined
  const hex = text.replaceAll(/[{}-]/gu, '').toLowerCase()
  return UUID_HEX.test(hex) ? uuidText(Buffer.from(hex, 'hex')) : undefined
}
