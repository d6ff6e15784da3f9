import type { Catalog, CatalogRelation, CatalogRoutine, CatalogType, PhiView } from '../catalog.ts'
import { Definitions } from './definitions/definitions.ts'

/** Look-ups that name resolution needs. Keys are names as the server stores them, already case-folded. */
export interface CatalogIndex {
  readonly relationsByName: ReadonlyMap<string, readonly CatalogRelation[]>
  readonly functionsByName: ReadonlyMap<string, readonly CatalogRoutine[]>
  readonly operatorsByName: ReadonlyMap<string, readonly CatalogRoutine[]>
  readonly typesByName: ReadonlyMap<string, readonly CatalogType[]>
  /** By the oid of a domain: the type that it is based on, which may be a domain itself. */
  readonly domains: ReadonlyMap<number, number>
}

/** Everything that an analysis depends on besides the statement. */
export interface AnalysisContext {
  readonly index: CatalogIndex
  readonly phi: PhiView
  /**
   * Schemas in the order in which unqualified names are looked up. pg_catalog comes first unless the list names it, and
   * a session's temporary schema before that.
   */
  readonly searchPath: readonly string[]
  /** The setting search_path: differs inside what was parsed when it was made, where functions called still follow it. */
  readonly setPath: readonly string[]
  /** What the views and functions of the catalog stand for. */
  readonly definitions: Definitions
}

/** Builds the look-up maps of a catalog. Costs a pass over the catalog: keep the result as long as the catalog. */
export function buildContext(catalog: Catalog, phi: PhiView, searchPath: readonly string[]): AnalysisContext {
  const index = indexOf(catalog)
  const unusable = new Set(catalog.unusableSchemas)
  const usable =
    unusable.size === 0 ? catalog.relations : catalog.relations.filter(({ schema }) => !unusable.has(schema))
  return {
    index: unusable.size === 0 ? index : { ...index, relationsByName: groupByName(usable) },
    phi,
    searchPath,
    setPath: searchPath,
    definitions: new Definitions(catalog, phi, searchPath),
  }
}

const indexes = new WeakMap<Catalog, CatalogIndex>()

/** The look-up maps of a whole catalog, those schemas included that the role may not use. */
export function indexOf(catalog: Catalog): CatalogIndex {
  const known = indexes.get(catalog)
  if (known !== undefined) return known
  const index = {
    relationsByName: groupByName(catalog.relations),
    functionsByName: groupByName(catalog.userFunctions),
    operatorsByName: groupByName(catalog.userOperators),
    typesByName: groupByName(catalog.userTypes),
    domains: new Map(
      catalog.userTypes.flatMap(({ baseOid, kind, oid }) => (kind === 'd' ? [[oid, baseOid] as const] : [])),
    ),
  }
  indexes.set(catalog, index)
  return index
}

function groupByName<T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.name)
    if (group === undefined) groups.set(item.name, [item])
    else group.push(item)
  }
  return groups
}
