import type { PatientKeyForm } from '../../inspect/sql/facts.ts'

/** How far PostgreSQL counts in int8. */
const MAX_INT8 = 9_223_372_036_854_775_807n
const MIN_INT8 = -9_223_372_036_854_775_808n
const INTEGER = /^\s*(?<digits>[+-]?\d{1,30})\s*$/u
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/u
const UUID_BYTES = 16

/** The key of a patient in the one spelling that it is compared in; undefined for what is none of this form. */
export function keyFromText(text: string, form: PatientKeyForm): string | undefined {
  switch (form) {
    case 'integer': {
      const digits = INTEGER.exec(text)?.groups?.['digits']
      const value = digits === undefined ? undefined : BigInt(digits.replace('+', ''))
      return value === undefined || value > MAX_INT8 || value < MIN_INT8 ? undefined : String(value)
    }
    case 'uuid': {
      const lower = text.toLowerCase()
      return UUID.test(lower) ? lower : undefined
    }
    case 'text':
      return text
    default:
      return form satisfies never
  }
}

/** The same of a binary value. */
export function keyFromBinary(value: Buffer, form: PatientKeyForm): string | undefined {
  switch (form) {
    case 'integer':
      return integerOf(value)
    case 'uuid':
      return value.length === UUID_BYTES ? uuidOf(value.toString('hex')) : undefined
    case 'text':
      return value.toString('utf8')
    default:
      return form satisfies never
  }
}

function integerOf(value: Buffer): string | undefined {
  if (value.length === 2) return String(value.readInt16BE())
  if (value.length === 4) return String(value.readInt32BE())
  return value.length === 8 ? String(value.readBigInt64BE()) : undefined
}

const uuidOf = (hex: string): string =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
