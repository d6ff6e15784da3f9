import { fieldsOf } from './shape.ts'
import { covers, coversClasses, joined, type Taint } from './taint.ts'
import type { Column, Shape, Sink, Value } from './types.ts'
import { shaped, taintedBy, worst } from './value.ts'

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
  return { name, value, marked: null, kin: [], sources: [], inputs: NO_INPUTS }
}

/**
 * The columns of a derived row: a subquery, a function, VALUES. They are each other's kin, because two of them may hold the
 * same value.
 */
export function derivedShape(columns: readonly Derived[], open: Value | null = null): Shape {
  const kin: Column[] = []
  for (const { name, value, sources = [], inputs = NO_INPUTS } of columns) {
    kin.push({ name, value, marked: null, kin, sources, inputs })
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
    kin.push({ ...column, name: names[i] ?? column.name, marked: null, kin: own, sources: [column] })
  })
  return { columns: kin, open: null }
}

/** The value of a column as it stands now, marks included. */
export function valueOf(column: Column): Value {
  return withMarks(column.value, marksOf(column))
}

export function isTainted(column: Column): boolean {
  return column.value.tainted || marksOf(column) !== null
}

/** Ties a column to PHI, and with it what may hold the same value. */
export function mark(column: Column, taint: Taint): void {
  if (column.marked !== null && covers(column.marked, taint)) return
  column.marked = column.marked === null ? taint : joined([column.marked, taint])
  for (const source of column.sources) mark(source, taint)
  for (const relative of column.kin) if (isRelated(column, relative)) mark(relative, taint)
}

/**
 * Marks what a computed column that carries PHI tells of, when rows are chosen by it: with `WHERE eq` and `record_no = g AS
 * eq` the column `g` of the same row is the number.
 */
export function markBeside(column: Column, taint: Taint): void {
  if (column.value.origin !== null) return
  for (const source of column.sources) {
    if (isTainted(source)) markBeside(source, taint)
    else mark(source, taint)
  }
  for (const relative of column.kin) {
    if (!isTainted(relative) && isRelated(column, relative)) mark(relative, taint)
  }
}

/** Whether two columns of a row may be computed from the same: always where it is not known. */
function isRelated(a: Column, b: Column): boolean {
  if (a.inputs.size === 0 || b.inputs.size === 0) return true
  for (const input of a.inputs) if (b.inputs.has(input)) return true
  return false
}

/** The marks of a column, with those that its sources got since. */
export function marksOf(column: Column): Taint | null {
  for (const source of column.sources) {
    const marks = marksOf(source)
    if (marks !== null) mark(column, marks)
  }
  return column.marked
}

/**
 * A value that is tied to PHI. A copy of a stored column that is masked for the same PHI anyway stays what it is; of
 * anything else no part is free of it.
 */
function withMarks(value: Value, marks: Taint | null): Value {
  if (marks === null) return value
  if (!value.tainted) return taintedBy(marks)
  if (value.exact !== null && coversClasses(value, marks)) return value
  return taintedBy(joined([value, marks]))
}

export function shapeIsTainted(shape: Shape): boolean {
  return shape.columns.some(isTainted) || (shape.open !== null && isTainted(shape.open))
}

/** All columns of a row that carry PHI. */
export function taintedColumns({ columns, open }: Shape): readonly Value[] {
  return [...columns, ...(open === null ? [] : [open])].map(valueOf).filter((value) => value.tainted)
}

/** The value of a whole row. */
export function rowValue(shape: Shape): Value {
  const values = shape.columns.map(valueOf)
  if (shape.open !== null) return { ...worst([...values, valueOf(shape.open)]), row: shape }
  return { ...shaped(fieldsOf(values.map((value) => value.shape)), values), row: shape }
}

/** A value after everything that could mark the columns it came from has been seen. */
export function settled(value: Value, sink: Sink): Value {
  let result = value
  for (const column of sink.columns.keys()) result = withMarks(result, marksOf(column))
  return result
}
