import type { PhiClass } from '../classes.ts'
import type { Span } from './span.ts'

/** What a text must have for a pattern to be worth a try. */
export interface TextFeatures {
  readonly digit: boolean
  readonly at: boolean
  readonly colon: boolean
  readonly dot: boolean
}

/** One way in which an identifier stands in text. */
export interface TextPattern {
  readonly class: PhiClass
  /** Global. A first group is what leads to the identifier (a cue word) and no part of it. */
  readonly pattern: RegExp
  readonly needs?: keyof TextFeatures
  /** Beyond the pattern, of the identifier; `text` and `end` show what follows it. */
  readonly valid?: (identifier: string, text: string, end: number) => boolean
  /** The identifier goes on to the next blank, quote or bracket, however long it is. */
  readonly toBlank?: true
  /** See `Span.weak`. */
  readonly weak?: true
}

const DIGIT = /[0-9]/
/** A pattern with the flag u, told to begin in the middle of a character, begins before it. */
const LAST_OF_ONE_UNIT = 0xffff
const CONTINUES = /[^\s"'<>()[\]{}]/

/** What a text has. */
export function featuresOf(text: string): TextFeatures {
  return { digit: DIGIT.test(text), at: text.includes('@'), colon: text.includes(':'), dot: text.includes('.') }
}

/** Adds what the pattern finds in the text. */
export function findPattern(
  detector: string,
  { class: phiClass, pattern, needs, valid, toBlank, weak }: TextPattern,
  text: string,
  features: TextFeatures,
  found: Span[],
): void {
  if (needs !== undefined && !features[needs]) return
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const start = match.index + (match[1]?.length ?? 0)
    let end = match.index + match[0].length
    if (valid !== undefined && !valid(text.slice(start, end), text, end)) {
      // A longer match that is none must not hide a shorter one behind it.
      pattern.lastIndex = match.index + ((text.codePointAt(match.index) ?? 0) > LAST_OF_ONE_UNIT ? 2 : 1)
      continue
    }
    if (toBlank === true) {
      while (end < text.length && CONTINUES.test(text.charAt(end))) end += 1
      pattern.lastIndex = end
    }
    found.push(
      weak === true ? { start, end, class: phiClass, detector, weak } : { start, end, class: phiClass, detector },
    )
  }
}
