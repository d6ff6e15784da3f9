import type { TypeName } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { routineName } from './check-routine.ts'
import type { AnalysisContext } from '../context.ts'
import { SAFE_EXTENSIONS, SAFE_OPERATOR_EXTENSIONS } from './safe-extensions.ts'

/** The name of a function of pg_catalog; null if the name could stand for one that somebody has made. */
export function builtInFunction(parts: readonly string[], context: AnalysisContext): string | null {
  return builtIn(parts, context.index.functionsByName, SAFE_EXTENSIONS, context)
}

/** The same for an operator. */
export function builtInOperator(parts: readonly string[], context: AnalysisContext): string | null {
  return builtIn(parts, context.index.operatorsByName, SAFE_OPERATOR_EXTENSIONS, context)
}

/** Routines of known extensions work on types of their own as the built-in ones of that name do on theirs. */
function builtIn(
  parts: readonly string[],
  routines: ReadonlyMap<string, readonly { readonly schema: string; readonly extension?: string | null }[]>,
  known: { has(extension: string): boolean },
  { searchPath }: AnalysisContext,
): string | null {
  const { schema, name } = routineName(parts)
  if (schema !== null && schema !== 'pg_catalog') return null
  const others = (routines.get(name) ?? []).filter(
    (other) => other.schema === 'pg_catalog' || (schema === null && searchPath.includes(other.schema)),
  )
  return others.every(({ extension }) => known.has(extension ?? '')) ? name : null
}

/** The name of a type of pg_catalog, without modifier and not an array; null for any other. */
export function builtInType(type: TypeName | undefined, context: AnalysisContext): string | null {
  if (type === undefined || type.setof === true || type.pct_type === true) return null
  if ((type.typmods ?? []).length > 0 || (type.arrayBounds ?? []).length > 0) return null
  const parts = nameParts(type.names)
  const name = parts.at(-1) ?? ''
  const schema = parts.at(-2)
  if (schema !== undefined) return schema === 'pg_catalog' ? name : null
  const { index, searchPath } = context
  const isReached = (other: { readonly schema: string }): boolean =>
    searchPath.includes(other.schema) || other.schema.startsWith('pg_temp')
  const others = [...(index.typesByName.get(name) ?? []), ...(index.relationsByName.get(name) ?? [])]
  return others.some(isReached) ? null : name
}
