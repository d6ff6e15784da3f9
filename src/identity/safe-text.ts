const MAX_TEXT_CHARACTERS = 255

/**
 * What could forge a line of a log or hide in a name: control characters, line and paragraph separators, lone
 * surrogates, and the marks that change the direction of text.
 */
const UNSAFE_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u

/** Text that a principal may carry into journal, log and policy. */
export const isSafeText = (value: unknown, maxCharacters = MAX_TEXT_CHARACTERS): value is string =>
  typeof value === 'string' && value.length <= maxCharacters && value.trim() !== '' && !UNSAFE_TEXT.test(value)
