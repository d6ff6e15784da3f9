import type { StoredColumn } from '../../facts.ts'
import { coversClasses, type Taint } from '../values/taint.ts'
import type { ConstantSource } from './constant-source.ts'

/**
 * A column of constants that stand for the values of a protected column: `FROM (VALUES ('tok_1'), ('tok_2')) v (name)`. It is PHI like
 * that column, whatever is made of it, so that its constants may be taken for what they stand for.
 */
export interface StandInColumn {
  /** The column that it is compared with, or stored in. */
  readonly column: StoredColumn
  readonly class: string
  readonly taint: Taint
  /** Then its constants have to be stand-ins: a value among them would confirm a guess. */
  readonly isCompared: boolean
  /** Then a stand-in that stands for nothing must not stay. */
  readonly isStored: boolean
}

/** By the key of the source. */
export type StandInColumns = ReadonlyMap<object, StandInColumn>

/** The columns of constants that stand for PHI in one look at a statement, and those that it asks for. */
export class StandInColumnList {
  readonly #known: StandInColumns
  readonly #wanted: Map<object, StandInColumn>

  constructor(known: StandInColumns) {
    this.#known = known
    this.#wanted = new Map(known)
  }

  /** With those that are known. */
  get wanted(): StandInColumns {
    return this.#wanted
  }

  of({ key }: ConstantSource): StandInColumn | null {
    return this.#known.get(key) ?? null
  }

  wants({ key }: ConstantSource, column: StandInColumn): void {
    const { isCompared, isStored, ...other } = this.#wanted.get(key) ?? column
    this.#wanted.set(key, {
      ...other,
      isCompared: isCompared || column.isCompared,
      isStored: isStored || column.isStored,
    })
  }

  /** PHI is stored in a protected column: it may come from any of those that are of its class. */
  stores(taint: Taint): void {
    for (const [key, column] of this.#known) {
      const mayBe = coversClasses(taint, column.taint)
      if (mayBe && !column.isStored) this.#wanted.set(key, { ...column, isStored: true })
    }
  }

  /** Whether something has been asked for that was not known. */
  get isStale(): boolean {
    return [...this.#wanted].some(([key, { isCompared, isStored }]) => {
      const known = this.#known.get(key)
      return known?.isCompared !== isCompared || known.isStored !== isStored
    })
  }
}
