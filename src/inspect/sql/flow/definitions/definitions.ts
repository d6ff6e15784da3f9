import type { Catalog, CatalogRelation, CatalogType, PhiView } from '../../catalog.ts'
import { type AnalysisContext, indexOf } from '../context.ts'
import type { ViewResult } from './view-definition.ts'

/** A field of a composite type. */
export interface CompositeField {
  readonly name: string
  readonly typeOid: number
}

/**
 * What the texts of a catalog's views and functions need: the contexts in which names inside them are looked up, and what is
 * already known of views. One for each search path of a session, because bodies of functions that are kept as text follow it.
 */
export class Definitions {
  /** The search path of the session. */
  readonly searchPath: readonly string[]
  readonly views = new Map<string, ViewResult>()
  readonly #catalog: Catalog
  readonly #phi: PhiView
  readonly #contexts = new Map<string, AnalysisContext>()
  readonly #unusable: ReadonlySet<string>
  #typesByOid: ReadonlyMap<number, CatalogType> | null = null
  #composites: ReadonlyMap<number, readonly CompositeField[]> | null = null

  constructor(catalog: Catalog, phi: PhiView, searchPath: readonly string[]) {
    this.searchPath = searchPath
    this.#catalog = catalog
    this.#phi = phi
    this.#unusable = new Set(catalog.unusableSchemas)
  }

  /**
   * Where names of a definition are looked up: in `searchPath`, while the setting is `setPath`. They differ for what the server
   * has parsed long ago. Definitions reach into schemas that the role may not use itself.
   */
  context(searchPath: readonly string[], setPath: readonly string[]): AnalysisContext {
    const key = JSON.stringify([searchPath, setPath])
    const known = this.#contexts.get(key)
    if (known !== undefined) return known
    const context = { index: indexOf(this.#catalog), phi: this.#phi, searchPath, setPath, definitions: this }
    this.#contexts.set(key, context)
    return context
  }

  /** The fields of a composite type, or of a domain over one; undefined when it is none, or not known. */
  fields(typeOid: number): readonly CompositeField[] | undefined {
    this.#composites ??= compositesOf(this.#catalog)
    return this.#composites.get(this.#base(typeOid))
  }

  /** Whether values of a type have no fields, so that they are one column in a FROM list. */
  isPlain(typeOid: number): boolean {
    const base = this.#base(typeOid)
    if (this.fields(base) !== undefined) return false
    if (base < FIRST_USER_OID) return base < FIRST_GENERATED_OID && !CATALOG_ROWS.has(base)
    const type = this.#types().get(base)
    return type !== undefined && type.kind !== 'c' && type.kind !== 'd'
  }

  /** What a domain is made of, down to what is none. */
  #base(typeOid: number): number {
    let base = typeOid
    for (let depth = 0; depth < MAX_DOMAINS; depth += 1) {
      const type = this.#types().get(base)
      if (type?.kind !== 'd') return base
      base = type.baseOid
    }
    return base
  }

  #types(): ReadonlyMap<number, CatalogType> {
    this.#typesByOid ??= new Map(this.#catalog.userTypes.map((type) => [type.oid, type]))
    return this.#typesByOid
  }

  /** Whether the role may use the schema of a relation; if not, the name is passed over when the role's own rights count. */
  isUsable(relation: CatalogRelation): boolean {
    return !this.#unusable.has(relation.schema)
  }
}

/** FirstGenbkiObjectId and FirstNormalObjectId (src/include/access/transam.h): below are the types of pg_type.dat. */
const FIRST_GENERATED_OID = 10_000
const FIRST_USER_OID = 16_384
/** Row types of system catalogs that have a number of their own (BKI_ROWTYPE_OID in src/include/catalog). */
const CATALOG_ROWS: ReadonlySet<number> = new Set([71, 75, 81, 83, 1248, 2842, 2843, 4066, 6101])
/** Domains of domains. */
const MAX_DOMAINS = 32

function compositesOf(catalog: Catalog): ReadonlyMap<number, readonly CompositeField[]> {
  const composites = new Map<number, readonly CompositeField[]>()
  for (const { rowTypeOid, columns } of catalog.relations) {
    if (rowTypeOid !== undefined && rowTypeOid !== 0) composites.set(rowTypeOid, columns)
  }
  for (const { oid, fields } of catalog.userTypes) if (fields !== undefined) composites.set(oid, fields)
  return composites
}
