import { assertNever } from '../../lib/assert-never.ts'
import type { ValueForm } from '../value-form.ts'
import { type CellTransform, textCell } from './cell.ts'

/** What stands for a text. */
export const REDACTED = '[redacted]'

/** Nothing of the value stays: a constant where the type has a neutral value, else NULL. */
export function redact(form: ValueForm): CellTransform {
  const cell = redactedCell(form)
  return () => cell
}

function redactedCell(form: ValueForm): Buffer | null {
  switch (form.kind) {
    case 'text':
    case 'bpchar':
      return textCell(form, redactedText(form.limit))
    case 'char':
      return Buffer.from('*')
    case 'json':
      return Buffer.from(`"${REDACTED}"`)
    case 'jsonb':
      // The binary form begins with a version number, 1 (jsonb_send).
      return Buffer.from(form.binary ? `\u0001"${REDACTED}"` : `"${REDACTED}"`)
    case 'xml':
      return Buffer.from('<redacted/>')
    case 'bytea':
      return Buffer.from(form.binary ? '' : '\\x')
    case 'array':
      return form.binary ? emptyArray(form.elementOid) : Buffer.from('{}')
    case 'int2':
    case 'int4':
    case 'int8':
    case 'float4':
    case 'float8':
    case 'numeric':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
    case 'uuid':
    case 'other':
      // A number or a date that means nothing would still be read as one.
      return null
    default:
      return assertNever(form.kind)
  }
}

/** The constant, or as many asterisks as fit. */
function redactedText(limit: number | undefined): string {
  return limit === undefined || limit >= REDACTED.length ? REDACTED : '*'.repeat(Math.max(limit, 1))
}

/** No dimensions, no NULLs, the element type (array_send). */
function emptyArray(elementOid: number): Buffer {
  const cell = Buffer.alloc(12)
  cell.writeUInt32BE(elementOid, 8)
  return cell
}
