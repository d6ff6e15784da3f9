import type { ValueForm } from '../value-form.ts'
import { type CellTransform, isText, textCell, trimmedEnd } from './cell.ts'
import { redact } from './redact.ts'

const KEPT = 4
const SHORTEST = 8
const STARS = '****'

/**
 * The last four characters of a text of eight or more, after four asterisks (the length is not told). Not Safe Harbor:
 * parts of identifiers are identifiers (HHS guidance of 2012). Shorter values, values whose last four characters are not
 * printable ASCII, and other types are redacted.
 */
export function partial(form: ValueForm): CellTransform {
  const redacted = redact(form)
  if (!isText(form)) return redacted
  return (source, start, end) => {
    const last = trimmedEnd(source, start, end)
    const first = last - KEPT
    if (characters(source, start, last) < SHORTEST || !printable(source, first, last)) {
      return redacted(source, start, end)
    }
    return textCell(form, STARS + source.toString('latin1', first, last))
  }
}

/** UTF-8 characters, counted up to the number that matters. */
function characters(source: Buffer, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end && count < SHORTEST; i += 1) if (((source[i] ?? 0) & 0xc0) !== 0x80) count += 1
  return count
}

function printable(source: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) {
    const byte = source[i] ?? 0
    if (byte < 0x20 || byte > 0x7e) return false
  }
  return true
}
