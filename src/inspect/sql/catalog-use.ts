import type { CatalogUse } from './facts.ts'

export const NO_CATALOG_USE: CatalogUse = { relations: [], names: [], functions: [], operators: [] }

/** What several analyses rest on together. */
export function joinedCatalogUse(uses: readonly CatalogUse[]): CatalogUse {
  const [only = NO_CATALOG_USE, ...others] = uses
  if (others.length === 0) return only
  return {
    relations: [...new Set(uses.flatMap(({ relations }) => relations))].toSorted((a, b) => a - b),
    names: joinedNames(uses),
    functions: [...new Set(uses.flatMap(({ functions }) => functions))].toSorted(),
    operators: [...new Set(uses.flatMap(({ operators }) => operators))].toSorted(),
  }
}

/** A name may have been found to be two things, between two statements of a text; then both have to hold. */
function joinedNames(uses: readonly CatalogUse[]): CatalogUse['names'] {
  const names = new Map(uses.flatMap((use) => use.names.map((entry) => [`${entry.name} ${entry.oid}`, entry] as const)))
  return [...names.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
