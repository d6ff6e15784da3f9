import type { TypeName } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import type { AnalysisContext } from '../context.ts'
import { SAFE_INFORMATION_SCHEMA_TYPES, SAFE_TYPES } from './safe-types.ts'

/**
 * The printed name of a type that is not known, or null. Known are the listed types of pg_catalog, and every type and row
 * type that the snapshot of the catalog holds: base types are made by superusers, the others have no input code of their own.
 */
export function unknownType(type: TypeName | undefined, context: AnalysisContext): string | null {
  const parts = nameParts(type?.names)
  const name = parts.at(-1) ?? ''
  const schema = parts.at(-2)
  if (type === undefined || type.pct_type === true) return parts.join('.')
  if (schema === 'pg_catalog' || (schema === undefined && SAFE_TYPES.has(name))) {
    return SAFE_TYPES.has(name) ? null : parts.join('.')
  }
  if (schema === 'information_schema' && SAFE_INFORMATION_SCHEMA_TYPES.has(name)) return null
  const { index, searchPath } = context
  const reachable = (candidate: { readonly schema: string }): boolean =>
    schema === undefined
      ? searchPath.includes(candidate.schema) || candidate.schema.startsWith('pg_temp')
      : candidate.schema === schema
  const known =
    index.typesByName.get(name)?.some(reachable) ?? index.relationsByName.get(name)?.some(reachable) ?? false
  return known ? null : parts.join('.')
}
