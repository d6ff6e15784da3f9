/** Pieces of the patterns for text, as sources. */

/** Between a cue word and what it announces: "no.", "number", "is", ":", "#". */
export const GLUE =
  '\\s{0,2}(?:(?:ids?|i\\.d\\.|nos?\\.?|num(?:ber)?s?\\.?|#)\\b\\.?)?\\s{0,2}(?:(?:is|was|of|on file)\\b)?\\s{0,2}[:=#-]?\\s{0,2}#?'
/** A number as institutions give them: letters and digits, in groups. `hasDigits` says whether it is one. */
export const NUMBER = '[A-Za-z]{0,6}[-/.]?[0-9][A-Za-z0-9]{0,19}(?:[-/][A-Za-z0-9]{1,16}){0,4}(?:[ -][0-9]{2,8}){0,4}'
/** The United States, the District of Columbia and the territories, as USPS abbreviates them. */
export const STATE =
  '(?:A[KLRZSP]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOPST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])'
export const STATE_NAME =
  '(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming)'

/** A word that begins with a capital letter, with the accents, hyphens and apostrophes of names. */
export const CAPITALISED = "\\p{Lu}[\\p{L}\\p{M}'-]{1,30}"
/** What stands between the parts of a name and is no capital: van der, de la. */
const PARTICLE = '(?:van|von|de|del|der|den|bin|ibn|al|el|la|las|los|le|di|da|dos|du|ter|ten)'
/** One to five words of a name, initials among them. */
export const NAME_WORDS = `(?:${PARTICLE} {1,2}){0,2}${CAPITALISED}(?: {1,2}(?:${PARTICLE} {1,2}){0,2}(?:${CAPITALISED}|\\p{Lu}\\b\\.?)){0,4}`

const MIN_DIGITS = 3

/** Whether a number has enough digits to be one. */
export const hasDigits = (text: string): boolean => text.replaceAll(/[^0-9]/g, '').length >= MIN_DIGITS

/** A global pattern that begins at the edge of a word with one of the cues; what follows them and the glue is the identifier. */
export const afterCue = (cues: string, identifier: string): RegExp =>
  new RegExp(`(\\b(?:${cues})${GLUE})${identifier}\\b`, 'gi')

/** A global pattern between the edges of words. */
export const between = (source: string, flags = 'g'): RegExp => new RegExp(`\\b(?:${source})\\b`, flags)
