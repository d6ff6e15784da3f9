import type { OutputShape, StoredColumn } from '../../facts.ts'
import type { Part } from '../questions/released-part.ts'
import type { RowOrder } from '../questions/row-order.ts'
import type { ConstantSource } from '../sites/constant-source.ts'
import { either, type Taint } from './taint.ts'

/** A stored column that a value is a plain copy of. */
export interface Origin {
  readonly oid: number
  readonly attnum: number
  readonly name: string
}

/** What is known of the value of an expression. Made by the functions of `value.ts`. */
export interface Value extends Taint {
  /** Whether PHI may flow into it. If not, `classes` and `columns` are empty. */
  readonly tainted: boolean
  /** How it can be masked; 'clean' exactly when it is not tainted. */
  readonly shape: OutputShape
  /** Set when every value but NULL is an unmixed copy of that stored PHI column, or of what is at a path in its documents. */
  readonly exact: StoredColumn | null
  readonly origin: Origin | null
  /** Whether the server will name an origin in RowDescription: a plain column reference. */
  readonly reported: boolean
  /** The fields, when the value is a row whose fields are known. */
  readonly row?: Shape
  /** Set when the value is a part of a stored column that can be asked about. */
  readonly part?: Part
  /** Constants that may be among its values. Only a hint: what is wanted of them is looked at once more. */
  readonly constants?: readonly ConstantSource[]
  /** Set for NULL. */
  readonly isNull?: NullType
  /** Set when it is nothing but constants that are known to stand for PHI, which have been looked at. */
  readonly isSent?: true
}

/**
 * What a NULL is by its cast: the server gives values beside it the common type (select_common_type in parse_coerce.c).
 * By pg_type.oid those that stay as they are; 'all' for a type that changes no value.
 */
export type NullType = 'all' | ReadonlySet<number>

const NONE: ReadonlySet<string> = new Set()

export const CLEAN: Value = {
  tainted: false,
  classes: NONE,
  columns: NONE,
  shape: { kind: 'clean' },
  exact: null,
  origin: null,
  reported: false,
}

/** The constant NULL: nothing to copy, so it leaves what it is merged with as it is. */
export const NULL_VALUE: Value = { ...CLEAN, isNull: 'all' }

/** PHI of classes that are not known. */
export const TAINTED: Value = { ...CLEAN, tainted: true, shape: { kind: 'whole', classes: [] } }

/** A column of something in a FROM list. An object of its own for every mention, because identity matters. */
export interface Column {
  readonly name: string
  readonly value: Value
  /**
   * Set when a predicate ties the column to PHI (`generate_series(0, 9) g … WHERE substr(ssn, 1, 1) = g::text`): then the
   * column says what the PHI says. See `mark` in `column.ts`.
   */
  marked: Taint | null
  /** The columns of the same derived row, which may hold the same value; empty for stored rows. */
  readonly kin: readonly Column[]
  /** Columns of enclosing queries that flow into this one (LATERAL). */
  readonly sources: readonly Column[]
  /** The columns at the bottom of the query that it is computed from; none for those that are at the bottom. */
  readonly inputs: ReadonlySet<Column>
}

/** The columns of a row. */
export interface Shape {
  readonly columns: readonly Column[]
  /** Stands for an unknown number of further columns, at unknown positions. Null when `columns` are all. */
  readonly open: Column | null
  /** Whether the names are an alias's while the type of the rows has others. */
  readonly aliased?: boolean
  /** The composite type of the rows, when they are those of a stored relation. */
  readonly type?: { readonly schema: string; readonly name: string; readonly oid: number | undefined }
}

/** An entry of a FROM list, as names see it. */
export interface Item {
  /** The name that qualifies its columns; null for none. */
  readonly name: string | null
  /** Schema and name of the table, for `schema.table.column`; null when it has an alias or is no table. */
  readonly table: { readonly schema: string; readonly name: string } | null
  readonly shape: Shape
  /** Whether unqualified names and `*` see its columns: not for the sides of a join, whose columns the join has. */
  readonly columnsVisible: boolean
  /** Whether its rows, taken as a whole, are their only column: those of a function that returns no rows but values. */
  readonly scalar?: boolean
  /** PHI that the number of its rows may tell: `generate_series(1, age)`, `unnest(phones)`. */
  readonly multiplied: Taint | null
}

/** The names that an expression sees, query by query. */
export interface Scope {
  readonly items: readonly Item[]
  readonly parent: Scope | null
  /** Number of enclosing queries. */
  readonly depth: number
  /** Of a SELECT: what is known of the order of its rows. */
  readonly order?: RowOrder
}

/** What a query returns. */
export interface QueryResult {
  readonly shape: Shape
  /** PHI that a predicate over it decides about the rows by. */
  readonly control: Taint | null
  /** The least depth of a scope whose columns it uses. */
  readonly reach: number
  readonly multiplied: Taint | null
  /** PHI by whose order its rows come, for certain. */
  readonly sortedBy?: Taint | null
}

/** Common table expressions in reach, innermost list first. */
export interface CommonTables {
  readonly entries: ReadonlyMap<string, CommonTable>
  readonly parent: CommonTables | null
}

export interface CommonTable {
  /** Evaluates on first use. `recursive` marks a reference to itself, whose origins the server does not report. */
  resolve(): { readonly result: QueryResult; readonly recursive: boolean }
}

/** Collects what flows into one expression or predicate. */
export interface Sink {
  /** The columns that flow in, with the depth of the scope that they were found in. */
  readonly columns: Map<Column, number>
  control: Taint | null
  reach: number
  multiplied: Taint | null
  /** Of a query: PHI by whose order its rows come, for certain. */
  sortedBy: Taint | null
}

export function newSink(): Sink {
  return { columns: new Map(), control: null, reach: Number.POSITIVE_INFINITY, multiplied: null, sortedBy: null }
}

/** Counts what `inner` did towards `outer`, except for the columns that flowed. */
export function noteSink(outer: Sink, inner: Pick<Sink, 'control' | 'reach' | 'multiplied'>): void {
  outer.control = either(outer.control, inner.control)
  outer.reach = Math.min(outer.reach, inner.reach)
  outer.multiplied = either(outer.multiplied, inner.multiplied)
}
