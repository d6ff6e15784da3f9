import type { Node, TypeCast } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction, builtInOperator, builtInType } from '../known/built-in.ts'
import type { AnalysisContext } from '../context.ts'
import { dateOf, partOf } from './released-part.ts'
import type { Value } from '../values/types.ts'
import { words } from '../words.ts'

const JSON_TYPES: ReadonlySet<string> = new Set(['json', 'jsonb'])
const DATE_TYPES: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz'])
const TEXT_TYPES: ReadonlySet<string> = new Set(words('text varchar bpchar char name'))

/** By pg_type.oid: arrays of text, bpchar, varchar, numbers, dates, uuid, inet. */
const ARRAYS: ReadonlySet<number> = new Set([1009, 1014, 1015, 1005, 1007, 1016, 1231, 1182, 1115, 1185, 2951, 1041])

const INT2 = 21

/** By pg_type.oid: types that hold every value of that one. */
const WIDER: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [INT2, new Set(words('int2 int4 int8 numeric float4 float8'))],
  [23, new Set(words('int4 int8 numeric float4 float8'))],
  [20, new Set(words('int8 numeric float4 float8'))],
  [1700, new Set(['numeric'])],
  [700, new Set(words('float4 float8'))],
  [701, new Set(['float8'])],
  [114, new Set(['json', 'jsonb'])],
  [3802, new Set(['json', 'jsonb'])],
  [16, new Set(words('bool int4'))],
  [869, new Set(['inet'])],
  [650, new Set(words('inet cidr'))],
  [2950, new Set(['uuid'])],
  [17, new Set(['bytea'])],
])

/**
 * Whether a cast of PHI cannot fail, whatever the value is. To text everything can be cast (what is too long for a given length
 * is cut off), to other types only what is known to fit.
 */
export function isQuietCast({ typeName, arg }: TypeCast, value: Value, context: AnalysisContext): boolean {
  const bare = typeName === undefined ? undefined : { ...typeName, typmods: [], arrayBounds: [] }
  const element = builtInType(bare, context)
  if (element === null) return false
  if (TEXT_TYPES.has(element)) {
    // To an array of texts only from an array: any other text is read, and may not be one.
    return (typeName?.arrayBounds ?? []).length === 0 || (value.exact !== null && ARRAYS.has(value.exact.typeOid))
  }
  const type = builtInType(typeName, context)
  if (type === null) return false
  if (value.exact !== null && value.exact.path.length === 0 && WIDER.get(value.exact.typeOid)?.has(type) === true)
    return true
  if (JSON_TYPES.has(type)) return value.shape.kind === 'object' || isJson(arg, context)
  const part = partOf(value)
  if (DATE_TYPES.has(type)) return dateOf(value, context.phi) !== null || (part?.kind === 'year' && part.as === 'date')
  return part?.kind === 'year' && part.as === 'number' && WIDER.get(INT2)?.has(type) === true
}

const JSON_FUNCTIONS =
  /^(?:row_to_json|array_to_json|to_jsonb?|jsonb?_(?:agg|agg_strict|build_array|build_object|object_agg|strip_nulls|set|extract_path))$/
const JSON_OPERATORS: ReadonlySet<string> = new Set(['->', '#>'])

function isJson(node: Node | undefined, context: AnalysisContext): boolean {
  if (node === undefined) return false
  if ('FuncCall' in node) return JSON_FUNCTIONS.test(builtInFunction(nameParts(node.FuncCall.funcname), context) ?? '')
  return 'A_Expr' in node && JSON_OPERATORS.has(builtInOperator(nameParts(node.A_Expr.name), context) ?? '')
}
