import type { ValueForm } from '../value-form.ts'
import { type CellTransform, numberedCells, isText, textCell, trimmedEnd } from './cell.ts'
import { redact } from './redact.ts'
import { wholeCell, wholeReader } from './whole-number.ts'

const PLUS = 0x2b

/**
 * Ages in whole years up to 89 stay; 90 and more become one group, as 45 CFR 164.514(b)(2)(i)(C) allows: "90+" in text,
 * the number 90 in numeric types (it then means "90 or more"). Fractions are dropped, because together with the
 * date of the query they tell the birthday. Anything that is not an age is redacted.
 */
export function age90(form: ValueForm): CellTransform {
  const read = wholeReader(form)
  const redacted = redact(form)
  if (read === undefined) return redacted
  const text = isText(form)
  const ages = numberedCells((n) => wholeCell(form, n))
  const old = text && (form.limit ?? 3) >= 3 ? textCell(form, '90+') : wholeCell(form, 90)
  return (source, start, end) => {
    const age = read(source, start, end)
    if (age >= 90) return old
    if (age >= 0) return ages(age)
    return text && isGroup(source, start, end) ? old : redacted(source, start, end)
  }

  /** "90+", as a text column may already say it. */
  function isGroup(source: Buffer, start: number, end: number): boolean {
    const last = trimmedEnd(source, start, end) - 1
    return last > start && source[last] === PLUS && (read?.(source, start, last) ?? 0) >= 90
  }
}
