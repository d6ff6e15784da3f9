import type { CatalogRoutine } from '../../catalog.ts'
import type { AnalysisContext } from '../context.ts'
import { SAFE_EXTENSIONS, SAFE_OPERATOR_EXTENSIONS } from './safe-extensions.ts'
import { SAFE_FUNCTIONS, SAFE_INFORMATION_SCHEMA_FUNCTIONS } from './safe-functions.ts'
import { UNSAFE_OPERATORS } from './safe-operators.ts'

/** A function name split up. `schema` is null when it was not given. */
export interface RoutineName {
  readonly schema: string | null
  readonly name: string
}

export function routineName(parts: readonly string[]): RoutineName {
  return { schema: parts.at(-2) ?? null, name: parts.at(-1) ?? '' }
}

export function printed({ schema, name }: RoutineName): string {
  return schema === null ? name : `${schema}.${name}`
}

/**
 * Whether every function that the name could stand for is known to be safe. Which one the server picks depends on the
 * types of the arguments, so one that is not safe in any schema of the search path spoils the name, even if pg_catalog has
 * one as well.
 */
export function isSafeFunction({ schema, name }: RoutineName, context: AnalysisContext): boolean {
  const others = inReach(context.index.functionsByName.get(name), schema, context)
  if (!others.every(isSafeExtensionFunction)) return false
  if (schema === null || schema === 'pg_catalog')
    return SAFE_FUNCTIONS.has(name) || (schema === null && others.length > 0)
  if (schema === 'information_schema') return SAFE_INFORMATION_SCHEMA_FUNCTIONS.has(name)
  return others.length > 0
}

/** The same for an operator. Unqualified ones are looked up like functions (PostgreSQL documentation, 10.2). */
export function isSafeOperator({ schema, name }: RoutineName, context: AnalysisContext): boolean {
  const others = inReach(context.index.operatorsByName.get(name), schema, context)
  if (!others.every(isSafeExtensionOperator)) return false
  if (schema === null || schema === 'pg_catalog') return !UNSAFE_OPERATORS.has(name)
  return others.length > 0
}

function inReach(
  routines: readonly CatalogRoutine[] | undefined,
  schema: string | null,
  context: AnalysisContext,
): readonly CatalogRoutine[] {
  const all = routines ?? []
  if (schema === 'information_schema') return []
  if (schema !== null) return all.filter((routine) => routine.schema === schema)
  return all.filter((routine) => routine.schema === 'pg_catalog' || context.searchPath.includes(routine.schema))
}

function isSafeExtensionFunction({ extension, name }: CatalogRoutine): boolean {
  const exceptions = SAFE_EXTENSIONS.get(extension ?? '')
  return exceptions !== undefined && !exceptions.includes(name)
}

function isSafeExtensionOperator({ extension }: CatalogRoutine): boolean {
  return SAFE_OPERATOR_EXTENSIONS.has(extension ?? '')
}
