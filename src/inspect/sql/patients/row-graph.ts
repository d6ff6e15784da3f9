import type { PatientConstant, PatientKeyForm } from '../facts.ts'

/** A column of the rows of one FROM item, or of a query: what is known of the values that it has in rows that count. */
export class RowColumn {
  /** Undefined for types whose values are not told apart by how they are spelled. */
  readonly form: PatientKeyForm | undefined
  /** Columns that have no other values than this one has, and so are bound by what binds it. */
  readonly #binds: { readonly column: RowColumn; readonly isExact: boolean }[] = []
  readonly #boundBy: RowColumn[] = []
  readonly #constants: PatientConstant[] = []
  #isCompared = false

  constructor(form: PatientKeyForm | undefined) {
    this.form = form
  }

  /** Rows count only where `column` has the same value as this one, or none. */
  bind(column: RowColumn): void {
    const isExact = this.form !== undefined && this.form === column.form
    this.#binds.push({ column, isExact })
    if (isExact) column.#boundBy.push(this)
  }

  /** Rows count only where the column has one of these values; no list: of some that the statement gives in another way. */
  compare(constants: readonly PatientConstant[] | null): void {
    this.#isCompared = true
    if (constants !== null) this.#constants.push(...constants)
  }

  get isCompared(): boolean {
    return this.#isCompared
  }

  /** What binds the column, directly or by others; null when nothing does. */
  constants(): readonly PatientConstant[] | null {
    const found = new Set<PatientConstant>()
    for (const column of closure(this, (one) => one.#boundBy)) for (const one of column.#constants) found.add(one)
    return found.size === 0 ? null : [...found]
  }

  /** The columns that have no other values than this one. */
  exactlyBound(): ReadonlySet<RowColumn> {
    return closure(this, (one) => one.#binds.flatMap(({ column, isExact }) => (isExact ? [column] : [])))
  }

  /** Those that are tied to it, whatever their types. */
  get tied(): readonly RowColumn[] {
    return this.#binds.map(({ column }) => column)
  }
}

/** One mention of a stored relation. */
export interface Mention {
  readonly oid: number
  /** Undefined when it has no key; empty when it has one that cannot be bound. */
  readonly keys: readonly RowColumn[] | undefined
  readonly columns: readonly RowColumn[]
  readonly hasPhi: boolean
  /** Whether its rows are read; those that are only changed are not. */
  readonly isRead: boolean
  /** Whether something of them can be in the result. */
  readonly isShown: boolean
  /** Whether a condition of its own level selects some of its rows. */
  readonly isFiltered: boolean
}

function closure(start: RowColumn, next: (column: RowColumn) => readonly RowColumn[]): ReadonlySet<RowColumn> {
  const seen = new Set<RowColumn>([start])
  for (const column of seen) for (const one of next(column)) seen.add(one)
  return seen
}

/** Mentions of which some column is, directly or by others, one of `columns`. */
export function reachedFrom(columns: Iterable<RowColumn>, mentions: readonly Mention[]): ReadonlySet<Mention> {
  const reached = new Set<Mention>()
  const owners = new Map<RowColumn, Mention>()
  for (const mention of mentions) for (const column of mention.columns) owners.set(column, mention)
  const seen = new Set(columns)
  for (const column of seen) {
    const owner = owners.get(column)
    // A row that is selected by one column is selected with all.
    if (owner !== undefined && !reached.has(owner)) {
      reached.add(owner)
      for (const one of owner.columns) seen.add(one)
    }
    for (const one of column.tied) seen.add(one)
  }
  return reached
}
