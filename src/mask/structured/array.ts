import type { ValueForm } from '../../phi/value-form.ts'
import type { CellMasker } from '../plan.ts'
import { arrayBinaryMasker } from './array-binary.ts'
import { arrayTextMasker } from './array-text.ts'

const BOX_OID = 603
const COMMA = 0x2c
const SEMICOLON = 0x3b

/** Masks each element of an array; an array that cannot be read is left to `malformed`. */
export function arrayMasker(
  { binary, elementOid }: ValueForm,
  element: CellMasker | 'pass',
  malformed: CellMasker,
): CellMasker | 'pass' {
  if (element === 'pass') return 'pass'
  if (binary) return arrayBinaryMasker(element, elementOid, malformed)
  // The one built-in type with another pg_type.typdelim. Where a user's type has one, too, elements are taken for longer or
  // shorter than they are, but still nothing of them stays.
  return arrayTextMasker(element, elementOid === BOX_OID ? SEMICOLON : COMMA, malformed)
}
