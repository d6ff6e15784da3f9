/**
 * What the analysis says of output columns: structurally the inspect room's `OutputTaint`, `OutputShape` and `CopyFormat`
 * (src/inspect/sql/facts.ts), which this room does not know.
 */
export type OutputTaintLike =
  | { readonly kind: 'clean' }
  | { readonly kind: 'origin' }
  | {
      readonly kind: 'phi'
      readonly classes: readonly string[]
      readonly shape: OutputShapeLike
      readonly aggregate?: GroupAggregateLike
    }
  | { readonly kind: 'unproven' }

/** An output that sums up a column, or the year in it, over the rows of a group; each row is there once. */
interface GroupAggregateLike {
  readonly column: StoredColumnLike
  /** Index of the output that says how many different values of it there are in the group. */
  readonly distinct: number
}

/**
 * What is where in a value. Where an array stands in place of a `column` or an `object`, each of its elements is meant.
 * What does not fit its shape is masked whole.
 */
export type OutputShapeLike =
  | { readonly kind: 'clean' }
  /** Computed from values of these classes; empty when they are not known. Even the length of an array may tell something. */
  | { readonly kind: 'whole'; readonly classes: readonly string[] }
  | StoredColumnLike
  /** The year of a stored date, as a number. */
  | { readonly kind: 'year'; readonly column: StoredColumnLike }
  /** A JSON object; `rest` is for members that are not named, whose names are free of PHI. */
  | {
      readonly kind: 'object'
      readonly members: readonly (readonly [string, OutputShapeLike])[]
      readonly rest: OutputShapeLike
    }
  /** An array, in SQL or JSON, whose elements are alike. */
  | { readonly kind: 'elements'; readonly element: OutputShapeLike }
  /** A row by position; for JSON an array by position. */
  | { readonly kind: 'fields'; readonly fields: readonly OutputShapeLike[] }

/** Copies of a stored column or, for a JSON document, of what is at `path` in it. */
export interface StoredColumnLike {
  readonly kind: 'column'
  readonly oid: number
  readonly attnum: number
  /** pg_attribute.atttypid */
  readonly typeOid: number
  readonly path: readonly string[]
  /** Whether the client's own values may stand among the copies: it must not learn which values these are equal to. */
  readonly mixed?: true
}

/** How the rows of COPY … TO STDOUT are written (PostgreSQL documentation, COPY). */
export interface CopyFormatLike {
  readonly format: 'text' | 'csv' | 'binary'
  readonly delimiter: string
  readonly null: string
  readonly header: boolean
  readonly quote: string
  readonly escape: string
}
