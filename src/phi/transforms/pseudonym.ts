import { assertNever } from '../../lib/assert-never.ts'
import type { PhiClass } from '../classes.ts'
import type { Pseudonyms } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'
import { type CellTransform, textCell, trimmedEnd } from './cell.ts'
import { jsonString } from './constant.ts'
import { pseudonymNumber } from './pseudonym-number.ts'
import { pseudonymUuid } from './pseudonym-uuid.ts'
import { redact } from './redact.ts'
import { yearOnly } from './year-only.ts'

/** 96 bits in hexadecimal. */
const HEX = 24
/** Shortest text that can hold a pseudonym: 6 bits a character make 66. */
const SHORTEST = 11
/** Reserved names cannot be registered (RFC 2606), so that nobody gets mail. */
const MAIL_DOMAIN = '@pseudonym.invalid'
/** +999 is no country, and E.164 has 15 digits at most, so that nobody is called. */
const PHONE_PREFIX = '+999'
const PHONE_PART = 10
const PHONE_DIGITS = 10 ** PHONE_PART
/** The digest is cut into numbers of this many bytes, which a double holds exactly. */
const PART_BYTES = 6

/**
 * The same stand-in for the same value, made with a key. Not Safe Harbor: it is derived from the value
 * (45 CFR 164.514(c)(1)). Different values have different ones; for text as surely as 96 bits say, or as many as a shorter
 * type holds. Dates have none and keep their year; other types are redacted.
 */
export function pseudonym(
  form: ValueForm,
  phiClass: PhiClass | 'unproven',
  pseudonyms: Pseudonyms,
  oldest: number,
): CellTransform {
  switch (form.kind) {
    case 'text':
    case 'bpchar':
      return pseudonymText(form, phiClass, pseudonyms)
    case 'uuid':
      return pseudonymUuid(form, pseudonyms)
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
      return pseudonymNumber(form, pseudonyms)
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return yearOnly(form, oldest)
    case 'json':
    case 'jsonb':
      return (source, start, end) => {
        const version = form.kind === 'jsonb' && form.binary ? 1 : 0
        return jsonString(form, plainName(phiClass, pseudonyms.digest(source, Math.min(start + version, end), end)))
      }
    case 'char':
    case 'xml':
    case 'bytea':
    case 'float4':
    case 'float8':
    case 'array':
    case 'other':
      return redact(form)
    default:
      return assertNever(form.kind)
  }
}

function pseudonymText(form: ValueForm, phiClass: PhiClass | 'unproven', pseudonyms: Pseudonyms): CellTransform {
  const { limit } = form
  if (limit !== undefined && limit < SHORTEST) return redact(form)
  const name = phiClass === 'email' ? mailName : phiClass === 'phone' || phiClass === 'fax' ? phoneName : plainName
  const fits = limit === undefined || name(phiClass, Buffer.alloc(32)).length <= limit
  // char(n) is padded, and a text of the same value must have the same pseudonym.
  const stop = form.kind === 'bpchar' ? trimmedEnd : (_source: Buffer, _start: number, end: number) => end
  return (source, start, end) => {
    const digest = pseudonyms.digest(source, start, stop(source, start, end))
    return textCell(form, fits ? name(phiClass, digest) : digest.toString('base64url').slice(0, limit))
  }
}

function plainName(phiClass: PhiClass | 'unproven', digest: Buffer): string {
  return `${phiClass}_${digest.toString('hex', 0, HEX / 2)}`
}

function mailName(_: string, digest: Buffer): string {
  return digest.toString('hex', 0, HEX / 2) + MAIL_DOMAIN
}

function phoneName(_: string, digest: Buffer): string {
  const part = (at: number) => String(digest.readUIntBE(at, PART_BYTES) % PHONE_DIGITS).padStart(PHONE_PART, '0')
  return PHONE_PREFIX + part(0) + part(PART_BYTES)
}
