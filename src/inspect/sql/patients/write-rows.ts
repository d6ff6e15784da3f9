import type {
  DeleteStmt,
  InsertStmt,
  MergeStmt,
  Node,
  OnConflictClause,
  RangeVar,
  ReturningClause,
  UpdateStmt,
} from '@pgsql/types'
import { boundedOf } from '../bounded.ts'
import type { CatalogRelation } from '../catalog.ts'
import type { PatientConstant } from '../facts.ts'
import { isView } from '../flow/phi-view.ts'
import { bodyOf } from '../syntax-tree.ts'
import { addConditions, addSubqueries } from './conditions.ts'
import { fromList } from './from-rows.ts'
import { keyFormOf } from './patient-keys.ts'
import { type Around, outputColumns, queryRows, withTables } from './query-rows.ts'
import type { Columns, FromRows, RowScope } from './row-scope.ts'

/**
 * INSERT, UPDATE, DELETE and MERGE, with the columns that they return. A condition on those, further out, binds nothing: the rows were
 * changed before.
 */
export function writeRows(node: Node, around: Around): Columns {
  const insert = bodyOf(node, 'InsertStmt')
  if (insert !== undefined) {
    insertRows(insert, withTables(insert.withClause, around))
    return null
  }
  const isFiltered = boundedOf(node, around.analysis.names) === 'bounded'
  const update = bodyOf(node, 'UpdateStmt')
  if (update !== undefined) return updateRows(update, isFiltered, withTables(update.withClause, around))
  const removal = bodyOf(node, 'DeleteStmt')
  if (removal !== undefined) return deleteRows(removal, isFiltered, withTables(removal.withClause, around))
  const merge = bodyOf(node, 'MergeStmt')
  if (merge !== undefined) mergeRows(merge, withTables(merge.withClause, around))
  around.analysis.isUnclear = true
  return null
}

interface Target {
  readonly relation: CatalogRelation | null
  readonly rows: FromRows
}

/** The rows that a statement changes. Those of a view are of a relation that its name does not say. */
function target(name: RangeVar | undefined, use: { isRead: boolean; isFiltered: boolean }, around: Around): Target {
  const { analysis } = around
  const relation = name === undefined ? null : analysis.relation(name)
  if (relation === null || isView(relation)) {
    analysis.isUnclear = true
    return { relation: null, rows: { named: [], columns: null } }
  }
  if (relation.hasRules === true) analysis.isUnclear = true
  const columns = analysis.mention(relation, use)
  const schema = name?.alias === undefined ? relation.schema : null
  return { relation, rows: { named: [{ name: name?.alias?.aliasname ?? relation.name, schema, columns }], columns } }
}

function updateRows(node: UpdateStmt, isFiltered: boolean, around: Around): Columns {
  const isRead = node.returningClause !== undefined
  const { relation, rows } = target(node.relation, { isRead, isFiltered }, around)
  const scope = whole(rows, node.fromClause, around)
  const seen = addConditions(node.whereClause, scope, around)
  addSubqueries([node.targetList, node.whereClause, node.returningClause], scope, around, seen)
  const before = around.analysis.stored.length
  storeAssigned(node.targetList, relation, around)
  // A key that is changed is not the one that the row was found by.
  return around.analysis.stored.length > before ? null : returned(node.returningClause, scope)
}

/** Old and new versions of rows can have names of their own. */
function returned(clause: ReturningClause | undefined, scope: RowScope): Columns {
  return clause === undefined || (clause.options ?? []).length > 0 ? null : outputColumns(clause.exprs, scope)
}

function deleteRows(node: DeleteStmt, isFiltered: boolean, around: Around): Columns {
  const isRead = node.returningClause !== undefined
  const { rows } = target(node.relation, { isRead, isFiltered }, around)
  const scope = whole(rows, node.usingClause, around)
  const seen = addConditions(node.whereClause, scope, around)
  addSubqueries([node.whereClause, node.returningClause], scope, around, seen)
  return returned(node.returningClause, scope)
}

/** Which rows of the target it changes depends on several conditions, none of which holds for all. */
function mergeRows(node: MergeStmt, around: Around): void {
  const isRead = node.returningClause !== undefined
  const { rows } = target(node.relation, { isRead, isFiltered: false }, around)
  const scope = whole(rows, node.sourceRelation === undefined ? [] : [node.sourceRelation], around)
  addSubqueries([node.joinCondition, node.mergeWhenClauses, node.returningClause], scope, around)
}

function whole(rows: FromRows, from: readonly Node[] | undefined, around: Around): RowScope {
  const others = fromList(from, { around, filtered: new Set() })
  return { entries: [rows, ...others], outer: around.outer }
}

