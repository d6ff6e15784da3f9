import type { ValueForm } from '../value-form.ts'
import { ZIP3_ALLOWED } from '../zip3-allow-list.ts'
import { type CellTransform, digitsAt, numberedCells, isText, textCell, trimmedEnd } from './cell.ts'
import { redact } from './redact.ts'
import { wholeCell, wholeReader } from './whole-number.ts'

const DASH = 0x2d
const SPACE = 0x20
const MAX_ZIP = 99_999
const MAX_INT2 = 32_767

/**
 * The first three digits of a US ZIP code where more than 20,000 people live under them, else 000
 * (45 CFR 164.514(b)(2)(i)(B)). Text keeps its length: 02139 becomes 021**. Integers keep the place of the digits: 2139
 * becomes 2100. Anything that is not a ZIP code is redacted.
 */
export function zip3(form: ValueForm): CellTransform {
  if (isText(form)) return zip3Text(form)
  return form.kind === 'int2' || form.kind === 'int4' || form.kind === 'int8' ? zip3Integer(form) : redact(form)
}

function zip3Text(form: ValueForm): CellTransform {
  const redacted = redact(form)
  const cellsOf = (suffix: string) => numberedCells((n) => textCell(form, String(n).padStart(3, '0') + suffix))
  const three = cellsOf('')
  const five = cellsOf('**')
  const nine = cellsOf('******')
  const dashed = cellsOf('**-****')
  const spaced = cellsOf('** ****')
  return (source, start, end) => {
    const last = trimmedEnd(source, start, end)
    const prefix = digitsAt(source, start, Math.min(start + 3, last))
    if (prefix < 0) return redacted(source, start, end)
    const kept = ZIP3_ALLOWED.has(prefix) ? prefix : 0
    switch (last - start) {
      case 3:
        return three(kept)
      case 5:
        if (digitsAt(source, start + 3, last) >= 0) return five(kept)
        break
      case 9:
        if (digitsAt(source, start + 3, last) >= 0) return nine(kept)
        break
      case 10: {
        const separator = source[start + 5]
        const cells = separator === DASH ? dashed : separator === SPACE ? spaced : undefined
        const digits = digitsAt(source, start + 3, start + 5) >= 0 && digitsAt(source, start + 6, last) >= 0
        if (cells !== undefined && digits) return cells(kept)
        break
      }
      default:
        break
    }
    return redacted(source, start, end)
  }
}

function zip3Integer(form: ValueForm): CellTransform {
  const read = wholeReader(form)
  if (read === undefined) return redact(form)
  const cells = numberedCells((n) => wholeCell(form, n))
  const max = form.kind === 'int2' ? MAX_INT2 : MAX_ZIP
  return (source, start, end) => {
    const zip = read(source, start, end)
    if (zip < 0 || zip > max) return null
    const prefix = Math.trunc(zip / 100)
    return cells(ZIP3_ALLOWED.has(prefix) ? prefix * 100 : 0)
  }
}
