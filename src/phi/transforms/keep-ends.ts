import type { ValueForm } from '../value-form.ts'
import { type CellTransform, characterCount, isText, textCell, trimmedEnd } from './cell.ts'
import { redact } from './redact.ts'

interface Ends {
  /** Characters kept at the beginning and at the end. */
  readonly first: number
  readonly last: number
  /** What stands between them, whatever the length of the value. */
  readonly fill: string
}

/** UTF-8 bytes 10xxxxxx continue a character. */
const CONTINUATION_MASK = 0xc0
const CONTINUATION = 0x80
/** Below it, and at 0x7f, are control characters. */
const FIRST_PRINTABLE = 0x20
const DELETE = 0x7f

/**
 * Characters of both ends of a text. Not Safe Harbor: parts of identifiers are identifiers (HHS guidance of 2012). At least
 * as many characters must be hidden as are kept, else the value is redacted; so are values with control characters in what
 * is kept, results that do not fit the type, and other types.
 */
export function keepEnds(form: ValueForm, { first, last, fill }: Ends): CellTransform {
  const redacted = redact(form)
  const length = first + last + characterCount(fill)
  if (!isText(form) || (form.limit !== undefined && length > form.limit)) return redacted
  return (source, start, end) => {
    const stop = trimmedEnd(source, start, end)
    const head = forward(source, start, stop, first)
    const tail = backward(source, start, stop, last)
    const enough = head >= 0 && tail >= 0 && forward(source, head, tail, first + last) >= 0
    if (!enough || !printable(source, start, head) || !printable(source, tail, stop)) {
      return redacted(source, start, end)
    }
    return textCell(form, source.toString('utf8', start, head) + fill + source.toString('utf8', tail, stop))
  }
}

/** Where `count` characters from `from` on end, or -1 when there are fewer before `end`. */
function forward(source: Buffer, from: number, end: number, count: number): number {
  let at = from
  for (let n = 0; n < count; n += 1) {
    if (at >= end) return -1
    at += 1
    while (at < end && continues(source, at)) at += 1
  }
  return at
}

/** Where the last `count` characters before `end` begin, or -1. */
function backward(source: Buffer, start: number, end: number, count: number): number {
  let at = end
  for (let n = 0; n < count; n += 1) {
    at -= 1
    while (at > start && continues(source, at)) at -= 1
    if (at < start) return -1
  }
  return at
}

function continues(source: Buffer, at: number): boolean {
  return ((source[at] ?? 0) & CONTINUATION_MASK) === CONTINUATION
}

function printable(source: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) {
    const byte = source[i] ?? 0
    if (byte < FIRST_PRINTABLE || byte === DELETE) return false
  }
  return true
}
