/**
 * A snapshot of the parts of a target's system catalogs that analysis needs. Plain data, so that it can be handed to the
 * parser worker. Made by `protocols/postgres/catalog-loader.ts`.
 */
export interface Catalog {
  /** Digest of everything below; decisions made with one epoch are not used with another. */
  readonly epoch: string
  /** server_version_num / 10000. */
  readonly serverMajor: number
  /** Sums up the versions of the owners' code and of what makes it run, see `codeVersion`. Analysis does not look at it. */
  readonly code?: string
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
  /** The version of its row in pg_proc or pg_operator, see `CatalogRelation.version`. */
  readonly version?: string
  /** Whether pg_catalog has a function of this name, which the server may mean instead. Unknown counts as true. */
  readonly builtInNamesake?: boolean
  /** Set for a plain function in SQL whose body can be read. */
  readonly sql?: SqlRoutine
}

/** A function written in SQL (PostgreSQL documentation, 36.5). */
export interface SqlRoutine {
  /** pg_proc.prosrc, or what pg_get_function_sqlbody prints with an empty search_path for BEGIN ATOMIC and RETURN. */
  readonly body: string
  /** Whether the body was parsed when the function was made, so that its names are fixed. */
  readonly parsed: boolean
  /** Names of the input arguments, '' for none, in order. */
  readonly argumentNames: readonly string[]
  /** pg_type.oid of the input arguments. */
  readonly argumentTypes: readonly number[]
  /** How many of the last arguments have defaults. */
  readonly defaults: number
  /**
   * What pg_get_expr prints of proargdefaults with an empty search_path: expressions with commas between them. Without it
   * a default may hold anything.
   */
  readonly defaultValues?: string
  readonly variadic: boolean
  /** Names of the output columns (OUT, INOUT, TABLE); empty when the result type says what is returned. */
  readonly outputNames: readonly string[]
  /** pg_type.oid of those columns. Without it they may be casts of what the body returns. */
  readonly outputTypes?: readonly number[]
  /** pg_proc.prorettype */
  readonly returnType: number
  readonly returnsSet: boolean
  /** pg_proc.provolatile */
  readonly volatility: 'i' | 's' | 'v'
  /** pg_proc.proconfig: settings in force while it runs, `name=value`. */
  readonly settings: readonly string[]
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
  /**
   * The query of a view or materialised view, as pg_get_viewdef prints it when search_path is empty: every name outside
   * pg_catalog is qualified. Null when it cannot be read.
   */
  readonly definition?: string | null
  /** pg_class.reltype: the composite type of its rows. */
  readonly rowTypeOid?: number
  /**
   * Sums up the versions (xmin) of the catalog rows that make up the relation: pg_class, pg_attribute, pg_rewrite, pg_inherits.
   * A decimal number as text. Made and compared by `protocols/postgres/catalog-version.ts`.
   */
  readonly version?: string
  /** Whether it never had rules, children or parents, so that its version can be found with fewer look-ups. Unknown counts as false. */
  readonly isPlain?: boolean
}

export interface CatalogColumn {
  readonly attnum: number
  readonly name: string
  readonly typeOid: number
  /** Of a generated column: attnums of the columns that its expression reads (pg_depend of its pg_attrdef). */
  readonly generatedFrom?: readonly number[]
}

export interface CatalogType {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** pg_type.typtype: b base, c composite, d domain, e enum, r range, m multirange. */
  readonly kind: string
  /** pg_type.typbasetype of a domain, typelem of an array type, else 0. */
  readonly baseOid: number
  /** Of a composite type (CREATE TYPE … AS, and the row type of a relation): its fields in order. */
  readonly fields?: readonly { readonly name: string; readonly typeOid: number }[]
  /** pg_type.typrelid: of a composite type the entry of pg_class that has its fields, else 0. */
  readonly relationOid?: number
  /** Of a composite type: its version, see `CatalogRelation.version`. */
  readonly version?: string
}

/** The part of a catalog that PHI labels speak of. */
export interface PhiView {
  /** Keys `oid.attnum`: columns of tables that are PHI, or not known not to be. Inherited by partitions. */
  readonly phiColumns: ReadonlySet<string>
  /** Relations with at least one such column, and views that depend on one. */
  readonly phiRelations: ReadonlySet<number>
  /** The labels of the columns of `phiColumns` that have one, by the same keys. */
  readonly labels: ReadonlyMap<string, PhiLabel>
  /** Columns of views that somebody has labelled, as PHI (in `labels`, too) or as free of it: the definition does not count. */
  readonly labelledViewColumns: ReadonlyMap<string, 'phi' | 'clear'>
  /** Functions, as `schema.name`, that the operator vouches for: no effect, and the result carries what the arguments carry. */
  readonly trustedFunctions: ReadonlySet<string>
  /** By pg_class.oid: names of the columns that hold the key of a row's patient. None for a relation that cannot be bound by one. */
  readonly patientKeys?: ReadonlyMap<number, ReadonlySet<string>>
}

/** A label as far as analysis has to know it. */
export interface PhiLabel {
  readonly class: string
  readonly releases: Released
  /** Of a JSON document with labelled parts. */
  readonly document?: PhiDocument
}

/** What the replacement of a value still tells about it. */
export type Released =
  | { readonly kind: 'nothing' }
  /** Something that no condition can ask for as well: the ends of a text, a rounded number, the year of a date in text. */
  | { readonly kind: 'parts' }
  /** Equal values have equal replacements. */
  | { readonly kind: 'equality' }
  /** The year; those before `since` are not told apart. */
  | { readonly kind: 'year'; readonly since: number }
  /** The first `length` characters, if they are `among` these. */
  | { readonly kind: 'prefix'; readonly length: number; readonly among: ReadonlySet<string> }
  /** Ages below this one, in years. */
  | { readonly kind: 'age'; readonly below: number }

/** Labels inside a JSON document. Where an array stands, each of its elements is meant. */
export type PhiDocument =
  | { readonly kind: 'clear' }
  | { readonly kind: 'phi'; readonly class: string; readonly releases: Released }
  | { readonly kind: 'members'; readonly members: ReadonlyMap<string, PhiDocument>; readonly others: PhiDocument }
