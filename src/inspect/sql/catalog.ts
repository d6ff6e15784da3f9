/**
 * A snapshot of the parts of a target's system catalogs that analysis needs. Plain data, so that it can be handed to the
 * parser worker. Made by `protocols/postgres/catalog-loader.ts`.
 */
export interface Catalog {
  /** Digest of everything below; decisions made with one epoch are not used with another. */
  readonly epoch: string
  /** server_version_num / 10000. */
  readonly serverMajor: number
  readonly relations: readonly CatalogRelation[]
  /**
   * Schemas that the role has no USAGE right on: names are not looked up there, though views may reach into them. A temporary
   * schema is usable by its own session, so none is among them.
   */
  readonly unusableSchemas?: readonly string[]
  /** Names of constraints and indexes, which errors of the target may name. */
  readonly constraints?: readonly string[]
  /** Functions outside pg_catalog, by schema and name, so that a user's function never passes for a built-in one. */
  readonly userFunctions: readonly CatalogRoutine[]
  /** Operators outside pg_catalog, likewise. */
  readonly userOperators: readonly CatalogRoutine[]
  /** Types outside pg_catalog and the composite and domain types among them: oid, name, kind (pg_type.typtype). */
  readonly userTypes: readonly CatalogType[]
}

/** A function or an operator outside pg_catalog. */
export interface CatalogRoutine {
  readonly schema: string
  readonly name: string
  /**
   * The extension that owns it (pg_depend.deptype = e), or null. Without it the operators of citext in a schema of the
   * search path would make every `=` one that is not known to be safe.
   */
  readonly extension?: string | null
}

export interface CatalogRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** pg_class.relkind: r table, p partitioned, v view, m materialised view, f foreign table, S sequence, … */
  readonly kind: string
  readonly columns: readonly CatalogColumn[]
  /** What a view or materialised view reads, from pg_depend on its rewrite rule; attnum 0 means the whole relation. */
  readonly dependsOn: readonly { readonly oid: number; readonly attnum: number }[]
  /**
   * Whether the rule of a view has a whole-row variable (`:varattno 0` in pg_rewrite.ev_action). pg_depend does not record
   * those beside other columns: `SELECT id, row_to_json(p) FROM p` depends on `id` alone. Unknown counts as true.
   */
  readonly usesWholeRows?: boolean
  /** Functions a view calls that are not in pg_catalog (pg_depend on its rewrite rule). */
  readonly callsUserFunctions: boolean
  /**
   * Whether it has rewrite rules besides a view's own (CREATE RULE): then a statement on it can do and return what its text
   * does not say.
   */
  readonly hasRules?: boolean
  /** Inheritance parents and the partitioned table, nearest first (pg_inherits). */
  readonly parents: readonly number[]
}

export interface CatalogColumn {
  readonly attnum: number
  readonly name: string
  readonly typeOid: number
}

export interface CatalogType {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** pg_type.typtype: b base, c composite, d domain, e enum, r range, m multirange. */
  readonly kind: string
  /** pg_type.typbasetype of a domain, typelem of an array type, else 0. */
  readonly baseOid: number
}

/** The part of pg_class that PHI labels speak of. */
export interface PhiView {
  /** Keys `oid.attnum`: columns that are PHI, or not known not to be. Inherited by partitions, not by views. */
  readonly phiColumns: ReadonlySet<string>
  /** Relations with at least one such column, and views that depend on one. */
  readonly phiRelations: ReadonlySet<number>
}
