import type { FuncCall } from '@pgsql/types'
import type { CatalogRoutine, SqlRoutine } from '../../catalog.ts'
import { storedColumn } from '../values/column.ts'
import { numberedArgument } from './definition-text.ts'
import type { CompositeField, Definitions } from './definitions.ts'
import { expression } from '../expressions/expression.ts'
import { fitted } from '../values/fitted.ts'
import { apart, type Place } from '../place.ts'
import { type Column, type Item, noteSink, type Scope, type Shape, type Sink, type Value } from '../values/types.ts'
import { worst } from '../values/value.ts'

/** An argument of a call: what flows into it. */
export interface Argument {
  /** Set in named notation. */
  readonly name: string | null
  readonly value: Value
  readonly sink: Sink
}

export function argumentsOf(call: FuncCall, place: Place): readonly Argument[] {
  return (call.args ?? []).map((arg) => {
    const inner = apart(place)
    const value = expression(arg, inner)
    for (const [column, depth] of inner.sink.columns) place.sink.columns.set(column, depth)
    noteSink(place.sink, inner.sink)
    return { name: 'NamedArgExpr' in arg ? (arg.NamedArgExpr.name ?? '') : null, value, sink: inner.sink }
  })
}

/**
 * What the body of a function sees around it: its arguments, as `$1`, `name` and `function.name`. Columns of its own queries
 * come first (PostgreSQL documentation, 36.5.1), so they are like columns of an enclosing query.
 */
export function argumentScope(
  routine: CatalogRoutine,
  sql: SqlRoutine,
  args: readonly Argument[],
  byDefault: (index: number) => Value,
  definitions: Definitions,
): Scope {
  const slots = slotsOf(sql, args)
  const parameters = sql.argumentTypes.map((type, i): Column => {
    const given = slots[i] ?? []
    const name = sql.argumentNames[i] ?? ''
    if (given.length === 0) return storedColumn(name, fitted(byDefault(i), type))
    const [only, ...others] = given
    const value = only === undefined || others.length > 0 ? worst(given.map((arg) => arg.value)) : only.value
    const sources = given.flatMap(({ sink }) => [...sink.columns.keys()])
    return { ...storedColumn(name, asDeclared(value, type, definitions.fields(type))), sources }
  })
  const numbered = parameters.map((column, i): Column => ({ ...column, name: numberedArgument(i + 1) }))
  const shape: Shape = { columns: [...parameters, ...numbered], open: null }
  const own: Item = { name: routine.name, table: null, shape, columnsVisible: true, multiplied: null }
  const rows = parameters.flatMap(({ name, value: { row } }): readonly Item[] => {
    const table = { schema: routine.name, name }
    return row === undefined || name === '' ? [] : [{ ...own, name, table, shape: row, columnsVisible: false }]
  })
  return { items: [own, ...rows], parent: null, depth: 0 }
}

/** The arguments for each parameter; several for the array of a variadic function. */
function slotsOf(sql: SqlRoutine, args: readonly Argument[]): readonly (readonly Argument[])[] {
  const slots: Argument[][] = sql.argumentTypes.map(() => [])
  args.forEach((arg, i) => {
    const last = slots.length - 1
    const at = arg.name === null ? Math.min(i, last) : sql.argumentNames.indexOf(arg.name)
    slots[at]?.push(arg)
  })
  return slots
}

/** The fields of a row have the names of its declared type. */
function asDeclared(value: Value, typeOid: number, fields: readonly CompositeField[] | undefined): Value {
  const { row } = value
  if (row === undefined) return fitted(value, typeOid)
  const isSame =
    row.open === null &&
    fields?.length === row.columns.length &&
    row.columns.every(({ name }, i) => name === fields[i]?.name)
  return isSame ? { ...fitted(value, typeOid), row } : worst([value])
}
