import type { StoredColumn } from '../../facts.ts'
import type { Part } from '../questions/released-part.ts'
import type { Value } from './types.ts'
import { detached, worst } from './value.ts'

const TEXT = 25
const VARCHAR = 1043
const TEXTS: ReadonlySet<number> = new Set([TEXT, VARCHAR])
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 701, 1700])
const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802])
/** Pseudo-types that take a value as it is (PostgreSQL documentation, 8.21). */
export const POLYMORPHIC: ReadonlySet<number> = new Set([
  2276, 2277, 2283, 2776, 3500, 3831, 4537, 5077, 5078, 5079, 5080, 4538,
])

/**
 * A value after the server has made it fit a declared type, as an argument or the result of a function. Where that could have
 * been a cast, what the value was a copy of or how it was built is forgotten.
 */
export function fitted(value: Value, typeOid: number | undefined): Value {
  const plain = detached(value)
  if (!plain.tainted) return plain
  const { row, part, ...rest } = plain
  // Fields are those of the declared type, by position, whatever the names in the row are.
  const isOwn = typeOid !== undefined && (POLYMORPHIC.has(typeOid) || row?.type?.oid === typeOid)
  if (row !== undefined) return isOwn ? plain : worst([plain])
  const known = part === undefined || typeOid === undefined || !keepsPart(part, typeOid) ? {} : { part }
  return typeOid !== undefined && isUnchanged(plain, typeOid) ? { ...rest, ...known } : { ...worst([plain]), ...known }
}

/** A year stays the same number in all types of numbers. */
function keepsPart(part: Part, typeOid: number): boolean {
  if (part.kind === 'year' && part.as === 'number') return NUMBERS.has(typeOid)
  return (part.kind === 'prefix' || (part.kind === 'year' && part.as === 'text')) && TEXTS.has(typeOid)
}

function isUnchanged({ exact, shape }: Value, typeOid: number): boolean {
  if (POLYMORPHIC.has(typeOid)) return true
  const leaf = exact ?? (shape.kind === 'column' ? shape : null)
  if (leaf !== null) return isType(leaf, typeOid)
  return shape.kind === 'whole' || (shape.kind !== 'year' && JSON_TYPES.has(typeOid))
}

/** Parts of a document are JSON or, as text, what is in it. */
function isType({ typeOid, path }: StoredColumn, declared: number): boolean {
  if (path.length > 0) return declared === TEXT || declared === typeOid
  return typeOid === declared || (typeOid === VARCHAR && declared === TEXT)
}
