import type { A_Const, InsertStmt, Node, SelectStmt, TypeCast, TypeName } from '@pgsql/types'
import { bodyOf, nameParts, walkSyntax } from '../../syntax-tree.ts'
import type { AnalysisContext } from '../context.ts'
import type { FlowState } from '../state.ts'
import type { WriteTarget } from '../statements/write-target.ts'
import type { Column, Shape, Value } from '../values/types.ts'
import { elementType } from '../values/value-types.ts'
import { constantIn } from './constant-operand.ts'
import { isKeptByCast } from './protected-column.ts'
import { asWritten, type Meeting } from './site-list.ts'
import { isTypedByNumber } from './stand-in-value.ts'

/** A column that keeps PHI, as something that values are stored in. */
export interface ProtectedTarget extends Omit<Meeting, 'constant' | 'elements'> {
  /** Whether the value of a stand-in may be stored there. */
  readonly takesStandIns: boolean
}

/** How the value of an expression is stored. */
export interface Assignment {
  /** Whether nothing is made of it before. */
  readonly isDirect: boolean
  /** Whether the columns that it reads hold what is stored, so that no constant of the statement is among it. */
  readonly isStored: boolean
  /** The column itself, as the expression can name it; null where it cannot. */
  readonly own: OwnColumn | null
}

interface OwnColumn {
  readonly table: string | null
  readonly name: string
}

/** Takes down the constants that an expression stores in a column. */
export function noteAssigned(
  node: Node | undefined,
  name: string,
  target: WriteTarget,
  how: Assignment,
  state: FlowState,
): void {
  if (state.sites === null || node === undefined) return
  const column = target.protectedColumn(name)
  if (column !== null) assigned(node, column, { ...how, isDirect: how.isDirect && column.takesStandIns }, state)
}

/** Whether columns are those of a table, or copies of such. The row that INSERT proposes (`excluded`) counts: it has been looked at. */
export function areStored(columns: Iterable<Column>): boolean {
  for (const { kin, value } of columns) if (kin.length > 0 && !isCopy(value)) return false
  return true
}

const isCopy = ({ exact, isSent, origin }: Value): boolean => exact !== null || origin !== null || isSent === true

function noteReceived(name: string, target: WriteTarget, state: FlowState): void {
  const column = target.protectedColumn(name)
  if (column !== null) state.sites?.receives({ column: column.column, class: column.class, elements: false })
}

/** The same for the rows that INSERT stores. */
export function noteInserted(
  source: Node | undefined,
  shape: Shape | null,
  columns: readonly InsertColumn[],
  target: WriteTarget,
  state: FlowState,
): void {
  if (state.sites === null || source === undefined || !('SelectStmt' in source)) return
  const values = shape?.open === null ? shape.columns.map(({ value }) => value) : []
  const stored = columns.map((column, i): StoredAs => {
    const value = values[i]
    return { ...column, isStored: value !== undefined && isCopy(value) }
  })
  inserted(source.SelectStmt, true, stored, target, state)
}

interface StoredAs extends InsertColumn, Pick<Assignment, 'isStored'> {}

/** What the branches of a set operation return, row by row. */
function rowsIn({ larg, rarg, targetList, valuesLists }: SelectStmt): readonly (readonly Node[])[] {
  const branches = [larg, rarg].flatMap((branch) => (branch === undefined ? [] : [branch]))
  if (branches.length > 0) return branches.flatMap(rowsIn)
  return (
    valuesLists?.map((row) => bodyOf(row, 'List')?.items ?? []) ?? [
      (targetList ?? []).map((node) => bodyOf(node, 'ResTarget')?.val ?? node),
    ]
  )
}

/** Columns that a set operation gives no other type than that of what is stored. */
function unionColumns(
  select: SelectStmt,
  columns: readonly StoredAs[],
  target: WriteTarget,
  { context }: FlowState,
): readonly StoredAs[] {
  const rows = rowsIn(select)
  return columns.map((one, i) => {
    const stored = target.protectedColumn(one.name)
    const cells = rows.map((row) => row[i])
    const isKept =
      stored !== null && keepsType(cells, (type) => isKeptByCast(stored.column, type, context), null, context)
    return { ...one, isPlain: one.isPlain && isKept }
  })
}

