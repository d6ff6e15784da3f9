import type { ValueForm } from '../value-form.ts'
import type { CellTransform } from './cell.ts'
import { numberCell, numberReader } from './number-cells.ts'
import { redact } from './redact.ts'

/**
 * Numbers go to the nearest multiple of `to`, halves up. Not Safe Harbor. What is no number within 2^53, results that do
 * not fit the type, and types without numbers are redacted (NULL where the type is a number).
 */
export function roundTo(form: ValueForm, to: number): CellTransform {
  const read = numberReader(form)
  const redacted = redact(form)
  if (read === undefined) return redacted
  return (source, start, end) => {
    const value = Number(read(source, start, end) ?? Number.NaN)
    const rounded = Math.round(value / to) * to
    if (!Number.isSafeInteger(rounded)) return redacted(source, start, end)
    return numberCell(form, BigInt(rounded)) ?? redacted(source, start, end)
  }
}
