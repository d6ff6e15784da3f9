import type { Recognised } from '../tokens/stand-in-reader.ts'
import type { Pseudonyms } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'

/** What is sealed has two digits that name the key, and two blocks at least. */
const PLAIN = /^[a-z-]+_(?<sealed>[0-9a-hjkmnp-tv-z]{54,})$/u
const MAIL = /^(?<local>[0-9a-hjkmnp-tv-z]{54,})@(?<labels>(?:[0-9a-hjkmnp-tv-z]+\.)*)pseudonym\.invalid$/u
/** The last are those of short types, as long as the digest in base64 at most. */
const DIGEST = /^(?:[a-z-]+_[0-9a-f]{24}|[0-9a-f]{24}@pseudonym\.invalid|\+999[0-9]{20}|~[\w-]{10,43})$/u
const NUMBER = /^-[0-9]+$/u
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u

/**
 * What a constant for a column with pseudonyms is. Sealed texts can be opened. Digests, numbers and UUIDs cannot, or nobody could tell
 * whether with the right key: they are what masking leaves, and no values.
 *
 * @param text as `recognise` takes it
 */
export function readPseudonym(text: string, form: ValueForm, pseudonyms: Pseudonyms): Recognised | undefined {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other types have no pseudonyms
  switch (form.kind) {
    case 'text':
    case 'bpchar':
    case 'json':
    case 'jsonb':
      return readText(form.kind === 'bpchar' ? text.trimEnd() : text, pseudonyms)
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
      return NUMBER.test(text) ? { kind: 'placeholder' } : undefined
    case 'uuid':
      return UUID.test(text) ? { kind: 'placeholder' } : undefined
    default:
      return undefined
  }
}

function readText(text: string, pseudonyms: Pseudonyms): Recognised | undefined {
  const { local, labels = '' } = MAIL.exec(text)?.groups ?? {}
  const sealed = local === undefined ? PLAIN.exec(text)?.groups?.['sealed'] : local + labels.replaceAll('.', '')
  if (sealed === undefined) return DIGEST.test(text) ? { kind: 'placeholder' } : undefined
  const value = pseudonyms.open(sealed)
  return value === undefined ? { kind: 'malformed' } : { kind: 'pseudonym', value }
}
