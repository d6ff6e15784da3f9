/** What programs append to a column's name without changing what the column holds. */
const FORM_SUFFIX =
  /_(?:txt|text|str|string|raw|enc|encrypted|hash|hashed|old|new|orig|src|val|value|upper|lower|clean)$/

/**
 * A name in the form that the catalog's patterns are written for: accents off, camelCase split, lower case, every run of
 * other characters one underscore, none at the edges.
 */
export function normalisedName(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')
}

/** The normalised name, and what is left of it without a suffix that only speaks of the form (`ssn_encrypted` → `ssn`). */
export function nameForms(name: string): readonly string[] {
  const whole = normalisedName(name)
  const bare = whole.replace(FORM_SUFFIX, '')
  return bare === whole || bare === '' ? [whole] : [whole, bare]
}

/** The words of a name in the singular: `PatientVisits` → patient, visit. */
export function wordsOf(name: string): readonly string[] {
  return normalisedName(name).split('_').map(singular)
}

function singular(word: string): string {
  if (word.length <= 3 || /(?:ss|us|is|as)$/.test(word)) return word
  return word
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch|sh)es$/, '$1')
    .replace(/s$/, (ending, _at: number, whole: string) => (whole.endsWith('ss') ? ending : ''))
}
