/**
 * What a statement does, read off its parse tree and the target's catalog. Policy sees these facts and nothing else: no
 * text, no literal values.
 */

/** The kinds of effect a rule can name. A statement has at least one; `EXPLAIN` without ANALYZE of a read is a read. */
export type Effect =
  | 'read' // returns or inspects rows
  | 'write' // inserts or changes rows (INSERT, UPDATE, MERGE, COPY FROM)
  | 'delete' // removes rows (DELETE, TRUNCATE, MERGE … DELETE)
  | 'schema' // DDL: creates, alters or drops objects
  | 'privilege' // GRANT, REVOKE, roles, default privileges, ownership, row security
  | 'session' // SET, RESET, DISCARD, LISTEN, PREPARE, cursors
  | 'server' // touches the server beyond its tables: files, programs, configuration, other sessions, VACUUM FULL …
  | 'transaction' // BEGIN, COMMIT, ROLLBACK, SAVEPOINT …
  | 'lock' // explicit LOCK TABLE, advisory locks
  | 'code' // runs procedural code whose body is not analysed: DO, CALL, unknown functions

/** A relation the statement uses. `schema` is null when the name could not be resolved against the catalog. */
export interface RelationUse {
  readonly schema: string | null
  readonly name: string
  /** pg_class.oid when resolved. */
  readonly oid: number | null
  readonly action: 'read' | 'insert' | 'update' | 'delete' | 'truncate' | 'schema' | 'lock'
  /** Columns that an INSERT or UPDATE assigns, or that are known to be read; '*' when not narrowed down. */
  readonly columns: readonly string[] | '*'
  /** Whether the relation has (or, for a view, depends on) a column labelled as PHI or not known to be free of it. */
  readonly phi: boolean
  /**
   * Whether one of `columns` is such a column, or `columns` is '*' and the relation has one. Rules take `phi` when it is
   * absent.
   */
  readonly touchesPhi?: boolean
}

/** Whether a write or delete is limited by a real predicate (`WHERE true`, `1=1`, `id = id`, `id IS NOT NULL` are not). */
export type Bounded = 'not-applicable' | 'bounded' | 'unbounded'

/** Something that could carry PHI around the columns of the result. For a masked principal each one refuses. */
export interface Hazard {
  readonly kind:
    | 'function-not-known-safe'
    | 'relation-not-allowed' // pg_stats, pg_stat_activity, pg_largeobject, pg_authid …
    | 'relation-unresolved'
    | 'operator-not-known-safe'
    | 'phi-copied' // PHI-derived values written to a place that is not labelled
    | 'phi-in-utility' // a utility statement over PHI whose output cannot be masked (EXPLAIN ANALYZE …, COPY … TO of PHI)
    | 'setting-pinned' // search_path, role, session authorization, client_encoding, standard_conforming_strings …
    | 'setting-required' // client_encoding or standard_conforming_strings changed to what the parser cannot read
    | 'code-not-analysed' // DO, CALL, dynamic SQL
    | 'construct-not-analysed' // grammar that the analyser does not cover
  /** A name from the statement (function, relation, setting, node type); never a literal value. */
  readonly subject: string
}

/** What is known of one output column before the server has answered. */
export type OutputTaint =
  | { readonly kind: 'clean' } // proven free of PHI, whatever RowDescription says
  | { readonly kind: 'origin' } // a plain column reference: RowDescription's origin decides
  | {
      readonly kind: 'phi'
      readonly classes: readonly string[]
      readonly shape: OutputShape // masked by its shape
      readonly aggregate?: GroupAggregate
    }
  | { readonly kind: 'unproven' } // may carry PHI of any class: masked whole

/** An output that sums up a column, or the year in it, over the rows of a group; each row is there once. */
export interface GroupAggregate {
  readonly column: StoredColumn
  /** Index of the output that says how many different values of it there are in the group. */
  readonly distinct: number
}

/** The label class of a stored column that is masked because nobody has labelled it. */
export const UNLABELLED = 'unlabelled'

/**
 * What is where in a value that may carry PHI, so that it can be masked inside. Where an array stands in place of a `column`,
 * `object` or `whole`, each of its elements is meant. What does not fit its shape is masked whole.
 */
export type OutputShape =
  | { readonly kind: 'clean' }
  /** Computed from values of these classes; empty when they are not known. */
  | { readonly kind: 'whole'; readonly classes: readonly string[] }
  /** Copies of a stored column or, for a JSON document, of what is at `path` in it (names of members; arrays are passed through). */
  | StoredColumn
  /** The year of a stored date, as a number: EXTRACT(year FROM …). */
  | { readonly kind: 'year'; readonly column: StoredColumn }
  /** A JSON object; `rest` is for members that are not named. */
  | {
      readonly kind: 'object'
      readonly members: readonly (readonly [string, OutputShape])[]
      readonly rest: OutputShape
    }
  /** An array, in SQL or JSON, whose elements are alike. */
  | { readonly kind: 'elements'; readonly element: OutputShape }
  /** A row (composite value) by position; for JSON an array by position. */
  | { readonly kind: 'fields'; readonly fields: readonly OutputShape[] }

