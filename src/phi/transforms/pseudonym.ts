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
/** Shortest text that can hold a pseudonym: 6 bits a character make 60. */
const SHORTEST = 11
/** Where the name of the class does not fit. No value begins like that, so that it is not stored as one. */
const SHORT_PREFIX = '~'
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
 * (45 CFR 164.514(c)(1)). Texts are sealed, so that they can be opened again; where that is too long for the type, and for
 * telephone numbers, they are digests, which differ as surely as 96 bits say, or as many as a shorter type holds. Dates
 * have none and keep their year; other types are redacted.
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
        const digest = pseudonyms.digest(source, Math.min(start + version, end), end)
        return jsonString(form, `${phiClass}_${digest.toString('hex', 0, HEX / 2)}`)
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

/** How the texts of a class are spelled, around what is sealed and around digests. */
interface Spelling {
  readonly sealed: ((sealed: string) => string) | undefined
  readonly digest: (digest: Buffer) => string
}

function spellingOf(phiClass: PhiClass | 'unproven'): Spelling {
  if (phiClass === 'email') return { sealed: sealedMail, digest: (digest) => hexOf(digest) + MAIL_DOMAIN }
  if (phiClass === 'phone' || phiClass === 'fax') return { sealed: undefined, digest: phoneNumber }
  return { sealed: (sealed) => `${phiClass}_${sealed}`, digest: (digest) => `${phiClass}_${hexOf(digest)}` }
}

function pseudonymText(form: ValueForm, phiClass: PhiClass | 'unproven', pseudonyms: Pseudonyms): CellTransform {
  const { limit } = form
  if (limit !== undefined && limit < SHORTEST) return redact(form)
  const { sealed: spelled, digest: spelledDigest } = spellingOf(phiClass)
  const holdsDigest = limit === undefined || spelledDigest(Buffer.alloc(32)).length <= limit
  // char(n) is padded, and a text of the same value must have the same pseudonym.
  const stop = form.kind === 'bpchar' ? trimmedEnd : (_source: Buffer, _start: number, end: number) => end
  return (source, start, end) => {
    const last = stop(source, start, end)
    const sealed = spelled === undefined ? undefined : pseudonyms.seal(source.toString('utf8', start, last))
    const whole = sealed === undefined ? undefined : spelled?.(sealed)
    if (whole !== undefined && (limit === undefined || whole.length <= limit)) return textCell(form, whole)
    const digest = pseudonyms.digest(source, start, last)
    const short = SHORT_PREFIX + digest.toString('base64url')
    return textCell(form, holdsDigest ? spelledDigest(digest) : short.slice(0, limit))
  }
}

function hexOf(digest: Buffer): string {
  return digest.toString('hex', 0, HEX / 2)
}

/** The longest part of a mail address before the @ is 64 characters, of a domain name between dots 63 (RFC 5321, RFC 1035). */
const MAIL_PART = 60

function sealedMail(sealed: string): string {
  const parts = sealed.match(new RegExp(`.{1,${MAIL_PART}}`, 'gu')) ?? []
  const [local, ...labels] = parts
  return `${local}@${labels.map((label) => `${label}.`).join('')}${MAIL_DOMAIN.slice(1)}`
}

function phoneNumber(digest: Buffer): string {
  const part = (at: number) => String(digest.readUIntBE(at, PART_BYTES) % PHONE_DIGITS).padStart(PHONE_PART, '0')
  return PHONE_PREFIX + part(0) + part(PART_BYTES)
}
