import {
  LEFT_TO_RIGHT,
  MAPPED_TO_NOTHING,
  NON_ASCII_SPACE,
  PROHIBITED,
  RIGHT_TO_LEFT,
  UNASSIGNED,
} from './saslprep-tables.ts'

/**
 * A password as SCRAM hashes it: prepared by SASLprep (RFC 4013), or as it is where SASLprep forbids it. Both sides must
 * come to the same bytes, so this does what PostgreSQL does: text in ASCII is taken as it is, and what is prohibited is
 * looked for after mapping and before normalisation.
 */
export function saslprep(password: string): string {
  if (isAscii(password)) return password
  const mapped: number[] = []
  for (const code of codePoints(password)) {
    if (contains(NON_ASCII_SPACE, code)) mapped.push(0x20)
    else if (!contains(MAPPED_TO_NOTHING, code)) mapped.push(code)
  }
  if (mapped.length === 0) return password
  if (mapped.some((code) => contains(PROHIBITED, code) || contains(UNASSIGNED, code))) return password
  if (!keepsDirection(mapped)) return password
  return mapped
    .map((code) => String.fromCodePoint(code))
    .join('')
    .normalize('NFKC')
}

const codePoints = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0) ?? 0)

/** RFC 3454 section 6: text with a right-to-left letter has no other, and begins and ends with one. */
function keepsDirection(codes: readonly number[]): boolean {
  if (!codes.some(isRightToLeft)) return true
  return !codes.some((code) => contains(LEFT_TO_RIGHT, code)) && [codes[0], codes.at(-1)].every(isRightToLeft)
}

const isRightToLeft = (code: number | undefined): boolean => code !== undefined && contains(RIGHT_TO_LEFT, code)

const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length

/** Whether `code` is in a list of first and last code points of ranges in ascending order. */
function contains(ranges: readonly number[], code: number): boolean {
  let low = 0
  let high = ranges.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if (code < ranges[2 * middle]!) high = middle
    else if (code > ranges[2 * middle + 1]!) low = middle + 1
    else return true
  }
  return false
}