/** A column as INSERT names it; not plain when a part of it is meant. */
export interface InsertColumn {
  readonly name: string
  readonly isPlain: boolean
}

/** The columns that INSERT names, or else all. */
export function insertColumns({ cols }: Pick<InsertStmt, 'cols'>, target: WriteTarget): readonly InsertColumn[] {
  const named = (cols ?? []).flatMap((node) =>
    'ResTarget' in node
      ? [{ name: node.ResTarget.name ?? '', isPlain: (node.ResTarget.indirection ?? []).length === 0 }]
      : [],
  )
  return named.length > 0 ? named : target.columns.map((name) => ({ name, isPlain: true }))
}

/** Branches of UNION ALL are stored like the rows of one query. What is sorted or made distinct is used for that, too. */
function inserted(
  select: SelectStmt,
  isDirect: boolean,
  columns: readonly StoredAs[],
  target: WriteTarget,
  state: FlowState,
): void {
  const direct = isDirect && isPlain(select)
  const { larg, op, rarg } = select
  if (op !== undefined && op !== 'SETOP_NONE') {
    const isUnion = direct && op === 'SETOP_UNION' && select.all === true
    const alike = isUnion ? unionColumns(select, columns, target, state) : columns
    for (const branch of [larg, rarg]) if (branch !== undefined) inserted(branch, isUnion, alike, target, state)
    return
  }
  for (const row of rowsIn(select)) {
    // A star stands for columns that are not counted here.
    if (row.some(hasStar)) {
      for (const { name, isStored } of columns) if (!isStored) noteReceived(name, target, state)
      continue
    }
    row.forEach((node, i) => {
      const column = columns[i]
      if (column === undefined) return
      const how = { isDirect: direct && column.isPlain, isStored: column.isStored, own: null }
      noteAssigned(node, column.name, target, how, state)
    })
  }
}

function isPlain(select: SelectStmt): boolean {
  const { distinctClause = [], groupClause = [], sortClause = [] } = select
  return distinctClause.length + groupClause.length + sortClause.length === 0
}

/** Whether an expression stands for several columns, which are not counted. */
export function hasStar(node: Node | undefined): boolean {
  const steps = bodyOf(node, 'ColumnRef')?.fields ?? bodyOf(node, 'A_Indirection')?.indirection ?? []
  return steps.some((step) => 'A_Star' in step)
}

function assigned(node: Node, target: ProtectedTarget, how: Assignment, state: FlowState): void {
  const { column, class: phiClass } = target
  const { isDirect, isStored } = how
  const isKept = (type: TypeName | undefined): boolean => isKeptByCast(column, type, state.context)
  const constant = isDirect ? constantIn(node, isKept, state.context) : null
  const elementOid = elementType(column.typeOid)
  const elements = isDirect && elementOid !== null ? arrayElements(node, isKept) : null
  const choices = choicesOf(node)
  if (constant !== null) {
    state.sites?.assigns({ constant, column, class: phiClass, elements: false })
  } else if (elements !== null && elementOid !== null) {
    const element = { ...target, column: { ...column, typeOid: elementOid } }
    // A cast of the array is one of each element.
    if ('A_ArrayExpr' in node) assignedOne(elements, element, { ...how, own: null }, state)
    else for (const part of elements) assigned(part, element, { ...how, own: null }, state)
  } else if (choices !== null) {
    assignedOne(choices, target, how, state)
  } else {
    // The columns of a query inside are its own.
    const isSupplied = holds(node, 'SubLink') || (!isStored && holds(node, 'ColumnRef'))
    if (isSupplied) state.sites?.receives({ column, class: phiClass, elements: false })
    for (const part of partsOf(node)) {
      state.sites?.embeds({ constant: asWritten(part), column, class: phiClass, elements: false })
    }
  }
}

