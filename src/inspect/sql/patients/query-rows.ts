import type { Node, SelectStmt, WithClause } from '@pgsql/types'
import { hasLimit } from '../bounded.ts'
import { bodyOf, nameParts, walkSyntax } from '../syntax-tree.ts'
import { addConditions, addSubqueries } from './conditions.ts'
import { fromRows } from './from-rows.ts'
import type { RowAnalysis } from './row-analysis.ts'
import { RowColumn } from './row-graph.ts'
import {
  aliased,
  type Columns,
  findColumn,
  type NamedColumn,
  type RowScope,
  starColumns,
  withheld,
} from './row-scope.ts'
import { writeRows } from './write-rows.ts'

/** Where a query stands. */
export interface Around {
  readonly analysis: RowAnalysis
  readonly outer: RowScope | null
  readonly tables: ReadonlyMap<string, CommonRows>
}

/** A common table expression: every mention reads it anew. */
export type CommonRows = () => Columns

export interface QueryRows {
  readonly columns: Columns
  /** Whether which rows there are depends on others: LIMIT, DISTINCT ON. A condition on what is left does not bind what was read. */
  readonly isCut: boolean
}

const UNKNOWN: QueryRows = { columns: null, isCut: false }

/** The rows of a query, or of what a WITH clause holds, and all that is mentioned in it. */
export function queryRows(node: Node | undefined, around: Around): QueryRows {
  const select = bodyOf(node, 'SelectStmt')
  if (select !== undefined) return selectRows(select, around)
  return node === undefined ? UNKNOWN : { columns: writeRows(node, around), isCut: true }
}

/** For who reads them from outside: without what a condition must not follow. */
export function subqueryRows(node: Node | undefined, around: Around): Columns {
  const { columns, isCut } = queryRows(node, around)
  return isCut ? withheld(columns) : columns
}

export function selectRows(node: SelectStmt, around: Around): QueryRows {
  if (!around.analysis.enter()) return UNKNOWN
  const inner = withTables(node.withClause, around)
  const isCut = hasLimit(node) || node.limitOffset !== undefined
  if (node.op !== undefined && node.op !== 'SETOP_NONE') {
    const columns = setRows(node, inner)
    addSubqueries([node.sortClause, node.limitCount, node.limitOffset], NOWHERE(inner), inner)
    return { columns, isCut }
  }
  if (node.valuesLists !== undefined) {
    addSubqueries([node.valuesLists, node.sortClause, node.limitCount, node.limitOffset], NOWHERE(inner), inner)
    return { columns: valuesColumns(node), isCut }
  }
  const simple = simpleRows(node, inner)
  return { columns: simple.columns, isCut: isCut || simple.isCut }
}

const NOWHERE = ({ outer }: Around): RowScope => ({ entries: [], outer })

function simpleRows(node: SelectStmt, around: Around): QueryRows {
  const scope = fromRows(node.fromClause, node, around)
  const { targetList, groupClause, sortClause, distinctClause } = node
  around.analysis.shown.addTargets(targetList)
  const skip = addConditions(node.whereClause, scope, around)
  const { whereClause, havingClause, windowClause, limitCount, limitOffset } = node
  const rest = [whereClause, havingClause, targetList, groupClause, sortClause, windowClause, distinctClause]
  addSubqueries([...rest, limitCount, limitOffset], scope, around, skip)
  const columns = outputColumns(targetList, scope)
  if (columns === null || hasWindow([targetList, sortClause])) return { columns: withheld(columns), isCut: false }
  const grouped = groupClause === undefined && havingClause === undefined ? null : groupedColumns(node, columns, scope)
  const kept = columns.map(({ name, column }) => ({
    name,
    column: grouped === null || (column !== null && grouped.has(column)) ? column : null,
  }))
  return { columns: kept, isCut: (distinctClause ?? []).some((one) => Object.keys(one).length > 0) }
}

/** The columns that the rows of a group have in common. */
function groupedColumns(node: SelectStmt, columns: readonly NamedColumn[], scope: RowScope): ReadonlySet<RowColumn> {
  const grouped = new Set<RowColumn>()
  for (const key of node.groupClause ?? []) {
    // Rows that sum up several groups have a column of their own value for none.
    if (bodyOf(key, 'GroupingSet') !== undefined) return new Set()
    const ordinal = bodyOf(key, 'A_Const')?.ival?.ival
    const found = ordinal === undefined ? findColumn(key, scope)?.column : columns[ordinal - 1]?.column
    if (found !== undefined && found !== null) grouped.add(found)
  }
  return grouped
}

