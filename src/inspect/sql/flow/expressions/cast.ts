import type { TypeName } from '@pgsql/types'
import type { OutputShape } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInType } from '../known/built-in.ts'
import type { AnalysisContext } from '../context.ts'
import { NULL_VALUE, type Value } from '../values/types.ts'
import { DATE, DATE_LIKE, JSON_TYPES, TEXT, TEXT_LIKE, TIMESTAMP } from '../values/value-types.ts'
import { detached, shaped, worst } from '../values/value.ts'

/**
 * The value of a cast. Between types of the same kind it can be masked as before: text, JSON, dates, whole numbers of years. A
 * cast that shortens (`::varchar(3)`) or changes the spelling makes something else of a value.
 */
export function castValue(value: Value, type: TypeName | undefined, context: AnalysisContext): Value {
  if (value === NULL_VALUE) return value
  if (isOwnType(value, type)) return detached(value)
  const shape = value.tainted ? castShape(value.shape, type, context) : null
  if (shape === null) return worst([value])
  const exact = value.exact === null ? null : castShape(value.exact, type, context)
  return { ...shaped(shape, [value]), exact: exact?.kind === 'column' ? exact : null }
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
  const target = KEPT.get(name)
  if (target === undefined || shape.kind !== 'column') return null
  const same = TEXT_LIKE.has(target) ? TEXT_LIKE : DATE_LIKE
  return same.has(baseType(shape.typeOid, context)) ? { ...shape, typeOid: target } : null
}

/** What a domain holds. */
function baseType(typeOid: number, { index }: AnalysisContext): number {
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
