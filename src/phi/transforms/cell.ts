import type { ValueForm } from '../value-form.ts'

/**
 * Replaces one cell that is not NULL: the bytes of `source` from `start` to `end`. The result may be shared between calls,
 * so it is not to be changed; null makes the cell NULL. Never throws.
 */
export type CellTransform = (source: Buffer, start: number, end: number) => Buffer | null

/** Blank padding beyond this length is left out: `x::char(10000000)` must not make large constants. */
const MAX_PADDING = 255
const SPACE = 0x20

/** Whether a type is text, where the binary form is the text form. */
export function isText(form: ValueForm): boolean {
  return form.kind === 'text' || form.kind === 'bpchar'
}

/** Text as a cell of a text-like column. A char(n) value is blank-padded, as the server does it. */
export function textCell(form: ValueForm, text: string): Buffer {
  const padded = form.kind === 'bpchar' && form.limit !== undefined ? Math.min(form.limit, MAX_PADDING) : 0
  return Buffer.from(text.padEnd(padded), 'utf8')
}

/** The length of a text as PostgreSQL counts it: in code points. */
export function characterCount(text: string): number {
  return Array.from(text).length
}

/** Constants by number, built on first use: a result repeats few years, ages and ZIP prefixes many times. */
export function numberedCells(make: (n: number) => Buffer): (n: number) => Buffer {
  const cells = new Map<number, Buffer>()
  return (n) => {
    let cell = cells.get(n)
    if (cell === undefined) {
      cell = make(n)
      cells.set(n, cell)
    }
    return cell
  }
}

/** The end of a text value without its trailing blanks, which char(n) has and nobody means. */
export function trimmedEnd(source: Buffer, start: number, end: number): number {
  let last = end
  while (last > start && source[last - 1] === SPACE) last -= 1
  return last
}

/** The value of the ASCII digits from `start` to `end` (at most 9 of them), or -1 when there are none or other bytes. */
export function digitsAt(source: Buffer, start: number, end: number): number {
  if (end <= start || end - start > 9) return -1
  let value = 0
  for (let i = start; i < end; i += 1) {
    const digit = (source[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
