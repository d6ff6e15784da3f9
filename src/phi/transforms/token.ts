import type { PhiClass } from '../classes.ts'
import type { StandIns } from '../tokens/stand-ins.ts'
import { tokenFormOf, valueReader, writeValue } from '../tokens/token-value.ts'
import type { ValueForm } from '../value-form.ts'
import { type CellTransform, isText, textCell } from './cell.ts'
import { dateCodec } from './date-cells.ts'
import { redact } from './redact.ts'
import { yearOnly } from './year-only.ts'

/** Longer values have no token: nobody compares them, and each would be kept. */
const MAX_VALUE_BYTES = 2 * 1024

/**
 * A random re-identification code, as 45 CFR 164.514(c) allows it: what the value is, only the vault knows. Dates keep
 * their year, because a date that means nothing would still be read as one; other types that have no tokens, values that
 * cannot be read or are very long, and everything where nobody can fetch tokens are redacted.
 *
 * A token that is not there yet is noted by `standIns`, and the cell is void: see `StandIns`.
 */
export function token(
  form: ValueForm,
  phiClass: PhiClass | 'unproven',
  standIns: StandIns | undefined,
  oldest: number,
): CellTransform {
  if (dateCodec(form) !== undefined) return yearOnly(form, oldest)
  const redacted = redact(form)
  const tokenForm = phiClass === 'unproven' ? null : tokenFormOf(form, phiClass)
  if (standIns === undefined || phiClass === 'unproven' || tokenForm === null) return redacted
  const read = valueReader(form)
  const tokenOf = standIns.tokensOf(phiClass, tokenForm)
  const write = tokenWriter(form)
  return (source, start, end) => {
    const value = end - start > MAX_VALUE_BYTES ? undefined : read(source, start, end)
    const found = value === undefined ? null : tokenOf(value)
    if (found === undefined) return null
    return found === null ? redacted(source, start, end) : write(found)
  }
}

/** The most frequent type of keys is worth a way of its own. */
function binaryInt4(found: string): Buffer {
  const cell = Buffer.allocUnsafe(4)
  cell.writeInt32BE(Number(found))
  return cell
}

function tokenWriter(form: ValueForm): (found: string) => Buffer | null {
  if (form.kind === 'bpchar') return (found) => textCell(form, found)
  // Tokens are ASCII, and all types are written as they are in text.
  if (isText(form) || !form.binary) return (found) => Buffer.from(found, 'latin1')
  if (form.kind === 'int4') return binaryInt4
  return (found) => writeValue(form, found) ?? null
}
