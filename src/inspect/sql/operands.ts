import type { ColumnRef, FuncCall, Node, SelectStmt } from '@pgsql/types'
import { type FromItem, type Level, resolveColumn } from './from-items.ts'
import { bodyOf, nameParts, unwrap } from './syntax-tree.ts'

/** A column, or an expression over one column that still tells rows apart. */
export interface ColumnOperand {
  readonly item: FromItem
  readonly depth: number
  /** Name of the column, to recognise two branches of an OR that complement each other. */
  readonly column: string
}

/** Functions of one column and constants that keep rows apart well enough for a comparison to be a real one. */
const COLUMN_FUNCTIONS: ReadonlySet<string> = new Set(
  'lower upper trim btrim ltrim rtrim date date_trunc date_part extract timezone md5 to_date to_timestamp age unaccent'.split(
    ' ',
  ),
)
const COLUMN_OPERATORS: ReadonlySet<string> = new Set(['+', '-', '->', '->>', '#>', '#>>', '||'])

/** Name of an operator when it is the built-in one, else undefined. */
export function builtinName(parts: readonly string[]): string | undefined {
  if (parts.length === 1) return parts[0]
  return parts.length === 2 && parts[0] === 'pg_catalog' ? parts[1] : undefined
}

/** Whether a sub-select is a restricted set of values; supplied by the caller, because the two judge each other. */
export type IsSelective = (select: SelectStmt, level: Level) => boolean

/** The one column that an operand is about, or null. */
export function columnOperand(node: Node | undefined, level: Level): ColumnOperand | null {
  if (node === undefined) return null
  const { name } = unwrap(node)
  switch (name) {
    case 'ColumnRef':
      return referencedColumn(bodyOf(node, 'ColumnRef') ?? {}, level)
    case 'TypeCast':
      return columnOperand(bodyOf(node, 'TypeCast')?.arg, level)
    case 'CollateClause':
      return columnOperand(bodyOf(node, 'CollateClause')?.arg, level)
    case 'A_Indirection':
      return columnOperand(bodyOf(node, 'A_Indirection')?.arg, level)
    case 'FuncCall': {
      const call: FuncCall = bodyOf(node, 'FuncCall') ?? {}
      const called = builtinName(nameParts(call.funcname))
      return called !== undefined && COLUMN_FUNCTIONS.has(called) ? onlyColumn(call.args ?? [], level) : null
    }
    case 'CoalesceExpr':
      return onlyColumn(bodyOf(node, 'CoalesceExpr')?.args ?? [], level)
    case 'RowExpr':
      return firstColumn(bodyOf(node, 'RowExpr')?.args ?? [], level)
    case 'A_Expr':
      return columnOfOperator(node, level)
    default:
      return null
  }
}

function referencedColumn(reference: ColumnRef, level: Level): ColumnOperand | null {
  const resolved = resolveColumn(reference, level)
  return resolved === null || resolved === 'variable' ? null : resolved
}

function columnOfOperator(node: Node, level: Level): ColumnOperand | null {
  const expression = bodyOf(node, 'A_Expr')
  const operator = builtinName(nameParts(expression?.name))
  if (expression?.kind !== 'AEXPR_OP' || operator === undefined || !COLUMN_OPERATORS.has(operator)) return null
  if (expression.lexpr === undefined || expression.rexpr === undefined) return null
  const only = onlyColumn([expression.lexpr, expression.rexpr], level)
  if (only !== null || operator !== '-') return only
  // A span between two columns of a row, such as discharged - admitted.
  const left = columnOperand(expression.lexpr, level)
  const right = columnOperand(expression.rexpr, level)
  return left !== null && right !== null && left.item === right.item && left.column !== right.column ? left : null
}

/** The column among arguments of which exactly one is a column and the others are plain values. */
function onlyColumn(nodes: readonly Node[], level: Level): ColumnOperand | null {
  let found: ColumnOperand | null = null
  for (const node of nodes) {
    if (isValue(node, level)) continue
    const operand: ColumnOperand | null = found === null ? columnOperand(node, level) : null
    if (operand === null) return null
    found = operand
  }
  return found
}

function firstColumn(nodes: readonly Node[], level: Level): ColumnOperand | null {
  for (const node of nodes) {
    const operand = columnOperand(node, level)
    if (operand !== null) return operand
  }
  return null
}

/**
 * Whether an expression has the same value for every row: constants, parameters, calls on them, variables, and, when
 * `isSelective` is given, sub-selects that it accepts.
 */
export function isValue(node: Node | undefined, level: Level, isSelective?: IsSelective): boolean {
  if (node === undefined) return false
  const all = (nodes: readonly Node[] | undefined): boolean =>
    (nodes ?? []).every((item) => isValue(item, level, isSelective))
  const { name } = unwrap(node)
  switch (name) {
    case 'A_Const':
    case 'ParamRef':
    case 'SQLValueFunction':
      return true
    case 'ColumnRef':
      return resolveColumn(bodyOf(node, 'ColumnRef') ?? {}, level) === 'variable'
    case 'TypeCast':
      return isValue(bodyOf(node, 'TypeCast')?.arg, level, isSelective)
    case 'CollateClause':
      return isValue(bodyOf(node, 'CollateClause')?.arg, level, isSelective)
    case 'FuncCall': {
      const call: FuncCall = bodyOf(node, 'FuncCall') ?? {}
      return call.agg_star !== true && call.over === undefined && call.agg_filter === undefined && all(call.args)
    }
    case 'A_Expr': {
      const expression = bodyOf(node, 'A_Expr')
      if (expression?.kind !== 'AEXPR_OP') return false
      return (
        (expression.lexpr === undefined || isValue(expression.lexpr, level, isSelective)) &&
        isValue(expression.rexpr, level, isSelective)
      )
    }
    case 'A_ArrayExpr':
      return all(bodyOf(node, 'A_ArrayExpr')?.elements)
    case 'RowExpr':
      return all(bodyOf(node, 'RowExpr')?.args)
    case 'List':
      return all(bodyOf(node, 'List')?.items)
    case 'CoalesceExpr':
      return all(bodyOf(node, 'CoalesceExpr')?.args)
    case 'MinMaxExpr':
      return all(bodyOf(node, 'MinMaxExpr')?.args)
    case 'SubLink': {
      const link = bodyOf(node, 'SubLink')
      const select = bodyOf(link?.subselect, 'SelectStmt')
      if (select === undefined) return false
      if (link?.subLinkType !== 'EXPR_SUBLINK' && link?.subLinkType !== 'ARRAY_SUBLINK') return false
      if (isSelective !== undefined) return isSelective(select, level)
      return isConstantSelect(select, level)
    }
    default:
      return false
  }
}

/** A SELECT of plain values without FROM. */
export function isConstantSelect(select: SelectStmt, level: Level): boolean {
  return (
    (select.op === undefined || select.op === 'SETOP_NONE') &&
    select.fromClause === undefined &&
    select.withClause === undefined &&
    (select.targetList ?? []).length > 0 &&
    (select.targetList ?? []).every((target) => isValue(bodyOf(target, 'ResTarget')?.val, level))
  )
}
