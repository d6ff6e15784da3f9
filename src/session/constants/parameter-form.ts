import type { ConstantSite } from '../../inspect/sql/facts.ts'
import { BUILTIN_KINDS } from '../../phi/builtin-types.ts'
import { isText } from '../../phi/transforms/cell.ts'
import { type TypeLookup, type ValueForm, valueForm } from '../../phi/value-form.ts'
import type { BoundValue } from '../../protocols/protocol.ts'
import type { ConstantColumn } from './constant-column.ts'

/** pg_type.oid of `unknown`: declared so, a parameter gets its type from where it stands. */
const UNKNOWN_OID = 705
/** Of `name`, which has room for 63 bytes. */
const NAME_OID = 19
/** Binary numerics have a header of this size, and zero consists of it alone. */
const NUMERIC_HEADER = 8

/** Where a parameter stands: see `ConstantSite`. */
interface ParameterUse {
  readonly use: ConstantSite['use']
  readonly isUntyped: boolean
}

/**
 * The form in which a parameter has been sent. Where Parse left its type to the server, that takes the type of the column; a
 * cast in the text can have made another one of the same family of it, so that of a binary value the length has to tell.
 * 'unknown' when it does not, and where the server takes it for a text (VALUES) though the column is none.
 */
export function parameterForm(
  { typeOid, format }: BoundValue,
  value: Buffer,
  column: ConstantColumn,
  { isUntyped, use }: ParameterUse,
  typeOf: TypeLookup,
): ValueForm | 'unknown' {
  if (format !== 0 && format !== 1) return 'unknown'
  if (typeOid !== 0 && typeOid !== UNKNOWN_OID) {
    const declared = valueForm({ typeOid, typmod: -1, format }, typeOf)
    if (declared === undefined || (use === 'comparison' && !isLike(typeOid, declared, column))) return 'unknown'
    // The text of a type that nobody knows is read as the column's type would be.
    if (declared.kind !== 'other' || format === 1) return declared
  }
  const { form } = column
  if (format === 0) return form
  // Within an expression its type is whatever that makes of it: `($1::int4)::text`.
  if (use === 'embedded' || (isUntyped && !isText(form))) return 'unknown'
  if (column.isArray) return { ...form, kind: 'array', binary: true }
  const kind = binaryKind(form.kind, value.length)
  return kind === undefined ? 'unknown' : { ...form, kind, binary: true }
}

/**
 * Whether to compare with a value of the declared type is to ask whether it is the same, and the type holds every value of
 * the column. The analysis does not see what Parse declares: citext would tell who has the name in another case, "char" who
 * has its first letter, char(n) who has it without blanks behind, int8 whether a numeric is one.
 */
function isLike(typeOid: number, declared: ValueForm, { typeOid: own, form, isArray }: ConstantColumn): boolean {
  const single = isArray ? declared.elementOid : typeOid
  if (single === own) return true
  const kind = BUILTIN_KINDS.get(single)
  if (kind === undefined || single === NAME_OID) return false
  if (kind === 'text') return isText(form)
  const size = NUMBERS.indexOf(form.kind)
  if (size < 0) return kind === form.kind
  // A token that an int4 holds comes from a column of that type, and so does its value.
  return kind === 'int4' || NUMBERS.indexOf(kind) >= size
}

/** Each holds every value of those before. */
const NUMBERS: readonly ValueForm['kind'][] = ['int2', 'int4', 'int8', 'numeric']
const INTEGERS: ReadonlyMap<number, ValueForm['kind']> = new Map([
  [2, 'int2'],
  [4, 'int4'],
  // As long as the numeric 0, but no stand-in reads as that.
  [NUMERIC_HEADER, 'int8'],
])

function binaryKind(kind: ValueForm['kind'], length: number): ValueForm['kind'] | undefined {
  if (NUMBERS.includes(kind)) return INTEGERS.get(length) ?? (length > NUMERIC_HEADER ? 'numeric' : undefined)
  return kind === 'other' || kind === 'array' ? undefined : kind
}