export interface StoredColumn {
  readonly kind: 'column'
  /** pg_class.oid and pg_attribute.attnum of a table; of a view only where its column has a label of its own. */
  readonly oid: number
  readonly attnum: number
  /** The type of the value: pg_attribute.atttypid, or what a cast, `->>` or taking an element out has made of it. */
  readonly typeOid: number
  readonly path: readonly string[]
  /**
   * Set in a shape when other values, free of PHI, may stand among the copies (`COALESCE(ssn, 'guess')`). Replacements that show
   * which values are equal would confirm a guess, so there must be none.
   */
  readonly mixed?: true
}

/** A place where PHI decides something that can be seen: which rows there are, in which order, whether an error occurs. */
export interface PhiQuestion {
  /** Sorted; empty when they are not known. */
  readonly classes: readonly string[]
  /** `schema.table.column` of the stored columns that are asked about, sorted. */
  readonly columns: readonly string[]
  readonly use: 'condition' | 'order' | 'group' | 'computation'
  /** Whether the answer tells no more than the released (masked) value does: the year of a date, equality of tokens. */
  readonly released: boolean
  /**
   * Set when it is released only as long as the constants at its sites are stand-ins: `ssn = 'tok_…'` tells what grouping by
   * the stand-in tells, `ssn = '919-15-5087'` confirms a guess. See `SqlFacts.sites`.
   */
  readonly byStandIn?: true
}

/**
 * A constant or parameter that meets a protected column in a position where a stand-in (token, pseudonym) may be taken for the
 * value that it stands for, or where one must not be stored. Facts do not depend on the constant itself: who runs the
 * statement looks at it.
 */
export interface ConstantSite {
  readonly at: ConstantPlace
  /**
   * comparison: compared for equality (=, <>, IN, = ANY, IS DISTINCT FROM), and nothing else is made of it. The question
   * counts as released only if the constant is a stand-in: see `PhiQuestion.byStandIn`.
   * assignment: stored in the column as it is, and nothing else is made of it.
   * embedded: a part of what is stored in the column. Stays what it is; a stand-in or placeholder there is damage.
   */
  readonly use: 'comparison' | 'assignment' | 'embedded'
  readonly column: StoredColumn
  /** The label's class, or `UNLABELLED`. */
  readonly class: string
  /** Whether it is an array ('{a,b}', $1 of = ANY) whose elements are meant. */
  readonly elements: boolean
  /**
   * Set when nothing around it says its type: a cell of VALUES without a cast. A number then has to be written with the type of the
   * column, because that of the result would show how large it is; and a binary parameter that nobody has declared can be of any.
   */
  readonly isUntyped?: true
}

export type ConstantPlace =
  /** A literal of the statement string: ordinal of `skeletonOf(sql).spans`; the spelling includes the quotes, not a sign. */
  | { readonly kind: 'literal'; readonly ordinal: number; readonly negative: boolean }
  /** The same in a string that has no skeleton: UTF-16 indices in the statement string. At `embedded` sites in any spelling (E'', $$). */
  | { readonly kind: 'span'; readonly start: number; readonly end: number; readonly negative: boolean }
  /** $n, from 1. */
  | { readonly kind: 'parameter'; readonly number: number }

/** What COPY … FROM STDIN stores where. */
export interface CopyIn extends CopyFormat {
  /** By position; null for columns that are free of PHI. */
  readonly columns: readonly (StoredColumn | null)[]
  /** Classes of `columns`, as in `ConstantSite`. */
  readonly classes: readonly (string | null)[]
  /** Whether the value of a stand-in may be stored there. Elsewhere its replacement shows a part of it, or it is stored in an unknown place. */
  readonly takesStandIns: readonly boolean[]
}

/** How the rows of COPY … TO STDOUT are written (PostgreSQL documentation, COPY). */
export interface CopyFormat {
  readonly format: 'text' | 'csv' | 'binary'
  readonly delimiter: string
  readonly null: string
  readonly header: boolean
  readonly quote: string
  readonly escape: string
}

/** How much of the relations with PHI a statement reads, by what it says. */
export interface Reading {
  /**
   * keyed: every such relation is bound to a constant or parameter by equality of a column (its own or one joined to it). filtered: by
   * some other condition that selects rows. all: nothing bounds it.
   */
  readonly bound: 'keyed' | 'filtered' | 'all'
  /** Of the outermost query: the constant, 'unknown' for a parameter or an expression; absent: none. */
  readonly limit?: number | 'unknown'
  /** A way through a large result in steps: OFFSET, a cursor, a comparison by > or < with an ORDER BY (keyset). */
  readonly isPage: boolean
}

/**
 * Of how many rows that hold PHI, or are somebody's, one row of a result can show something: of one for each mention of a relation and for
 * each call that picks a value from other rows, and of any number where values are gathered.
 */
