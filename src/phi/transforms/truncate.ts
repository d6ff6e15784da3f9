import type { Truncation } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'
import { type CellTransform, isText, numberedCells, textCell } from './cell.ts'
import { dateCells, dateCodec } from './date-cells.ts'
import { looseTextMonth, looseTextYear } from './date-text.ts'
import { redact } from './redact.ts'

const MONTHS = 12
const QUARTER = 3
const DECADE = 10

/**
 * Dates go to the first of their month, quarter or decade; text that holds an ISO 8601 date becomes `YYYY-MM` (of the
 * first month of the quarter) or the first year of the decade. Not Safe Harbor but for decades, which say less than years.
 * Years before `oldest` become NULL, as `yearOnly` has it; types without dates are redacted.
 */
export function truncate(form: ValueForm, to: Truncation, oldest: number): CellTransform {
  const unit = to === 'month' ? 1 : to === 'quarter' ? QUARTER : DECADE * MONTHS
  // The first decade of the era begins before it.
  const beginning = (month: number) => Math.max(month - (month % unit), MONTHS)
  const codec = dateCodec(form)
  if (codec !== undefined) return dateCells(codec, 'month', oldest * MONTHS, beginning)
  if (!isText(form)) return redact(form)
  const decade = to === 'decade'
  if (!decade && form.limit !== undefined && form.limit < 'YYYY-MM'.length) return redact(form)
  const read = decade ? looseDecade : looseTextMonth
  const redacted = redact(form)
  const cells = numberedCells((found) => {
    const month = beginning(found)
    return textCell(form, decade ? yearText(month) : `${yearText(month)}-${monthText(month)}`)
  })
  return (source, start, end) => {
    const month = read(source, start, end)
    if (month < MONTHS) return redacted(source, start, end)
    return month < oldest * MONTHS ? null : cells(month)
  }
}

/** A text with a year alone has a decade, too. */
function looseDecade(source: Buffer, start: number, end: number): number {
  const year = looseTextYear(source, start, end)
  return year < 1 ? -1 : year * MONTHS
}

function yearText(month: number): string {
  return String(Math.trunc(month / MONTHS)).padStart(4, '0')
}

function monthText(month: number): string {
  return String((month % MONTHS) + 1).padStart(2, '0')
}
