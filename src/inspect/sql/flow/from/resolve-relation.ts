import type { RangeVar } from '@pgsql/types'
import type { CatalogRelation } from '../../catalog.ts'
import type { AnalysisContext } from '../context.ts'
import {
  REFUSED_RELATIONS,
  SAFE_CATALOG_RELATIONS,
  SAFE_INFORMATION_SCHEMA_RELATIONS,
} from '../known/safe-relations.ts'

export type ResolvedRelation =
  | { readonly kind: 'known'; readonly relation: CatalogRelation }
  /** A system catalog or view on the allow-list. */
  | { readonly kind: 'system'; readonly schema: string; readonly name: string }
  | { readonly kind: 'refused'; readonly name: string }
  /** Several sessions have temporary relations of this name; which one is meant is not known. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly CatalogRelation[] }
  | { readonly kind: 'unresolved'; readonly name: string }

/** Kinds of pg_class that a statement can name as a relation with rows (pg_class.relkind). */
const ROW_KINDS = 'rpvmfS'

/**
 * Finds the relation that a name stands for, as the server would (PostgreSQL documentation, 5.10.3): temporary relations
 * first, then pg_catalog, then the search path, unless the path names those two itself.
 */
export function resolveRelation(
  name: Pick<RangeVar, 'schemaname' | 'relname'>,
  context: AnalysisContext,
): ResolvedRelation {
  const relname = name.relname ?? ''
  const schema = name.schemaname ?? ''
  const found = schema === '' ? bySearchPath(relname, context) : bySchema(schema, relname, context)
  if (found.kind !== 'known') return found
  const { relation } = found
  const usable = ROW_KINDS.includes(relation.kind) && !relation.schema.startsWith('pg_toast')
  return usable && !REFUSED_RELATIONS.has(relation.name) ? found : { kind: 'refused', name: qualified(relation) }
}

function bySchema(schema: string, name: string, context: AnalysisContext): ResolvedRelation {
  const full = `${schema}.${name}`
  if (schema === 'pg_catalog' || schema === 'information_schema') {
    return systemRelation(schema, name) ?? { kind: 'refused', name: full }
  }
  if (schema.startsWith('pg_toast')) return { kind: 'refused', name: full }
  const candidates = candidatesOf(name, context).filter((relation) =>
    schema === 'pg_temp' ? isTemporary(relation) : relation.schema === schema,
  )
  return pick(candidates, full)
}

function bySearchPath(name: string, context: AnalysisContext): ResolvedRelation {
  const all = candidatesOf(name, context)
  const temporary = all.filter(isTemporary)
  const permanent = firstOnPath(name, all, context)
  // A snapshot cannot tell whose temporary relation it saw, so it may or may not hide the permanent one.
  if (temporary.length === 0) return permanent
  if (permanent.kind === 'refused') return permanent
  if (permanent.kind === 'known') return { kind: 'ambiguous', candidates: [...temporary, permanent.relation] }
  if (permanent.kind === 'system') return { kind: 'ambiguous', candidates: temporary }
  return pick(temporary, name)
}

function firstOnPath(name: string, all: readonly CatalogRelation[], context: AnalysisContext): ResolvedRelation {
  const path = context.searchPath.includes('pg_catalog') ? context.searchPath : ['pg_catalog', ...context.searchPath]
  for (const schema of path) {
    if (schema === 'pg_catalog' || schema === 'information_schema') {
      const system = systemRelation(schema, name)
      if (system !== undefined) return system
    }
    const found = all.find((relation) => relation.schema === schema)
    if (found !== undefined) return { kind: 'known', relation: found }
  }
  return { kind: 'unresolved', name }
}

function systemRelation(schema: string, name: string): ResolvedRelation | undefined {
  if (schema === 'information_schema') {
    return SAFE_INFORMATION_SCHEMA_RELATIONS.has(name) ? { kind: 'system', schema, name } : undefined
  }
  if (SAFE_CATALOG_RELATIONS.has(name)) return { kind: 'system', schema, name }
  return REFUSED_RELATIONS.has(name) ? { kind: 'refused', name: `${schema}.${name}` } : undefined
}

function candidatesOf(name: string, context: AnalysisContext): readonly CatalogRelation[] {
  const all = context.index.relationsByName.get(name) ?? []
  // The allow-lists speak for the system schemas, whether or not the snapshot holds them.
  return all.filter(({ schema }) => schema !== 'pg_catalog' && schema !== 'information_schema')
}

function pick(candidates: readonly CatalogRelation[], name: string): ResolvedRelation {
  const [only, ...others] = candidates
  if (only === undefined) return { kind: 'unresolved', name }
  return others.length === 0 ? { kind: 'known', relation: only } : { kind: 'ambiguous', candidates }
}

function isTemporary(relation: CatalogRelation): boolean {
  return relation.schema.startsWith('pg_temp')
}

export function qualified(relation: { readonly schema: string; readonly name: string }): string {
  return `${relation.schema}.${relation.name}`
}
