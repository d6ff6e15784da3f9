import type { ColumnRef, Node } from '@pgsql/types'
import { bodyOf, nameParts } from '../syntax-tree.ts'
import type { RowColumn } from './row-graph.ts'

/** A column by name; null where nothing is known of its values. */
export interface NamedColumn {
  readonly name: string
  readonly column: RowColumn | null
}

/** Null: which columns there are is not known. */
export type Columns = readonly NamedColumn[] | null

/** What a qualifier can name. */
export interface NamedRows {
  readonly name: string
  readonly schema: string | null
  readonly columns: Columns
}

/** What one entry of a FROM list adds to its query. */
export interface FromRows {
  readonly named: readonly NamedRows[]
  /** As `*` shows them. */
  readonly columns: Columns
}

/** A query level and those around it. */
export interface RowScope {
  readonly entries: readonly FromRows[]
  readonly outer: RowScope | null
}

export interface FoundColumn {
  readonly column: RowColumn
  /** Whether it is of the level itself. */
  readonly isOwn: boolean
}

/** The column that a reference means; null where that, or the column, is not known. */
export function findColumn(node: Node | undefined, scope: RowScope): FoundColumn | null {
  const reference = bodyOf(node, 'ColumnRef')
  if (reference === undefined) return null
  const fields = reference.fields ?? []
  const parts = nameParts(fields)
  const name = parts.at(-1)
  if (name === undefined || parts.length !== fields.length || parts.length > 3) return null
  let isOwn = true
  for (let level: RowScope | null = scope; level !== null; level = level.outer, isOwn = false) {
    const found = parts.length === 1 ? bare(name, level) : qualified(parts, level)
    if (found === 'elsewhere') continue
    return found === null ? null : { column: found, isOwn }
  }
  return null
}

function bare(name: string, { entries }: RowScope): RowColumn | null | 'elsewhere' {
  const found = entries.flatMap(({ columns }) => (columns ?? []).filter((one) => one.name === name))
  const [only] = found
  if (only !== undefined) return found.length === 1 ? only.column : null
  return entries.some(({ columns }) => columns === null) ? null : 'elsewhere'
}

function qualified(parts: readonly string[], { entries }: RowScope): RowColumn | null | 'elsewhere' {
  const [name, schema] = [parts.at(-2), parts.at(-3)]
  const rows = entries
    .flatMap(({ named }) => named)
    .find((one) => one.name === name && (schema === undefined || one.schema === schema))
  if (rows === undefined) return 'elsewhere'
  const found = (rows.columns ?? []).filter((one) => one.name === parts.at(-1))
  return found.length === 1 ? (found[0]?.column ?? null) : null
}

/** What a star in a target list stands for. */
export function starColumns(reference: ColumnRef, { entries }: RowScope): Columns {
  const parts = nameParts(reference.fields)
  if (parts.length === 0) return joinedColumns(entries.map(({ columns }) => columns))
  const [name, schema] = [parts.at(-1), parts.at(-2)]
  const rows = entries
    .flatMap(({ named }) => named)
    .find((one) => one.name === name && (schema === undefined || one.schema === schema))
  return rows?.columns ?? null
}

export function joinedColumns(lists: readonly Columns[]): Columns {
  const joined: NamedColumn[] = []
  for (const list of lists) {
    if (list === null) return null
    joined.push(...list)
  }
  return joined
}

/** The same columns under the names that an alias lists. */
export function aliased(columns: Columns, names: readonly string[]): Columns {
  return columns === null ? null : columns.map(({ name, column }, i) => ({ name: names[i] ?? name, column }))
}

/** Columns of rows of which some are left out in a way that what is done with the others depends on. */
export function withheld(columns: Columns): Columns {
  return columns === null ? null : columns.map(({ name }) => ({ name, column: null }))
}
