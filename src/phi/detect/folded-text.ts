/** Characters that patterns need not know apart, code unit by code unit, so that places stay what they are. */
const FOLDED: ReadonlyMap<string, string> = new Map([
  ...Array.from('\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uFE58\uFE63', (dash) => [dash, '-'] as const),
  ...Array.from(
    '\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000',
    (blank) => [blank, ' '] as const,
  ),
  ...Array.from('\u2018\u2019\u201b\u02bc\u0060\u00b4', (apostrophe) => [apostrophe, "'"] as const),
])

const OTHER_THAN_ASCII = /[^\0-\x7f]/
const FOLDABLE =
  /[\u00a0\u00b4\u02bc\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2000-\u206f\u2212\u3000\ufe58\ufe63\uff01-\uff5e]/g
/** The zeros of the decimal digits in FOLDABLE: Arabic-Indic, its Persian form, Devanagari. */
const ZEROS = [0x0660, 0x06f0, 0x0966]
/** Full-width forms of ASCII are this much further on. */
const FULL_WIDTH = 0xfee0

/**
 * Text with the dashes, blanks, apostrophes and digits of other scripts and widths as those of ASCII. As long as it was, and
 * every character at its place.
 */
export function foldText(text: string): string {
  return OTHER_THAN_ASCII.test(text) ? text.replaceAll(FOLDABLE, foldOne) : text
}

function foldOne(sign: string): string {
  const mapped = FOLDED.get(sign)
  if (mapped !== undefined) return mapped
  const code = sign.charCodeAt(0)
  if (code > FULL_WIDTH) return String.fromCharCode(code - FULL_WIDTH)
  const zero = ZEROS.find((one) => code >= one && code <= one + 9)
  return zero === undefined ? sign : String(code - zero)
}
