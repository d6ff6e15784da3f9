import type { Catalog, CatalogRelation, PhiView } from './catalog.ts'
import type { NameSource } from './from-items.ts'
import { type AnalysisContext, buildContext } from './flow/context.ts'

/** A target's catalog under one search path, with the look-ups that analysis makes. */
export interface Surroundings {
  readonly flow: AnalysisContext
  /** Null when nothing of that name is in sight. `schema` is null for an unqualified name. */
  relation(schema: string | null, name: string): CatalogRelation | null
  /** Whether a call of this name could run a function that is not built in. */
  isUserFunction(schema: string | null, name: string): boolean
  readonly names: NameSource
  /** Every name of a relation or column, so that redaction keeps them. */
  readonly identifiers: ReadonlySet<string>
}

const BUILT_IN: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema'])

export function surroundingsOf(catalog: Catalog, phi: PhiView, searchPath: readonly string[]): Surroundings {
  const flow = buildContext(catalog, phi, searchPath)
  const { relationsByName, functionsByName } = flow.index
  const path = searchPath.includes('pg_catalog') ? searchPath : ['pg_catalog', ...searchPath]
  const columns = new Map<CatalogRelation, ReadonlySet<string>>()

  const relation = (schema: string | null, name: string): CatalogRelation | null => {
    const named = relationsByName.get(name) ?? []
    for (const candidate of schema === null ? path : [schema]) {
      const found = named.find((entry) => entry.schema === candidate)
      if (found !== undefined) return found
    }
    return null
  }

  return {
    flow,
    relation,
    isUserFunction: (schema, name) => {
      if (schema !== null) return !BUILT_IN.has(schema)
      return (functionsByName.get(name) ?? []).some(
        (routine) => path.includes(routine.schema) && !BUILT_IN.has(routine.schema),
      )
    },
    names: {
      variables: new Set(),
      columnsOf: (schema, name) => {
        const found = relation(schema, name)
        if (found === null) return null
        let known = columns.get(found)
        if (known === undefined)
          columns.set(found, (known = new Set(['ctid', ...found.columns.map((column) => column.name)])))
        return known
      },
    },
    identifiers: identifiersOf(catalog),
  }
}

const identifiers = new WeakMap<Catalog, ReadonlySet<string>>()

function identifiersOf(catalog: Catalog): ReadonlySet<string> {
  const known = identifiers.get(catalog)
  if (known !== undefined) return known
  const names = new Set<string>()
  for (const relation of catalog.relations) {
    names.add(relation.schema).add(relation.name)
    for (const column of relation.columns) names.add(column.name)
  }
  identifiers.set(catalog, names)
  return names
}
