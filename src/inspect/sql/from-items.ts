import type { Alias, ColumnRef, Node, RangeVar, SelectStmt } from '@pgsql/types'
import { bodyOf, nameParts } from './syntax-tree.ts'

/** One entry of a FROM list, or the target of a write, as far as judging predicates needs it. */
export interface FromItem {
  readonly alias: string
  /** Names of all its columns; null when they are not known. */
  readonly columns: ReadonlySet<string> | null
  /** Whether it yields a restricted set of rows by itself: a list of values, a sub-select with a real predicate. */
  readonly restricted: boolean
}

/** What a common table expression contributes when it is named in FROM. */
export type CteItem = Omit<FromItem, 'alias'>

/** One query level and the levels around it. */
export interface Level {
  readonly items: readonly FromItem[]
  readonly outer: Level | null
  readonly names: NameSource
  readonly ctes: ReadonlyMap<string, CteItem>
}

/** Where names that are not in the query itself come from. */
export interface NameSource {
  /** Column names of a relation, ctid among them; null when it is not known. `schema` is null for an unqualified name. */
  columnsOf(schema: string | null, relation: string): ReadonlySet<string> | null
  /** Variables of the procedural block around the statement: constants, as far as the statement is concerned. */
  readonly variables: ReadonlySet<string>
}

export type Resolved = { readonly item: FromItem; readonly column: string; readonly depth: number } | 'variable'

/** Every row has them, and they say nothing about which rows are meant (ctid does). */
const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'xmax', 'cmin', 'cmax', 'oid'])

/** What a column reference refers to; null when that cannot be told with certainty. */
export function resolveColumn(reference: ColumnRef, level: Level): Resolved | null {
  const fields = reference.fields ?? []
  const parts = nameParts(fields)
  const column = parts.at(-1)
  if (column === undefined || parts.length !== fields.length || SYSTEM_COLUMNS.has(column)) return null
  const qualifier = parts.at(-2)
  if (qualifier === undefined) return resolveBare(column, level)
  let depth = 0
  for (let at: Level | null = level; at !== null; at = at.outer, depth++) {
    const item = at.items.find((candidate) => candidate.alias === qualifier)
    if (item !== undefined) return { item, column, depth }
  }
  return null
}

function resolveBare(column: string, level: Level): Resolved | null {
  let depth = 0
  for (let at: Level | null = level; at !== null; at = at.outer, depth++) {
    const item = at.items.find((candidate) => candidate.columns?.has(column) === true)
    if (item !== undefined) return { item, column, depth }
    const unknown = at.items.filter((candidate) => candidate.columns === null)
    if (unknown.length === 0) continue
    const [only] = at.items
    // With one relation and nothing around it there is only one place where the column can be.
    if (at.items.length === 1 && only !== undefined && at.outer === null && !level.names.variables.has(column)) {
      return { item: only, column, depth }
    }
    return null
  }
  return level.names.variables.has(column) ? 'variable' : null
}

/** The item of a plain relation, or of the common table expression that its name refers to. */
export function relationItem(relation: RangeVar, level: Pick<Level, 'ctes' | 'names'>): FromItem {
  const name = relation.relname ?? ''
  const alias = relation.alias?.aliasname ?? name
  const cte = relation.schemaname === undefined ? level.ctes.get(name) : undefined
  const columns = cte === undefined ? level.names.columnsOf(relation.schemaname ?? null, name) : cte.columns
  return {
    alias,
    columns: (relation.alias?.colnames ?? []).length > 0 ? null : columns,
    restricted: cte?.restricted ?? false,
  }
}

/** An item whose columns are those that its alias lists, if it lists any. */
export function opaqueItem(alias: Alias | undefined, restricted: boolean): FromItem {
  const names = nameParts(alias?.colnames)
  return { alias: alias?.aliasname ?? '', columns: names.length > 0 ? new Set(names) : null, restricted }
}

/** The output names of a query, null when a star or an expression without a name makes them uncertain. */
export function outputNames(select: SelectStmt): ReadonlySet<string> | null {
  if (select.op !== undefined && select.op !== 'SETOP_NONE')
    return select.larg === undefined ? null : outputNames(select.larg)
  return targetNames(select.targetList)
}

/** Like `outputNames`, for a target or RETURNING list. */
export function targetNames(targets: readonly Node[] | undefined): ReadonlySet<string> | null {
  if (targets === undefined || targets.length === 0) return null
  const names = new Set<string>()
  for (const node of targets) {
    const target = bodyOf(node, 'ResTarget')
    const name = target?.name ?? nameParts(bodyOf(target?.val, 'ColumnRef')?.fields).at(-1)
    const star = bodyOf(bodyOf(target?.val, 'ColumnRef')?.fields?.at(-1), 'A_Star')
    if (name === undefined || star !== undefined) return null
    names.add(name)
  }
  return names
}
