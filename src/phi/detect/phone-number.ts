import { parsePhoneNumberFromString } from 'libphonenumber-js/min'

const MIN_DIGITS = 7

/**
 * Whether digits could be a telephone number: with a plus sign that of its country, else one of North America. By length and
 * not by which numbers are in use: the numbers kept for fiction (555-01xx) are not, and they are what test data is made of.
 */
export function isPhoneNumber(text: string): boolean {
  if (text.replaceAll(/\D/g, '').length < MIN_DIGITS) return false
  return parsePhoneNumberFromString(text, 'US')?.isPossible() ?? false
}
