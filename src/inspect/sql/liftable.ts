import type { A_Expr, InsertStmt, Node, SelectStmt, UpdateStmt } from '@pgsql/types'
import { literalsOf, type LiteralKind, skeletonOf } from './skeleton.ts'
import { bodyOf, nameParts, unwrap, walkSyntax } from './syntax-tree.ts'

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '>', '<=', '>='])
const QUERIES: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/**
 * Ordinals of the literals whose value cannot change any fact: direct operands of a comparison with a plain column (but not in
 * a statement of `asking`, which compares PHI), OFFSET and the LIMIT of an inner query, constants that VALUES, INSERT or SET store as they are,
 * numbers that SET adds to a column, and those that are `resolved` when the statement runs. Everything else (casts, arguments, patterns, JSON keys, ordinals, output columns, utility
 * statements) is part of the cache key.
 */
export function liftableLiterals(
  sql: string,
  statements: readonly Node[],
  asking: ReadonlySet<Node>,
  resolved: ReadonlySet<number>,
): readonly number[] {
  const skeleton = skeletonOf(sql)
  if (skeleton === null || skeleton.spans.length === 0) return []
  const places = new Map<number, LiteralKind>()
  for (const statement of statements) {
    if (QUERIES.has(unwrap(statement).name)) collectPlaces(statement, !asking.has(statement), places)
  }
  const liftable: number[] = []
  let index = 0
  let byte = 0
  for (const [ordinal, literal] of literalsOf(sql, skeleton).entries()) {
    byte += Buffer.byteLength(sql.slice(index, literal.start))
    index = literal.start
    // The parser folds a sign into the constant and reports the place of the sign, which stays in the skeleton.
    const isSigned = sql.charAt(index - 1) === '-'
    if (
      resolved.has(ordinal) ||
      places.get(byte) === literal.kind ||
      (isSigned && literal.kind !== 'string' && places.get(byte - 1) === literal.kind)
    ) {
      liftable.push(ordinal)
    }
  }
  return liftable
}

/** Byte offsets and kinds of the constants in harmless positions. */
function collectPlaces(statement: Node, comparisons: boolean, places: Map<number, LiteralKind>): void {
  const outermost = new Set<object>([bodyOf(statement, 'SelectStmt') ?? {}])
  const add = (node: Node | undefined): void => {
    const constant = bodyOf(node, 'A_Const')
    if (constant?.location === undefined) return
    if (constant.sval !== undefined) places.set(constant.location, 'string')
    else if (constant.ival !== undefined) places.set(constant.location, 'integer')
    else if (constant.fval !== undefined)
      places.set(constant.location, isWhole(constant.fval.fval) ? 'bigint' : 'decimal')
  }
  walkSyntax(statement, (name, body) => {
    if (name === 'A_Expr') {
      if (!comparisons) return true
      for (const operand of comparedWithColumn(body)) add(operand)
    } else if (name === 'SelectStmt') {
      const select: SelectStmt = body
      // How much a statement reads is a fact: see `Reading.limit`.
      if (!outermost.has(body)) add(select.limitCount)
      add(select.limitOffset)
      for (const row of select.valuesLists ?? []) for (const item of bodyOf(row, 'List')?.items ?? []) add(item)
    } else if (name === 'UpdateStmt') {
      addAssigned((body as UpdateStmt).targetList, add)
    } else if (name === 'InsertStmt') {
      addAssigned((body as InsertStmt).onConflictClause?.targetList, add)
    }
    return true
  })
}

/** Integers beyond int4 come as the texts of decimals. */
function isWhole(spelling: string | undefined): boolean {
  return /^-?\d+$/.test(spelling ?? '')
}

function addAssigned(targets: readonly Node[] | undefined, add: (node: Node | undefined) => void): void {
  for (const target of targets ?? []) {
    const value = bodyOf(target, 'ResTarget')?.val
    add(value)
    add(addend(value))
  }
}

/** The number in `SET counter = counter + 5`. A string could be a key (`jsonb - 'key'`). */
function addend(node: Node | undefined): Node | undefined {
  const expression = bodyOf(node, 'A_Expr')
  const [operator, ...more] = nameParts(expression?.name)
  if (expression?.kind !== 'AEXPR_OP' || more.length > 0 || (operator !== '+' && operator !== '-')) return undefined
  const { lexpr, rexpr } = expression
  if (lexpr === undefined || rexpr === undefined || !isPlainColumn(lexpr)) return undefined
  return bodyOf(rexpr, 'A_Const')?.sval === undefined ? rexpr : undefined
}

function comparedWithColumn(expression: A_Expr): readonly Node[] {
  const parts = nameParts(expression.name)
  const operator = parts.length === 1 ? (parts[0] ?? '') : ''
  const { lexpr, rexpr } = expression
  if (lexpr === undefined || rexpr === undefined) return []
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- only these kinds compare with values
  switch (expression.kind) {
    case 'AEXPR_OP':
      if (!COMPARISONS.has(operator)) return []
      if (isPlainColumn(lexpr)) return [rexpr]
      return isPlainColumn(rexpr) ? [lexpr] : []
    case 'AEXPR_IN':
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
      return isPlainColumn(lexpr) ? (bodyOf(rexpr, 'List')?.items ?? []) : []
    default:
      return []
  }
}

function isPlainColumn(node: Node): boolean {
  const fields = bodyOf(node, 'ColumnRef')?.fields ?? []
  return fields.length > 0 && nameParts(fields).length === fields.length
}
