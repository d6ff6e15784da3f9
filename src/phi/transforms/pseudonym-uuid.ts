import { uuidText } from '../tokens/token-text.ts'
import type { Pseudonyms } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'
import type { CellTransform } from './cell.ts'

const BYTES = 16
/** The text form: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12. */
const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u
const TEXT_LENGTH = 36
/** RFC 9562: version 8 is for uses of one's own; the variant is 10 in binary. */
const VERSION = 0x80
const VARIANT = 0x80

/** A UUID of version 8 made of 122 bits of the digest; the same for a value in text and in binary. */
export function pseudonymUuid(form: ValueForm, pseudonyms: Pseudonyms): CellTransform {
  return (source, start, end) => {
    const value = form.binary
      ? end - start === BYTES
        ? source.subarray(start, end)
        : undefined
      : parsed(source, start, end)
    if (value === undefined) return null
    const digest = pseudonyms.digest(value, 0, BYTES).subarray(0, BYTES)
    digest[6] = ((digest[6] ?? 0) & 0x0f) | VERSION
    digest[8] = ((digest[8] ?? 0) & 0x3f) | VARIANT
    return form.binary ? digest : Buffer.from(uuidText(digest))
  }
}

function parsed(source: Buffer, start: number, end: number): Buffer | undefined {
  if (end - start !== TEXT_LENGTH) return undefined
  const text = source.toString('latin1', start, end)
  return TEXT.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : undefined
}
