import type { TypeName } from '@pgsql/types'
import type { PhiView, Released } from '../../catalog.ts'
import { type StoredColumn, UNLABELLED } from '../../facts.ts'
import { baseType } from '../expressions/cast.ts'
import { builtInType } from '../known/built-in.ts'
import type { AnalysisContext } from '../context.ts'
import { documentAt, labelOf } from '../values/document.ts'
import { elementType } from '../values/value-types.ts'
import { words } from '../words.ts'

const INT2 = 21
const INT4 = 23
const INT8 = 20
const NUMERIC = 1700
const BPCHAR = 1042
const TEXTS: ReadonlySet<number> = new Set([25, BPCHAR, 1043])
const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802])
const UUID = 2950

/** bpchar drops blanks at the end: whether a value has some would show. */
const TEXT_NAMES: ReadonlySet<string> = new Set(words('text varchar'))
const BPCHAR_NAMES: ReadonlySet<string> = new Set(['bpchar', ...TEXT_NAMES])
/** By pg_type.oid: types that hold every value of that one, so that a cast to them cannot fail. */
const WIDER: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [INT2, new Set(words('int2 int4 int8 numeric'))],
  [INT4, new Set(words('int4 int8 numeric'))],
  [INT8, new Set(words('int8 numeric'))],
  [NUMERIC, new Set(['numeric'])],
  [UUID, new Set(['uuid'])],
])

/**
 * The class of a stored column, or of a part of its documents, of whose values equal ones have equal replacements: then
 * comparing it with a replacement tells no more than comparing replacements. Null for any other, and for types whose `=`
 * is not known to tell all values apart.
 */
export function comparableClass(column: StoredColumn, context: AnalysisContext): string | null {
  const base = baseType(column.typeOid, context)
  if (!TEXTS.has(base) && !WIDER.has(base)) return null
  const label = labelOf(column, context.phi)
  if (label === undefined) return null
  const document = documentAt(column, context.phi)
  if (document === null) return column.path.length === 0 && label.releases.kind === 'equality' ? label.class : null
  return document.kind === 'phi' && document.releases.kind === 'equality' ? document.class : null
}

/** Whether a type is one of those of numbers that tokens are of. */
export function isNumberType(typeOid: number): boolean {
  return typeOid !== UUID && WIDER.has(typeOid)
}

/** Whether a cast to a type leaves every value of a column as it is; of an array every element. */
export function isKeptByCast(
  { typeOid }: Pick<StoredColumn, 'typeOid'>,
  type: TypeName | undefined,
  context: AnalysisContext,
): boolean {
  const element = elementType(baseType(typeOid, context))
  if (element !== null) return isKeptByCast({ typeOid: element }, elementTypeName(type), context)
  const name = builtInType(type, context)
  if (name === null) return false
  const base = baseType(typeOid, context)
  if (TEXTS.has(base)) return (base === BPCHAR ? BPCHAR_NAMES : TEXT_NAMES).has(name)
  if (JSON_TYPES.has(base)) return name === 'json' || name === 'jsonb'
  return WIDER.get(base)?.has(name) === true
}

/** The type of the elements as an array type names it; undefined for what names none. */
export function elementTypeName(type: TypeName | undefined): TypeName | undefined {
  if (type === undefined || (type.arrayBounds ?? []).length === 0) return undefined
  return { ...type, arrayBounds: [] }
}

/** The class of a column that values are stored in. */
export function storedClass(column: StoredColumn, phi: PhiView): string {
  return labelOf(column, phi)?.class ?? UNLABELLED
}

/** What a column may show of a stand-in's value without telling more than the stand-in does. */
const SHOWING_NO_MORE: ReadonlySet<Released['kind']> = new Set(['nothing', 'equality'])

/**
 * Whether the value of a stand-in may be stored in a column: not where its replacement shows a part of it. Of documents each
 * part has a label of its own, which whoever resolves it has to look at.
 */
export function takesStandIns(column: StoredColumn, phi: PhiView): boolean {
  const label = labelOf(column, phi)
  return label === undefined || label.document !== undefined || SHOWING_NO_MORE.has(label.releases.kind)
}
