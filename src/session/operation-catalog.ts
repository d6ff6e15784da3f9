import { hash } from 'node:crypto'
import type { Catalog } from '../inspect/sql/catalog.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { CatalogExpectation } from '../protocols/protocol.ts'
import { fragment } from '../record/canonical.ts'

interface Rested {
  readonly facts: readonly SqlFacts[]
  readonly catalog: Catalog
  readonly expectation: CatalogExpectation | undefined
  /** Digest of what the analysis has found by it, labels included. */
  readonly found: string
}

/** Digest (SHA-256, hex) of what of the catalog an operation rests on: it is another one when any of it has changed. */
export function operationCatalog({ facts, catalog, expectation, found }: Rested): string {
  const named = facts.flatMap(({ relations, catalogUse }) => [
    ...relations.flatMap(({ oid }) => (oid === null ? [] : [oid])),
    ...catalogUse.relations,
  ])
  const text = fragment({
    found,
    // A trigger, or a function that a function calls, is not analysed; it is a part of what was approved all the same.
    code: catalog.code ?? '',
    relations: withSources([...named, ...(expectation?.relations ?? [])], catalog),
    ...(expectation === undefined
      ? {}
      : {
          functions: [...expectation.functions],
          names: expectation.names.map(({ name, oid }) => ({ name, oid })),
          operators: [...expectation.operators],
          version: expectation.version,
        }),
  })
  return hash('sha256', text, 'hex')
}

/** With what views read, and their versions; sorted. */
function withSources(oids: readonly number[], { relations }: Catalog): readonly (readonly [number, string])[] {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
  const found = new Set(oids)
  // A set goes on with what is added to it meanwhile.
  for (const oid of found) for (const source of byOid.get(oid)?.dependsOn ?? []) found.add(source.oid)
  return [...found].toSorted((a, b) => a - b).map((oid) => [oid, byOid.get(oid)?.version ?? ''] as const)
}
