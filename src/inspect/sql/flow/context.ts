import type { Catalog, CatalogRelation, CatalogRoutine, CatalogType, PhiView } from '../catalog.ts'

/** Look-ups that name resolution needs. Keys are names as the server stores them, already case-folded. */
export interface CatalogIndex {
  readonly relationsByName: ReadonlyMap<string, readonly CatalogRelation[]>
  readonly functionsByName: ReadonlyMap<string, readonly CatalogRoutine[]>
  readonly operatorsByName: ReadonlyMap<string, readonly CatalogRoutine[]>
  readonly typesByName: ReadonlyMap<string, readonly CatalogType[]>
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
}

/** Builds the look-up maps of a catalog. Costs a pass over the catalog: keep the result as long as the catalog. */
export function buildContext(catalog: Catalog, phi: PhiView, searchPath: readonly string[]): AnalysisContext {
  const unusable = new Set(catalog.unusableSchemas)
  return {
    index: {
      relationsByName: groupByName(catalog.relations.filter(({ schema }) => !unusable.has(schema))),
      functionsByName: groupByName(catalog.userFunctions),
      operatorsByName: groupByName(catalog.userOperators),
      typesByName: groupByName(catalog.userTypes),
    },
    phi,
    searchPath,
  }
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
