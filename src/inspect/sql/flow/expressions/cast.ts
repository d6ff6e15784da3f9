import type { TypeName } from '@pgsql/types'
import type { OutputShape, StoredColumn } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInType } from '../known/built-in.ts'
import type { AnalysisContext } from '../context.ts'
import { labelOf } from '../values/document.ts'
import { NULL_VALUE, type NullType, type Value } from '../values/types.ts'
import { DATE, DATE_LIKE, JSON_TYPES, TEXT, TEXT_LIKE, TIMESTAMP } from '../values/value-types.ts'
import { detached, shaped, worst } from '../values/value.ts'
import { words } from '../words.ts'

/**
 * The value of a cast. Between types of the same kind it can be masked as before: text, JSON, dates, whole numbers of years, numbers
 * and UUIDs that become wider ones or text. A cast that shortens (`::varchar(3)`) makes something else of a value.
 */
export function castValue(value: Value, type: TypeName | undefined, context: AnalysisContext): Value {
  if (value.isNull !== undefined) return nullOf(type, context)
  if (isOwnType(value, type)) return detached(value)
  const shape = value.tainted ? castShape(value.shape, type, context) : null
  if (shape === null) return withConstants(worst([value]), value)
  const exact = value.exact === null ? null : castColumn(value.exact, type, context)
  return withConstants({ ...shaped(shape, [value]), exact }, value)
}

/** Constants beside it take its type, too. */
function nullOf(type: TypeName | undefined, context: AnalysisContext): Value {
  if (type === undefined) return NULL_VALUE
  return { ...NULL_VALUE, isNull: nullType(type, context), constants: [{ key: type, cells: [], nulls: [type] }] }
}

function nullType(type: TypeName, context: AnalysisContext): NullType {
  const elements = elementTypeName(type)
  // A length holds only where all have it.
  const name = builtInType({ ...(elements ?? type), typmods: [] }, context) ?? ''
  if (CHANGING_NOTHING.has(name)) return 'all'
  return new Set(elements === null ? CHANGING_LITTLE.get(name) : [])
}

/** Types of which a column is of, or becomes without losing anything. */
const CHANGING_NOTHING: ReadonlySet<string> = new Set(
  words('bool bytea date int2 int4 int8 json jsonb numeric text time timestamp uuid varchar'),
)
/** Others, with the columns that they leave alone: their own. */
const CHANGING_LITTLE: ReadonlyMap<string, readonly number[]> = new Map([
  ['bpchar', [1042]],
  ['float4', [700]],
  ['float8', [700, 701]],
  ['inet', [869]],
  ['interval', [1186]],
  ['timestamptz', [1184]],
  ['timetz', [1266]],
])

/** What was one of some constants is one of them in another type. */
function withConstants(result: Value, { constants, isSent }: Value): Value {
  const known = isSent === true && result.shape.kind === 'column' ? ({ isSent } as const) : {}
  return constants === undefined ? result : { ...result, ...known, constants }
}

/** `p.*::clinic.people`, as the server prints a row of a table. */
function isOwnType({ row }: Value, type: TypeName | undefined): boolean {
  if (row?.type === undefined || (type?.arrayBounds ?? []).length > 0) return false
  const [schema, name, ...more] = nameParts(type?.names)
  return schema === row.type.schema && name === row.type.name && more.length === 0
}

function castShape(shape: OutputShape, type: TypeName | undefined, context: AnalysisContext): OutputShape | null {
  const elements = elementTypeName(type)
  if (elements !== null) {
    if (shape.kind !== 'elements') return null
    const element = castShape(shape.element, elements, context)
    return element === null ? null : { kind: 'elements', element }
  }
  const name = builtInType(type, context) ?? ''
  if (shape.kind === 'year') return WHOLE_NUMBERS.has(name) || name === 'text' ? shape : null
  if (name === 'json' || name === 'jsonb') return isJsonShape(shape) ? shape : null
  if (shape.kind !== 'column') return null
  const base = baseType(shape.typeOid, context)
  if (base === BPCHAR && name === 'bpchar') return shape
  // It is masked as what is stored, however it is written.
  if (IDENTIFIERS.get(base)?.has(name) === true) return shape
  const target = KEPT.get(name)
  if (target === undefined) return null
  const same = TEXT_LIKE.has(target) ? TEXT_LIKE : DATE_LIKE
  return same.has(base) ? { ...shape, typeOid: target } : null
}

/** A copy of a column that is still one after a cast: what it equals is what equals the column. */
function castColumn(column: StoredColumn, type: TypeName | undefined, context: AnalysisContext): StoredColumn | null {
  const shape = castShape(column, type, context)
  if (shape?.kind !== 'column') return null
  const base = baseType(column.typeOid, context)
  if (!IDENTIFIERS.has(base)) return shape
  const name = builtInType(type, context) ?? ''
  const typeOid = TYPES.get(name) ?? TEXT
  // The text of a number is no number to compare with; that of a numeric shows its scale; and of parts of a number nothing is known.
  const isLike = typeOid !== TEXT || (base !== NUMERIC && labelOf(column, context.phi)?.releases.kind === 'equality')
  return isLike ? { ...column, typeOid } : null
}

const BPCHAR = 1042
const NUMERIC = 1700
const TYPES: ReadonlyMap<string, number> = new Map([
  ['int2', 21],
  ['int4', 23],
  ['int8', 20],
  ['numeric', NUMERIC],
  ['uuid', 2950],
])
/** By pg_type.oid: the types that hold every value of that one, and their text. */
const IDENTIFIERS: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [21, new Set(words('int2 int4 int8 numeric text varchar'))],
  [23, new Set(words('int4 int8 numeric text varchar'))],
  [20, new Set(words('int8 numeric text varchar'))],
  [NUMERIC, new Set(words('numeric text varchar'))],
  [2950, new Set(words('uuid text varchar'))],
])

/** What a domain holds. */
export function baseType(typeOid: number, { index }: AnalysisContext): number {
  let base = typeOid
  for (let depth = 0; depth < MAX_DOMAINS; depth += 1) base = index.domains.get(base) ?? base
  return base
}

/** Domains of domains. */
const MAX_DOMAINS = 8

const KEPT: ReadonlyMap<string, number> = new Map([
  ['text', TEXT],
  ['varchar', 1043],
  ['date', DATE],
  ['timestamp', TIMESTAMP],
])

const WHOLE_NUMBERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'numeric'])

/** Objects are made as JSON only. Of arrays it is not known: those of SQL cannot be cast to it. */
function isJsonShape(shape: OutputShape): boolean {
  if (shape.kind === 'elements' || shape.kind === 'object') return true
  return shape.kind === 'column' && JSON_TYPES.has(shape.typeOid)
}

/** The type of the elements of an array type. */
function elementTypeName(type: TypeName | undefined): TypeName | null {
  if (type === undefined || (type.arrayBounds ?? []).length === 0) return null
  const { arrayBounds: _, ...element } = type
  return element
}
