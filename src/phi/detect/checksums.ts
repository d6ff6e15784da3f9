/** Check digits and structures of identifiers. They raise or lower confidence; they never take a name's word back. */

const digitsOf = (text: string): readonly number[] => Array.from(text.replaceAll(/\D/g, ''), Number)

/** ISO/IEC 7812-1 annex B: payment cards, and under NPI. */
export function isLuhn(text: string): boolean {
  const digits = digitsOf(text)
  const sum = digits
    .toReversed()
    .reduce((total, digit, at) => total + (at % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0)
  return digits.length > 1 && sum % 10 === 0
}

/** National Provider Identifier: ten digits that begin with 1 or 2, Luhn with the prefix 80840 (45 CFR 162.406). */
export const isNpi = (text: string): boolean => /^[12][0-9]{9}$/.test(text) && isLuhn(`80840${text}`)

/** DEA registration number: two letters (the second may be 9), seven digits, the last a check digit. */
export function isDea(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z9][0-9]{7}$/.test(text)) return false
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, check] = digitsOf(text.slice(2))
  return (a + c + e + 2 * (b + d + f)) % 10 === check
}

/** Whether the Social Security Administration could have issued it: area not 000, 666 or 9xx, no part all zeros. */
export function isIssuableSsn(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '')
  return (
    /^(?:00[1-9]|0[1-9][0-9]|[1-8][0-9]{2})[0-9]{6}$/.test(digits) &&
    !digits.startsWith('666') &&
    digits.slice(3, 5) !== '00' &&
    digits.slice(5) !== '0000' &&
    // Printed on a wallet card, and used in advertisements.
    digits !== '078051120' &&
    !digits.startsWith('98765432')
  )
}

const VIN_LETTERS: ReadonlyMap<string, number> = new Map(
  Array.from('ABCDEFGHJKLMNPRSTUVWXYZ', (letter, at) => [
    letter,
    [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9][at] ?? 0,
  ]),
)
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]

/** Vehicle identification number with the check digit of North America (49 CFR 565.15). */
export function isVin(text: string): boolean {
  if (!/^[A-HJ-NPR-Z0-9]{17}$/.test(text)) return false
  const sum = Array.from(text).reduce(
    (total, sign, at) => total + (VIN_LETTERS.get(sign) ?? Number(sign)) * (VIN_WEIGHTS[at] ?? 0),
    0,
  )
  return text[8] === (sum % 11 === 10 ? 'X' : String(sum % 11))
}

/** ISO 13616: the first four characters to the end, letters as numbers from 10, modulo 97 is 1. */
export function isIban(text: string): boolean {
  const compact = text.replaceAll(' ', '').toUpperCase()
  if (!/^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/.test(compact)) return false
  const turned = compact.slice(4) + compact.slice(0, 4)
  let rest = 0
  for (const sign of turned) {
    for (const digit of String(Number.parseInt(sign, 36))) rest = (rest * 10 + Number(digit)) % 97
  }
  return rest === 1
}

/** RFC 4291, section 2.2, without the mixed form. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  return (
    groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) &&
    (halves.length === 2 ? groups.length < 8 : groups.length === 8)
  )
}

const VERHOEFF_PRODUCT = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
]
const VERHOEFF_SHUFFLE = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
]

/** The check digit of SNOMED CT identifiers: what has it everywhere is a code, not a record number. */
export function isVerhoeff(text: string): boolean {
  const digits = digitsOf(text).toReversed()
  const check = digits.reduce(
    (interim, digit, at) => Number(VERHOEFF_PRODUCT[interim]?.[Number(VERHOEFF_SHUFFLE[at % 8]?.[digit])]),
    0,
  )
  return digits.length > 1 && check === 0
}
