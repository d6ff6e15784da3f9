import { BUILTIN_ARRAYS, BUILTIN_KINDS } from './builtin-types.ts'

/** What a transform has to know of a type. `other` has no neutral value: it can only become NULL. */
export type ValueKind =
  | 'text'
  | 'bpchar'
  | 'char' // "char", one byte
  | 'json'
  | 'jsonb'
  | 'xml'
  | 'bytea'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'numeric'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'array'
  | 'other'

/** How the values of one column are written. */
export interface ValueForm {
  readonly kind: ValueKind
  readonly binary: boolean
  /** Longest text in characters, when the type is limited (varchar, char, name). */
  readonly limit: number | undefined
  /** pg_type.oid of the elements of an array, else 0. */
  readonly elementOid: number
  /**
   * Of a timestamptz: made from a date or timestamp in the session's time zone, where its year has to be read. Otherwise the
   * year is that in UTC: a client could find out the hour by setting one time zone after the other.
   */
  readonly local?: boolean
  /** Of a number that has been cast to another type of number: the kind of the one it is stored with, which its tokens go by. */
  readonly storedKind?: ValueKind
}

/**
 * A type outside pg_catalog: pg_type.typtype and, for a domain, its base type, for an array, its element type, else 0.
 * The name tells text-like extension types (citext) from the rest. Of a composite type also its fields, in order.
 */
export type TypeLookup = (oid: number) => LookedUpType | undefined

export interface LookedUpType {
  readonly kind: string
  readonly baseOid: number
  readonly name?: string
  readonly fields?: readonly { readonly name: string; readonly typeOid: number }[]
}

/** VARHDRSZ: type modifiers of varchar and char count it (PostgreSQL source, varchar.c). */
const TYPMOD_HEADER = 4
const NAME_OID = 19
const NAME_LIMIT = 63
const VARCHAR_OID = 1043
/** Domains over domains; longer chains are not followed, their columns become NULL. */
const MAX_DOMAIN_DEPTH = 32

/**
 * The form of a column as RowDescription states it (PostgreSQL documentation, section 55.7).
 * Undefined when the format is neither 0 (text) nor 1 (binary): nothing valid can be written then.
 */
export function valueForm(
  column: { readonly typeOid: number; readonly typmod: number; readonly format: number },
  typeOf?: TypeLookup,
): ValueForm | undefined {
  if (column.format !== 0 && column.format !== 1) return undefined
  const binary = column.format === 1
  let oid = column.typeOid
  for (let depth = 0; depth < MAX_DOMAIN_DEPTH; depth += 1) {
    const kind = BUILTIN_KINDS.get(oid)
    if (kind !== undefined) return { kind, binary, limit: lengthLimit(oid, kind, column.typmod), elementOid: 0 }
    const element = BUILTIN_ARRAYS.get(oid)
    if (element !== undefined) return { kind: 'array', binary, limit: undefined, elementOid: element }
    const type = typeOf?.(oid)
    if (type?.kind === 'd') {
      oid = type.baseOid
      continue
    }
    if (type?.kind === 'b' && type.baseOid !== 0) {
      return { kind: 'array', binary, limit: undefined, elementOid: type.baseOid }
    }
    if (type?.kind === 'b' && type.name === 'citext') return { kind: 'text', binary, limit: undefined, elementOid: 0 }
    break
  }
  return { kind: 'other', binary, limit: undefined, elementOid: 0 }
}

/** The kind of a type, for an array that of its elements. */
export function elementKind(typeOid: number, typeOf?: TypeLookup): ValueKind {
  const form = valueForm({ typeOid, typmod: -1, format: 0 }, typeOf)
  if (form?.kind !== 'array') return form?.kind ?? 'other'
  return valueForm({ typeOid: form.elementOid, typmod: -1, format: 0 }, typeOf)?.kind ?? 'other'
}

function lengthLimit(oid: number, kind: ValueKind, typmod: number): number | undefined {
  if (oid === NAME_OID) return NAME_LIMIT
  const limited = kind === 'bpchar' || oid === VARCHAR_OID
  return limited && typmod >= TYPMOD_HEADER ? typmod - TYPMOD_HEADER : undefined
}