export type RowsInOne = number | 'any'

/** Patients are named by the key columns that the configuration lists. Facts say where constants stand, not what they are: see `ConstantSite`. */
export interface PatientUse {
  /** Index of an output that is the key of a row's patient, as the target sends it; absent: rows name none. */
  readonly output?: number
  /** How its values are read; absent for types of which equal values can be spelled in several ways. */
  readonly outputForm?: PatientKeyForm
  /** Set when every relation with a key is bound, at every level, to these constants and parameters: nobody else's rows are touched. */
  readonly bound?: readonly PatientConstant[]
  /** What is stored as keys; an undefined entry: not known. */
  readonly stored?: readonly (PatientConstant | undefined)[]
  /** Whether a relation with PHI is used that has no key, so that nobody can tell whose it is. */
  readonly hasUnkeyed?: true
  /** FETCH: whose rows the cursor has was looked at when it was declared. */
  readonly declared?: true
}

/** A constant that names a patient, or an array of them. */
export interface PatientConstant {
  readonly at: ConstantPlace
  /** How the server reads it: by the type of the column that it is compared with. */
  readonly form: PatientKeyForm
  readonly isArray: boolean
}

/** integer: int2, int4, int8; text: text and varchar. Values of other types cannot be told apart by their spelling. */
export type PatientKeyForm = 'integer' | 'uuid' | 'text'

/** What of the catalog an analysis rests on, so that it can be looked at again when the statement runs. */
export interface CatalogUse {
  /** pg_class.oid, sorted: relations named, and those that views and SQL functions read. */
  readonly relations: readonly number[]
  /** Relation names without a schema, and what they were found to be; null when nothing in the user's schemas. Sorted by name. */
  readonly names: readonly { readonly name: string; readonly oid: number | null }[]
  /** Names of functions that were looked up, without their schemas: a function of that name outside pg_catalog matters. Sorted. */
  readonly functions: readonly string[]
  /** The same for operators. */
  readonly operators: readonly string[]
}

export interface SqlFacts {
  /** The command as PostgreSQL names it: 'SELECT', 'DELETE', 'CREATE TABLE', 'COPY FROM', 'EXPLAIN' … */
  readonly command: string
  /** Sorted, without duplicates. */
  readonly effects: readonly Effect[]
  readonly relations: readonly RelationUse[]
  /** Functions called, as `name` or `schema.name`, sorted, without duplicates. */
  readonly functions: readonly string[]
  readonly bounded: Bounded
  /** Whether the outermost query has a LIMIT or FETCH FIRST. */
  readonly limited: boolean
  readonly hazards: readonly Hazard[]
  /** One entry an output column; 'unknown' when their number is not known before execution (then all are unproven). */
  readonly outputs: readonly OutputTaint[] | 'unknown'
  /**
   * Whether PHI could be in the result at all: a relation with PHI is used, or something unresolved or not known safe.
   * When false, outputs that are unproven or of unknown number need no masking.
   */
  readonly phiReachable: boolean
  /** What the statement asks about PHI, without duplicates. Absent counts as none only when PHI is not reachable. */
  readonly questions: readonly PhiQuestion[]
  /** For COPY … TO STDOUT. */
  readonly copy?: CopyFormat
  /** For COPY … FROM STDIN into a relation with PHI. */
  readonly copyIn?: CopyIn
  /** Absent when there are none. */
  readonly sites?: readonly ConstantSite[]
  readonly catalogUse: CatalogUse
  /** How the statement reads relations with PHI; absent when it reads none. See `reading.ts`. */
  readonly reading?: Reading
  /** What is known of the patients whose data is read or written; absent when no relation with a patient key is used. */
  readonly patients?: PatientUse
  /** Absent when no relation with PHI or a patient key is used. */
  readonly rowsInOne?: RowsInOne
  /**
   * Whether the statement creates, changes, drops, locks or writes the rows of at least one object, and each such object
   * is proven temporary (created with TEMP, or found in pg_temp). Rules take absence for false.
   */
  readonly onlyTemporaryObjects?: boolean
  /** What the statement does to the session's own state, for the gateway's bookkeeping. */
  readonly session: SessionEffect
}

export type SessionEffect =
  | { readonly kind: 'none' }
  /** `comesFirst`: with modes that the server takes before any query only (isolation, deferrable, read write). */
  | { readonly kind: 'begin'; readonly comesFirst?: true }
  | { readonly kind: 'transaction-modes' } // such modes by SET TRANSACTION
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'savepoint' }
  | { readonly kind: 'prepare'; readonly name: string }
  | { readonly kind: 'execute'; readonly name: string }
  | { readonly kind: 'deallocate'; readonly name: string } // 'all' is every one
  | { readonly kind: 'declare-cursor'; readonly name: string }
  | { readonly kind: 'fetch'; readonly name: string }
  | { readonly kind: 'close-cursor'; readonly name: string } // likewise
  | { readonly kind: 'discard-all' }
