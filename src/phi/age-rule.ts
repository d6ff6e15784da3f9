import type { PhiClass } from './classes.ts'

/** Years before the present one that a person of at most 89 can have been born in (45 CFR 164.514(b)(2)(i)(C)). */
const OLDEST_AGE = 89

/** The first age that is not told. */
export const OLD_AGE = OLDEST_AGE + 1

/**
 * The first year that a date may show. A date of death may be of any year: it does not tell an age; every other date of a
 * living person that is 90 years old does.
 *
 * @param currentYear of the common era.
 */
export function oldestYear(phiClass: PhiClass | 'unproven', currentYear: number): number {
  return phiClass === 'date-of-death' ? 1 : currentYear - OLDEST_AGE
}
