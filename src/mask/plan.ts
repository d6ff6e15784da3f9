import type { Pending } from '../phi/tokens/stand-ins.ts'

export type { Pending } from '../phi/tokens/stand-ins.ts'

/** A column of a result as RowDescription describes it (PostgreSQL documentation, section 55.7). */
export interface ResultColumn {
  readonly name: string
  /** Origin: pg_class.oid and pg_attribute.attnum, or 0 and 0 when the column is an expression. */
  readonly tableOid: number
  readonly attnum: number
  readonly typeOid: number
  readonly typmod: number
  /** 0 text, 1 binary. */
  readonly format: number
}

/**
 * Replaces one cell that is not NULL: the bytes of `source` from `start` to `end` are the cell in the column's type and
 * format. The result is valid for both; null makes the cell NULL. Never throws: a value it cannot read becomes null.
 */
export type CellMasker = (source: Buffer, start: number, end: number) => Buffer | null

/**
 * Lets a cell pass after all, in a row whose column `count` (int8, neither masked nor NULL) holds at least `atLeast`.
 */
export interface GroupGuard {
  readonly cell: number
  readonly count: number
  readonly binary: boolean
  readonly atLeast: number
}

/** Looks at cells of a row before any of them is masked. What the cells give is not used. */
export interface RowLearner {
  /** Forgets the row before. */
  begin(): void
  /** One entry a column; undefined for one that nobody wants to know. */
  readonly cells: readonly (CellMasker | undefined)[]
}

/** How to rewrite the rows of one result. Compiled once a portal, executed on every row. */
export interface MaskPlan {
  /** One entry a column; undefined lets the cell pass untouched. */
  readonly cells: readonly (CellMasker | undefined)[]
  /** How many entries are not undefined. */
  readonly maskedCount: number
  /** For cells that sum up a group. Absent when there are none. */
  readonly groups?: readonly GroupGuard[]
  /** PHI classes masked, sorted, without duplicates; 'unproven' for columns masked because nothing is known. For the journal. */
  readonly classes: readonly string[]
  /**
   * Replacements that have to be fetched (tokens). Absent when every cell can be replaced at once. After each row ask
   * `isLacking`: if so, the row is void, and every row since the first void one has to be rewritten after `settle`.
   */
  readonly pending?: Pending
  /** Has to see each row before it is rewritten. Absent when nothing of a row counts for another part of it. */
  readonly learn?: RowLearner
}
