import type { ValueForm } from '../phi/value-form.ts'

/** The type of a value and how it is written. */
export interface ValueType {
  /** pg_type.oid, or `UNKNOWN_TYPE`. */
  readonly typeOid: number
  readonly typmod: number
  /** 0 text, 1 binary. */
  readonly format: 0 | 1
}

/** InvalidOid: the value is text, and its shape and its first byte tell what it can be. */
export const UNKNOWN_TYPE = 0

export function isNumberForm({ kind }: ValueForm): boolean {
  return /^(?:int|float|numeric)/u.test(kind)
}
