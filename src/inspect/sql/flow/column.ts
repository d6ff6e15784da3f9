import { type Column, type Shape, type Sink, TAINTED, type Value } from './types.ts'

const NO_INPUTS: ReadonlySet<Column> = new Set()

/** What a column of a derived row is made from. */
export interface Derived {
  readonly name: string
  readonly value: Value
  readonly sources?: readonly Column[]
  readonly inputs?: ReadonlySet<Column>
}

/** A column of a stored relation, or any other that shares its row with nothing computed. */
export function storedColumn(name: string, value: Value): Column {
  return { name, value, marked: false, kin: [], sources: [], inputs: NO_INPUTS }
}

/**
 * The columns of a derived row: a subquery, a function, VALUES. They are each other's kin, because two of them may hold the
 * same value.
 */
export function derivedShape(columns: readonly Derived[], open: Value | null = null): Shape {
  const kin: Column[] = []
  for (const { name, value, sources = [], inputs = NO_INPUTS } of columns) {
    kin.push({ name, value, marked: false, kin, sources, inputs })
  }
  const rest = open === null ? null : { ...storedColumn('*', open), kin }
  return { columns: kin, open: rest }
}

/** The columns at the bottom of what flows into an expression. */
export function inputsOf(columns: Iterable<Column>): ReadonlySet<Column> {
  const inputs = new Set<Column>()
  for (const column of columns) {
    if (column.inputs.size === 0) inputs.add(column)
    else for (const input of column.inputs) inputs.add(input)
  }
  return inputs
}

/** The same rows under other column names; names beyond the known columns are those of the unknown rest. */
export function renamed(shape: Shape, names: readonly string[]): Shape {
  if (names.length === 0) return shape
  const { open } = shape
  // At unknown positions a name may belong to any column.
  if (open !== null) {
    const value = worst([...shape.columns.map(valueOf), valueOf(open)])
    return derivedShape(
      names.map((name) => ({ name, value })),
      value,
    )
  }
  const kin: Column[] = []
  shape.columns.forEach((column, i) => {
    const own = column.kin.length === 0 ? [] : kin
    kin.push({ ...column, name: names[i] ?? column.name, marked: false, kin: own, sources: [column] })
  })
  return { columns: kin, open: null }
}

/** The value of a column as it stands now, marks included. */
export function valueOf(column: Column): Value {
  return !column.value.tainted && isMarked(column) ? TAINTED : column.value
}

export function isTainted(column: Column): boolean {
  return column.value.tainted || isMarked(column)
}

/** Ties a column to PHI, and with it what may hold the same value. */
export function mark(column: Column): void {
  if (column.marked) return
  column.marked = true
  for (const source of column.sources) mark(source)
  for (const relative of column.kin) if (isRelated(column, relative)) mark(relative)
}

/**
 * Marks what a computed column that carries PHI tells of, when rows are chosen by it: with `WHERE eq` and `record_no = g AS
 * eq` the column `g` of the same row is the number.
 */
export function markBeside(column: Column): void {
  if (column.value.origin !== null) return
  for (const source of column.sources) {
    if (isTainted(source)) markBeside(source)
    else mark(source)
  }
  for (const relative of column.kin) if (!isTainted(relative) && isRelated(column, relative)) mark(relative)
}

/** Whether two columns of a row may be computed from the same: always where it is not known. */
function isRelated(a: Column, b: Column): boolean {
  if (a.inputs.size === 0 || b.inputs.size === 0) return true
  for (const input of a.inputs) if (b.inputs.has(input)) return true
  return false
}

function isMarked(column: Column): boolean {
  if (column.marked) return true
  if (!column.sources.some(isTainted)) return false
  mark(column)
  return true
}

/** A computed value: as tainted as the worst of its inputs. */
export function worst(values: readonly Value[]): Value {
  return { tainted: values.some((value) => value.tainted), origin: null, reported: false }
}

export function shapeIsTainted(shape: Shape): boolean {
  return shape.columns.some(isTainted) || (shape.open !== null && isTainted(shape.open))
}

/** The value of a whole row. */
export function rowValue(shape: Shape): Value {
  return { tainted: shapeIsTainted(shape), origin: null, reported: false, row: shape }
}

/** A value after everything that could mark the columns it came from has been seen. */
export function settled(value: Value, sink: Sink): Value {
  if (value.tainted) return value
  for (const column of sink.columns.keys()) if (isTainted(column)) return TAINTED
  return value
}
