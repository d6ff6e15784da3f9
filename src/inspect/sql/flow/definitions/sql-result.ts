import type { SqlRoutine } from '../../catalog.ts'
import { derivedShape, rowValue, valueOf } from '../values/column.ts'
import type { CompositeField, Definitions } from './definitions.ts'
import { fitted, POLYMORPHIC } from '../values/fitted.ts'
import { CLEAN, type Column, type Shape, type Value } from '../values/types.ts'
import { merged, worst } from '../values/value.ts'

/** A column of what a function returns. */
export interface ResultColumn {
  /** Null for the only column of a function that returns plain values: it is named in the call. */
  readonly name: string | null
  readonly value: Value
  readonly inputs?: ReadonlySet<Column>
  /** Columns around the body that flow into it; absent when any of them could. */
  readonly sources?: readonly Column[]
}

/** What a function returns, as an expression and in a FROM list. */
export interface RoutineResult {
  readonly value: Value
  /** Null when they are not known. */
  readonly columns: readonly ResultColumn[] | null
  /** Whether it returns plain values, not rows. */
  readonly isScalar: boolean
}

const VOID = 2278
const RECORD = 2249

/** What the last query of a body gives as the declared result (check_sql_fn_retval of functions.c). Null when it does not fit. */
export function declaredResult(shape: Shape, sql: SqlRoutine, definitions: Definitions): RoutineResult | null {
  if (sql.returnType === VOID) return { value: CLEAN, columns: [{ name: null, value: CLEAN }], isScalar: true }
  if (shape.open !== null) return null
  // Of any type: if the argument is a row, its fields are columns in FROM.
  if (POLYMORPHIC.has(sql.returnType)) {
    const result = scalar(shape.columns, sql)
    return result === null ? null : { ...result, columns: null, isScalar: false }
  }
  const fields = fieldsOf(sql, definitions)
  if (fields === null) return scalar(shape.columns, sql)
  if (fields.length === 0) return { value: worst(shape.columns.map(valueOf)), columns: null, isScalar: false }
  const columns = rowColumns(shape.columns, fields)
  if (columns === null) return null
  return { value: rowValue(derivedShape(columns)), columns, isScalar: false }
}

interface NamedField {
  readonly name: string
  /** Undefined when not known. */
  readonly typeOid: number | undefined
}

/** The columns that are declared; none for rows of which no more is known, null for plain values. */
function fieldsOf(sql: SqlRoutine, definitions: Definitions): readonly NamedField[] | null {
  const { outputNames, outputTypes, returnType } = sql
  const composite: readonly CompositeField[] | undefined = definitions.fields(returnType)
  if (composite !== undefined && composite.length > 0) return composite
  if (returnType !== RECORD) return definitions.isPlain(returnType) ? null : []
  return outputNames.map((name, i) => ({ name, typeOid: outputTypes?.[i] }))
}

function scalar(columns: readonly Column[], sql: SqlRoutine): RoutineResult | null {
  const [only, ...others] = columns
  if (only === undefined || others.length > 0) return null
  const value = fitted(valueOf(only), sql.returnType)
  const [name] = sql.outputNames
  const { inputs, sources } = only
  const column = { name: name === undefined || name === '' ? null : name, value, inputs, sources }
  return { value, columns: [column], isScalar: true }
}

type RowColumn = ResultColumn & { readonly name: string }

/** The columns one by one, or a single column that is the whole row. */
function rowColumns(columns: readonly Column[], fields: readonly NamedField[]): readonly RowColumn[] | null {
  if (columns.length === fields.length && fields.length > 1) {
    return named(columns, fields).map((column, i) => ({ ...column, sources: columns[i]?.sources ?? [] }))
  }
  const [only, ...others] = columns
  if (only === undefined || others.length > 0) return null
  const value = valueOf(only)
  const { row, shape, tainted } = value
  // What is tied to the row as a whole shows in each of its fields.
  const isKnown = row !== undefined && row.open === null && (!tainted || shape.kind === 'fields')
  if (isKnown && row.columns.length === fields.length) return named(row.columns, fields)
  return fields.map(({ name }) => ({ name, value: worst([value]) }))
}

function named(columns: readonly Column[], fields: readonly NamedField[]): readonly RowColumn[] {
  return columns.flatMap((column, i) => {
    const field = fields[i]
    return field === undefined
      ? []
      : [{ name: field.name, value: fitted(valueOf(column), field.typeOid), inputs: column.inputs }]
  })
}

/** What comes of a call that could mean any of several functions. */
export function anyOf(results: readonly RoutineResult[]): RoutineResult {
  const [first, ...others] = results
  if (first !== undefined && others.length === 0) return first
  return {
    value: merged(results.map(({ value }) => value)),
    columns: anyColumns(results.map(({ columns }) => columns)),
    isScalar: results.every(({ isScalar }) => isScalar),
  }
}

function anyColumns(results: readonly RoutineResult['columns'][]): RoutineResult['columns'] {
  const [first] = results
  if (first === undefined || first === null) return null
  const isAlike = results.every(
    (columns) => columns?.length === first.length && columns.every(({ name }, i) => name === first[i]?.name),
  )
  if (!isAlike) return null
  return first.map(({ name }, i) => ({
    name,
    value: merged(results.flatMap((columns) => columns?.[i]?.value ?? [])),
  }))
}