function hasWindow(nodes: unknown): boolean {
  let has = false
  walkSyntax(nodes, (name, body) => {
    has ||= name === 'FuncCall' && body['over'] !== undefined
    return name !== 'SubLink'
  })
  return has
}

/** The columns of a target or RETURNING list. */
export function outputColumns(targets: readonly Node[] | undefined, scope: RowScope): Columns {
  const columns: NamedColumn[] = []
  for (const node of targets ?? []) {
    const target = bodyOf(node, 'ResTarget')
    const reference = bodyOf(target?.val, 'ColumnRef')
    if (reference !== undefined && bodyOf(reference.fields?.at(-1), 'A_Star') !== undefined) {
      const all = starColumns(reference, scope)
      if (all === null) return null
      columns.push(...all)
    } else if (bodyOf(target?.val, 'A_Indirection')?.indirection?.some((one) => 'A_Star' in one) === true) {
      return null
    } else {
      const name = target?.name ?? nameParts(reference?.fields).at(-1) ?? ''
      columns.push({ name, column: findColumn(target?.val, scope)?.column ?? null })
    }
  }
  return columns
}

/** UNION: a row is of one of the branches, so what binds it binds both. */
function setRows(node: SelectStmt, around: Around): Columns {
  const sides = [node.larg, node.rarg].map((side) =>
    side === undefined ? null : subqueryRows({ SelectStmt: side }, around),
  )
  const [left = null, right = null] = sides
  if (left === null || right === null || left.length !== right.length) return null
  return left.map(({ name, column }, i) => {
    const other = right[i]?.column ?? null
    if (node.op !== 'SETOP_UNION' || column === null || other === null || column.form !== other.form)
      return { name, column: null }
    const either = new RowColumn(column.form)
    either.bind(column)
    either.bind(other)
    return { name, column: either }
  })
}

function valuesColumns({ valuesLists = [] }: SelectStmt): Columns {
  const width = bodyOf(valuesLists[0], 'List')?.items?.length ?? 0
  return Array.from({ length: width }, (_, i) => ({ name: `column${i + 1}`, column: null }))
}

/** The common table expressions in sight after a WITH clause. */
export function withTables(clause: WithClause | undefined, around: Around): Around {
  if (clause === undefined) return around
  const tables = new Map(around.tables)
  for (const node of clause.ctes ?? []) {
    const cte = bodyOf(node, 'CommonTableExpr')
    if (cte?.ctename === undefined) continue
    const { ctename, ctequery, aliascolnames } = cte
    const names = nameParts(aliascolnames)
    const isOwn = cte.search_clause !== undefined || cte.cycle_clause !== undefined
    const seen = new Map(tables)
    if (clause.recursive === true) {
      // What one step shows, the next one can add to.
      around.analysis.shown.gathers = true
      for (const name of laterNames(clause, ctename)) seen.set(name, () => unknownTable(around))
      seen.set(ctename, unknownRows)
    }
    const inner = { ...around, tables: seen }
    if (bodyOf(ctequery, 'SelectStmt') === undefined) {
      // It runs once, mentioned or not.
      queryRows(ctequery, inner)
      tables.set(ctename, () => {
        around.analysis.shown.picks += 1
        return null
      })
      continue
    }
    // One that nobody mentions is not run.
    tables.set(ctename, () => {
      const columns = subqueryRows(ctequery, inner)
      return isOwn ? null : aliased(columns, names)
    })
  }
  return { ...around, tables }
}

/** WITH RECURSIVE lets an expression mention those that follow. */
function laterNames(clause: WithClause, name: string): readonly string[] {
  const names = (clause.ctes ?? []).map((node) => bodyOf(node, 'CommonTableExpr')?.ctename ?? '')
  return names.slice(names.indexOf(name) + 1)
}

function unknownTable({ analysis }: Around): Columns {
  analysis.isUnclear = true
  return null
}

const unknownRows: CommonRows = () => null
