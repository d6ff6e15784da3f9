import type { ValueForm } from '../value-form.ts'
import { monthIndex } from './calendar.ts'
import { type CellTransform, numberedCells, isText, textCell } from './cell.ts'
import { dateCells, dateCodec } from './date-cells.ts'
import { looseTextYear } from './date-text.ts'
import { redact } from './redact.ts'
import { wholeCell, type WholeReader, wholeReader } from './whole-number.ts'

/**
 * Dates keep their year and become its first of January. Years before `oldest` become NULL: a year can tell that somebody
 * is over 89 (45 CFR 164.514(b)(2)(i)(C)). So do infinity, years before Christ, years of five digits, and dates in text
 * that is not in DateStyle ISO.
 *
 * A timestamptz becomes 12:00 UTC on the first of January: its year reads the same in every time zone, and the offset of
 * the original, which can tell summer from winter, is not shown. Text that holds an ISO 8601 date becomes the year.
 */
export function yearOnly(form: ValueForm, oldest: number): CellTransform {
  const codec = dateCodec(form)
  if (codec !== undefined) return dateCells(codec, 'year', oldest, (year) => monthIndex(year, 1))
  if (isText(form)) return yearCells(looseTextYear, oldest, (y) => textCell(form, String(y)), redact(form))
  const read = wholeReader(form)
  return read === undefined ? redact(form) : yearCells(fourDigitYear(read), oldest, (y) => wholeCell(form, y))
}

/** Years below 1 are what the readers return for a value without a year; `otherwise` takes those. */
function yearCells(
  read: WholeReader,
  oldest: number,
  make: (year: number) => Buffer,
  otherwise: CellTransform = () => null,
): CellTransform {
  const cells = numberedCells(make)
  return (source, start, end) => {
    const found = read(source, start, end)
    if (found < 1) return otherwise(source, start, end)
    return found < oldest ? null : cells(found)
  }
}

function fourDigitYear(read: WholeReader): WholeReader {
  return (source, start, end) => {
    const n = read(source, start, end)
    return n >= 1000 && n <= 9999 ? n : -1
  }
}
