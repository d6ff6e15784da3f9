import type { CatalogUse } from '../facts.ts'
import type { AnalysisContext } from './context.ts'

/**
 * What of the catalog an analysis has looked up. Of a definition that the server has parsed long ago only what can still be
 * changed counts: relations, and the bodies of functions.
 */
export class CatalogLookups {
  readonly #context: AnalysisContext
  readonly #relations = new Set<number>()
  readonly #names = new Map<string, number | null>()
  readonly #namesElsewhere = new Map<string, number | null>()
  readonly #functions = new Set<string>()
  readonly #operators = new Set<string>()

  constructor(context: AnalysisContext) {
    this.#context = context
  }

  relation(oid: number): void {
    this.#relations.add(oid)
  }

  /** An unqualified name of a relation. */
  name(name: string, oid: number | null): void {
    if (oid !== null) this.relation(oid)
    if (this.#isFixed) return
    const { searchPath, definitions } = this.#context
    const names = isSamePath(searchPath, definitions.searchPath) ? this.#names : this.#namesElsewhere
    names.set(name, oid)
  }

  /** The name of a function without its schema. */
  function(name: string): void {
    if (!this.#isFixed || this.#context.index.functionsByName.has(name)) this.#functions.add(name)
  }

  operator(name: string): void {
    if (!this.#isFixed) this.#operators.add(name)
  }

  /** Counts what was looked up for a view or function inside. */
  add(inner: CatalogUse): void {
    for (const oid of inner.relations) this.#relations.add(oid)
    for (const { name, oid } of inner.names) this.#names.set(name, oid)
    for (const name of inner.functions) this.#functions.add(name)
    for (const name of inner.operators) this.#operators.add(name)
  }

  /** Names that were looked up on a search path other than the session's. */
  get namesElsewhere(): CatalogUse['names'] {
    return [...this.#namesElsewhere].map(([name, oid]) => ({ name, oid }))
  }

  get use(): CatalogUse {
    return {
      relations: [...this.#relations].toSorted((a, b) => a - b),
      names: [...this.#names].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, oid]) => ({ name, oid })),
      functions: [...this.#functions].toSorted(),
      operators: [...this.#operators].toSorted(),
    }
  }

  get #isFixed(): boolean {
    return !isSamePath(this.#context.searchPath, this.#context.setPath)
  }
}

export function isSamePath(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((schema, i) => schema === b[i]))
}