/** One of several, which the server gives one type (PostgreSQL documentation, 10.5). */
function assignedOne(parts: readonly Node[], target: ProtectedTarget, how: Assignment, state: FlowState): void {
  const isKept = (type: TypeName | undefined): boolean => isKeptByCast(target.column, type, state.context)
  const isDirect = how.isDirect && keepsType(parts, isKept, how.own, state.context)
  for (const part of parts) assigned(part, target, { ...how, isDirect }, state)
}

/** What COALESCE or CASE return; null for any other expression. */
function choicesOf(node: Node): readonly Node[] | null {
  if ('CoalesceExpr' in node) return node.CoalesceExpr.args ?? []
  if (!('CaseExpr' in node)) return null
  const { args = [], defresult } = node.CaseExpr
  const results = args.map((branch) => bodyOf(branch, 'CaseWhen')?.result)
  return [...results, defresult].flatMap((result) => result ?? [])
}

/** What it can be in the end: COALESCE and CASE stand in each other. */
function leavesOf(node: Node | undefined): readonly (Node | undefined)[] {
  const choices = node === undefined ? null : choicesOf(node)
  return choices === null ? [node] : choices.flatMap(leavesOf)
}

/** Whether none of several has a type that a constant among them would be cut off by, or fail at, before it is stored. */
function keepsType(
  nodes: readonly (Node | undefined)[],
  isKept: (type: TypeName | undefined) => boolean,
  own: OwnColumn | null,
  context: AnalysisContext,
): boolean {
  const leaves = nodes.flatMap(leavesOf)
  if (isTypedByNumber(leaves)) return false
  return leaves.every((leaf) => {
    if (leaf === undefined) return false
    return isOwnColumn(leaf, own) || constantIn(leaf, isKept, context) !== null || isNullOf(leaf, isKept)
  })
}

function isOwnColumn(node: Node, own: OwnColumn | null): boolean {
  const fields = bodyOf(node, 'ColumnRef')?.fields ?? []
  const names = nameParts(fields)
  if (own === null || names.length !== fields.length || names.at(-1) !== own.name) return false
  return names.length === 1 || (names.length === 2 && names[0] === own.table)
}

/** NULL, perhaps of a type that is kept. */
function isNullOf(node: Node, isKept: (type: TypeName | undefined) => boolean): boolean {
  const cast = bodyOf(node, 'TypeCast')
  if (cast === undefined) return bodyOf(node, 'A_Const')?.isnull === true
  return cast.arg !== undefined && isKept(cast.typeName) && isNullOf(cast.arg, isKept)
}

/** Of ARRAY[…], perhaps cast to a type that keeps them. */
function arrayElements(node: Node, isKept: (type: TypeName | undefined) => boolean): readonly Node[] | null {
  if ('A_ArrayExpr' in node) return node.A_ArrayExpr.elements ?? []
  const { arg, typeName } = 'TypeCast' in node ? node.TypeCast : {}
  return arg !== undefined && isKept(typeName) ? arrayElements(arg, isKept) : null
}

function holds(node: Node, kind: 'ColumnRef' | 'SubLink'): boolean {
  let found = false
  walkSyntax(node, (name) => {
    found ||= name === kind
    return !found
  })
  return found
}

/** Not NULL, truth values and bits. */
function isStorable({ fval, ival, sval }: A_Const): boolean {
  return fval !== undefined || ival !== undefined || sval !== undefined
}

/** The constants that a value may be made of: of a query inside those that it returns. */
function partsOf(node: Node): readonly Node[] {
  const found: Node[] = []
  walkSyntax(node, (name, body) => {
    if (name === 'SelectStmt') {
      const { larg, rarg, targetList, valuesLists }: SelectStmt = body
      for (const part of [...(targetList ?? []), ...(valuesLists ?? [])]) found.push(...partsOf(part))
      for (const branch of [larg, rarg]) if (branch !== undefined) found.push(...partsOf({ SelectStmt: branch }))
      return false
    }
    if (name === 'TypeCast') {
      // The length of a type is a constant, too.
      const { arg }: TypeCast = body
      if (arg !== undefined) found.push(...partsOf(arg))
      return false
    }
    if (name === 'A_Const' && isStorable(body)) found.push({ A_Const: body })
    else if (name === 'ParamRef') found.push({ ParamRef: body })
    return true
  })
  return found
}
