/** As the server writes most integers: nothing to do. */
const CANONICAL_INTEGER = /^(?:0|-?[1-9][0-9]{0,254})$/u
/** What PostgreSQL and JSON take for a decimal number; white space around it means nothing. */
const NUMBER =
  /^[ \t\n\r\v\f]*(?<sign>[+-]?)(?<whole>[0-9]*)(?:\.(?<fraction>[0-9]*))?(?:e(?<exponent>[+-]?[0-9]{1,4}))?[ \t\n\r\v\f]*$/iu
/** Integers in other bases (PostgreSQL 16 and later), and what may stand between the digits of any number. */
const OTHER_BASE = /^[ \t\n\r\v\f]*(?<sign>[+-]?)(?<digits>0(?:x[0-9a-f]+|o[0-7]+|b[01]+))[ \t\n\r\v\f]*$/iu
const SEPARATOR = /_(?=[0-9a-f])/giu
const LEADING_ZEROS = /^(?<before>[ \t\n\r\v\f]*[+-]?)0+(?=[0-9])/u
/** numeric has up to 131,072 digits; identifiers and amounts do not. */
const MAX_DIGITS = 256

/**
 * One spelling for each number: no plus sign, no zeros that mean nothing, no exponent, no negative zero. Undefined for what is
 * no number (NaN and the infinities are not), for very long ones, and for fractions where they are not wanted.
 */
export function canonicalNumber(text: string, fractions: boolean): string | undefined {
  return CANONICAL_INTEGER.test(text)
    ? text
    : canonicalDecimal(inDecimal(text.replaceAll(SEPARATOR, '').replace(LEADING_ZEROS, '$<before>')), fractions)
}

function inDecimal(text: string): string {
  const { sign = '', digits } = text.length > MAX_DIGITS ? {} : (OTHER_BASE.exec(text)?.groups ?? {})
  return digits === undefined ? text : sign + String(BigInt(digits))
}

function canonicalDecimal(text: string, fractions: boolean): string | undefined {
  if (text.length > MAX_DIGITS) return undefined
  const { sign = '', whole = '', fraction = '', exponent = '0' } = NUMBER.exec(text)?.groups ?? {}
  if (whole === '' && fraction === '') return undefined
  const digits = whole + fraction
  // Where the point stands in the digits, once the exponent has moved it.
  const point = whole.length + Number(exponent)
  if (/^0*$/u.test(digits)) return '0'
  if (point > MAX_DIGITS || point < -MAX_DIGITS) return undefined
  const before = digits.slice(0, Math.max(point, 0)).padEnd(point, '0').replace(/^0+/u, '')
  const after = (point < 0 ? '0'.repeat(-point) + digits : digits.slice(point)).replace(/0+$/u, '')
  if (after !== '' && !fractions) return undefined
  const plain = after === '' ? before : `${before === '' ? '0' : before}.${after}`
  return sign === '-' ? `-${plain}` : plain
}