function insertRows(node: InsertStmt, around: Around): void {
  const { analysis } = around
  const relation = node.relation === undefined ? null : analysis.relation(node.relation)
  if (relation === null || isView(relation) || relation.hasRules === true) analysis.isUnclear = true
  if (relation !== null) analysis.known.add(relation.oid)
  const named = (node.cols ?? []).flatMap((column) => bodyOf(column, 'ResTarget')?.name ?? [])
  const names = node.cols === undefined ? (relation?.columns.map(({ name }) => name) ?? []) : named
  const isPlain = (node.cols ?? []).every((column) => bodyOf(column, 'ResTarget')?.indirection === undefined)
  const keys = relation === null ? [] : keyColumns(relation, around)
  const source = bodyOf(node.selectStmt, 'SelectStmt')
  const { columns } = queryRows(node.selectStmt, around)
  for (const key of keys) {
    const at = isPlain ? names.indexOf(key.name) : -1
    const cells = (source?.valuesLists ?? [source?.targetList]).map((row) => cellOf(row, at))
    const column = columns?.[at]?.column
    // What is copied from rows that are bound is of those patients.
    if (column !== undefined && column !== null && column.constants() !== null)
      analysis.stored.push(...(column.constants() ?? []))
    else for (const cell of cells) analysis.stored.push(constantOf(cell, key, around))
  }
  if (relation !== null && keys.length === 0) noteWithoutKey(relation, around)
  const scope: RowScope = { entries: [], outer: around.outer }
  addSubqueries([node.returningClause], scope, around)
  if (node.onConflictClause !== undefined && relation !== null) conflict(node.onConflictClause, relation, around)
}

/** The rows to be stored are not read. */
function noteWithoutKey(relation: CatalogRelation, { analysis }: Around): void {
  const isKeyed = analysis.context.phi.patientKeys?.has(relation.oid) === true
  if (isKeyed) analysis.stored.push(undefined)
  else analysis.mention(relation, { isRead: false, isFiltered: true })
}

/** DO UPDATE changes a row that is there, whose patient the rows to be stored need not name. */
function conflict(clause: OnConflictClause, relation: CatalogRelation, around: Around): void {
  if (clause.action !== 'ONCONFLICT_UPDATE')
    return addSubqueries([clause.whereClause], { entries: [], outer: null }, around)
  const columns = around.analysis.mention(relation, { isRead: false, isFiltered: true })
  const rows: FromRows = { named: [{ name: relation.name, schema: relation.schema, columns }], columns }
  const excluded: FromRows = { named: [{ name: 'excluded', schema: null, columns: null }], columns: [] }
  const scope: RowScope = { entries: [rows, excluded], outer: around.outer }
  const seen = addConditions(clause.whereClause, scope, around)
  addSubqueries([clause.targetList, clause.whereClause], scope, around, seen)
  storeAssigned(clause.targetList, relation, around)
}

/** A row that is given to another patient. */
function storeAssigned(targets: readonly Node[] | undefined, relation: CatalogRelation | null, around: Around): void {
  if (relation === null) return
  const keys = keyColumns(relation, around)
  for (const node of targets ?? []) {
    const assigned = bodyOf(node, 'ResTarget')
    const key = keys.find(({ name }) => name === assigned?.name)
    if (key === undefined) continue
    const isWhole = (assigned?.indirection ?? []).length === 0
    around.analysis.stored.push(isWhole ? constantOf(assigned?.val, key, around) : undefined)
  }
}

interface KeyColumn {
  readonly name: string
  readonly typeOid: number
}

function keyColumns(relation: CatalogRelation, { analysis }: Around): readonly KeyColumn[] {
  const names = analysis.context.phi.patientKeys?.get(relation.oid)
  return relation.columns.filter(({ name }) => names?.has(name) === true)
}

function constantOf(node: Node | undefined, key: KeyColumn, { analysis }: Around): PatientConstant | undefined {
  return analysis.constants?.single(node, keyFormOf(key.typeOid)) ?? undefined
}

/** A cell of VALUES or of a target list; undefined where stars make positions uncertain. */
function cellOf(row: Node | readonly Node[] | undefined, at: number): Node | undefined {
  if (row === undefined || at < 0) return undefined
  const cells = isList(row) ? row.map((one) => bodyOf(one, 'ResTarget')?.val) : (bodyOf(row, 'List')?.items ?? [])
  const hasStar = cells.some((cell) => bodyOf(bodyOf(cell, 'ColumnRef')?.fields?.at(-1), 'A_Star') !== undefined)
  return hasStar ? undefined : cells[at]
}

const isList = (row: Node | readonly Node[]): row is readonly Node[] => Array.isArray(row)
