import type { CommonTableExpr, DeleteStmt, MergeStmt, Node, SelectStmt, UpdateStmt, WithClause } from '@pgsql/types'
import type { Bounded } from './facts.ts'
import {
  type CteItem,
  type FromItem,
  type Level,
  type NameSource,
  opaqueItem,
  outputNames,
  relationItem,
  resolveColumn,
  targetNames,
} from './from-items.ts'
import { builtinName, columnOperand, isConstantSelect, isValue } from './operands.ts'
import { type Judge, restrictionOf } from './predicate.ts'
import { bodyOf, nameParts, unwrap, walkSyntax } from './syntax-tree.ts'

const NO_CTES: ReadonlyMap<string, CteItem> = new Map()
const ROW_SOURCES: ReadonlySet<string> = new Set(
  'unnest json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text string_to_table regexp_split_to_table json_to_recordset jsonb_to_recordset'.split(
    ' ',
  ),
)
const AGGREGATES: ReadonlySet<string> = new Set(['min', 'max', 'sum', 'count', 'avg'])

const JUDGE: Judge = { isSelective, restrictedByExists }

type Write =
  | { readonly kind: 'update'; readonly body: UpdateStmt }
  | { readonly kind: 'delete'; readonly body: DeleteStmt }
  | { readonly kind: 'merge'; readonly body: MergeStmt }

/**
 * Whether every UPDATE, DELETE and MERGE anywhere in the statement is limited by a predicate that really selects: one that
 * compares a column of the target, or of a relation tied to it, with something that does not depend on the row. What
 * cannot be judged is unbounded. The answer does not depend on the value of a literal that skeleton.ts may lift.
 */
export function boundedOf(statement: Node, names: NameSource): Bounded {
  let answer: Bounded = 'not-applicable'
  walkWrites(statement, NO_CTES, names, (one) => {
    if (one === 'unbounded' || answer === 'not-applicable') answer = one
  })
  return answer
}

/** Visits every write together with the common table expressions that it can see. */
function walkWrites(
  node: unknown,
  ctes: ReadonlyMap<string, CteItem>,
  names: NameSource,
  report: (one: Bounded) => void,
): void {
  walkSyntax(node, (name, body) => {
    const { withClause, ...rest } = body as { withClause?: WithClause }
    const visible = withCtes(withClause, ctes, names, (cte, earlier) => {
      walkWrites(cte.ctequery, earlier, names, report)
    })
    const write = asWrite(name, body)
    if (write !== null) report(boundedWrite(write, visible, names))
    if (withClause === undefined) return true
    walkWrites(rest, visible, names, report)
    return false
  })
}

function asWrite(name: string, body: object): Write | null {
  if (name === 'UpdateStmt') return { kind: 'update', body }
  if (name === 'DeleteStmt') return { kind: 'delete', body }
  return name === 'MergeStmt' ? { kind: 'merge', body } : null
}

/**
 * The common table expressions in sight after a WITH clause. Each sees only those before it; in WITH RECURSIVE that leaves
 * out some that PostgreSQL would see, which then count as unrestricted relations.
 */
function withCtes(
  clause: WithClause | undefined,
  outer: ReadonlyMap<string, CteItem>,
  names: NameSource,
  visit?: (cte: CommonTableExpr, earlier: ReadonlyMap<string, CteItem>) => void,
): ReadonlyMap<string, CteItem> {
  if (clause === undefined) return outer
  const ctes = new Map(outer)
  for (const node of clause.ctes ?? []) {
    const cte = bodyOf(node, 'CommonTableExpr')
    if (cte?.ctename === undefined) continue
    visit?.(cte, ctes)
    // Within itself the name is not this expression; in WITH RECURSIVE it is not an outer one either.
    ctes.set(cte.ctename, cteItem(cte, without(ctes, clause.recursive === true ? cte.ctename : null), names))
  }
  return ctes
}

function without(ctes: ReadonlyMap<string, CteItem>, name: string | null): ReadonlyMap<string, CteItem> {
  if (name === null || !ctes.has(name)) return ctes
  const rest = new Map(ctes)
  rest.delete(name)
  return rest
}

function cteItem(cte: CommonTableExpr, ctes: ReadonlyMap<string, CteItem>, names: NameSource): CteItem {
  const aliased = nameParts(cte.aliascolnames)
  const columns = (own: ReadonlySet<string> | null): ReadonlySet<string> | null =>
    aliased.length > 0 ? new Set(aliased) : own
  const select = bodyOf(cte.ctequery, 'SelectStmt')
  if (select !== undefined) {
    const level: Level = { items: [], outer: null, names, ctes }
    return { restricted: isSelective(select, level), columns: columns(outputNames(select)) }
  }
  if (cte.ctequery === undefined) return { restricted: false, columns: null }
  const { name, body } = unwrap(cte.ctequery)
  const write = asWrite(name, body)
  const returned = (body as UpdateStmt).returningClause?.exprs
  return {
    restricted:
      write !== null &&
      boundedWrite(write, withCtes((body as UpdateStmt).withClause, ctes, names), names) === 'bounded',
    columns: columns(targetNames(returned)),
  }
}

function boundedWrite(write: Write, ctes: ReadonlyMap<string, CteItem>, names: NameSource): Bounded {
  const relation = write.body.relation
  if (relation === undefined) return 'unbounded'
  const base: Level = { items: [], outer: null, names, ctes }
  // The target is never a common table expression, even if one has its name.
  const target = { ...relationItem(relation, { ctes: NO_CTES, names }), restricted: false }
  if (write.kind === 'merge') return boundedMerge(write.body, target, base)
  const { whereClause } = write.body
  if (whereClause === undefined) return 'unbounded'
  if (bodyOf(whereClause, 'CurrentOfExpr') !== undefined) return 'bounded'
  const from = write.kind === 'update' ? write.body.fromClause : write.body.usingClause
  const { items, quals } = fromItems(from ?? [], base)
  const level = { ...base, items: [target, ...items] }
  return restrictionOf([whereClause, ...quals], level, JUDGE).items.has(target) ? 'bounded' : 'unbounded'
}

function boundedMerge(merge: MergeStmt, target: FromItem, base: Level): Bounded {
  const { items, quals } = fromItems(merge.sourceRelation === undefined ? [] : [merge.sourceRelation], base)
  const level = { ...base, items: [target, ...items] }
  let answer: Bounded = 'not-applicable'
  for (const node of merge.mergeWhenClauses ?? []) {
    const clause = bodyOf(node, 'MergeWhenClause')
    if (clause?.commandType !== 'CMD_UPDATE' && clause?.commandType !== 'CMD_DELETE') continue
    const conditions = clause.condition === undefined ? [] : [clause.condition]
    // A row that the source does not match is selected by the condition alone.
    const join = clause.matchKind === 'MERGE_WHEN_MATCHED' ? merge.joinCondition : undefined
    const restricted =
      join !== undefined
        ? restrictionOf([join, ...quals, ...conditions], level, JUDGE)
        : restrictionOf(conditions, { ...base, items: [target] }, JUDGE)
    if (!restricted.items.has(target)) return 'unbounded'
    answer = 'bounded'
  }
  return answer
}

interface From {
  readonly items: FromItem[]
  /** Join conditions that every resulting row satisfies. */
  readonly quals: Node[]
}

function fromItems(nodes: readonly Node[], level: Level): From {
  const from: From = { items: [], quals: [] }
  for (const node of nodes) addFromItem(node, level, from)
  return from
}

function addFromItem(node: Node, level: Level, from: From): void {
  const relation = bodyOf(node, 'RangeVar')
  const sub = bodyOf(node, 'RangeSubselect')
  const call = bodyOf(node, 'RangeFunction')
  const join = bodyOf(node, 'JoinExpr')
  if (relation !== undefined) {
    from.items.push(relationItem(relation, level))
  } else if (sub !== undefined) {
    const select = bodyOf(sub.subquery, 'SelectStmt')
    const named = opaqueItem(sub.alias, select !== undefined && isSelective(select, level))
    from.items.push({ ...named, columns: named.columns ?? (select === undefined ? null : outputNames(select)) })
  } else if (call !== undefined) {
    from.items.push(opaqueItem(call.alias, isRowList(call.functions ?? [], level)))
  } else if (join !== undefined && join.alias === undefined && join.larg !== undefined && join.rarg !== undefined) {
    addFromItem(join.larg, level, from)
    addFromItem(join.rarg, level, from)
    if (join.jointype === 'JOIN_INNER' && join.quals !== undefined) from.quals.push(join.quals)
  } else {
    from.items.push(opaqueItem(join?.alias, false))
  }
}

/** Names of the FROM items that conditions of the query itself restrict. */
export function restrictedNames(select: SelectStmt, names: NameSource): ReadonlySet<string> {
  const { level, quals } = levelOf(select, { items: [], outer: null, names, ctes: NO_CTES })
  return new Set([...restrictionOf(quals, level, JUDGE).items].map(({ alias }) => alias))
}

/** A function that only spreads out its arguments, over values. */
function isRowList(functions: readonly Node[], level: Level): boolean {
  return (
    functions.length > 0 &&
    functions.every((entry) => {
      const node = bodyOf(entry, 'List')?.items?.[0]
      const name = builtinName(nameParts(bodyOf(node, 'FuncCall')?.funcname))
      return name !== undefined && ROW_SOURCES.has(name) && isValue(node, level)
    })
  )
}

/** The query's own level, inside `outer`. */
function levelOf(select: SelectStmt, outer: Level): { level: Level; quals: readonly Node[] } {
  const ctes = withCtes(select.withClause, outer.ctes, outer.names)
  const around = { ...outer, ctes }
  const { items, quals } = fromItems(select.fromClause ?? [], around)
  const where = select.whereClause === undefined ? [] : [select.whereClause]
  return {
    level: { items, outer: outer.items.length > 0 ? outer : outer.outer, names: outer.names, ctes },
    quals: [...where, ...quals],
  }
}

/** Whether a sub-select yields a restricted set of values that does not follow the outer row. */
function isSelective(select: SelectStmt, outer: Level): boolean {
  if (select.valuesLists !== undefined) return select.valuesLists.every((row) => isValue(row, outer))
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return isSelectiveSet(select, outer)
  if (select.fromClause === undefined) return isConstantSelect(select, outer)
  const { level, quals } = levelOf(select, outer)
  const targets = (select.targetList ?? []).map((target) => bodyOf(target, 'ResTarget')?.val)
  const { items } = restrictionOf(quals, level, JUDGE)
  if (targets.length > 0 && targets.every((target) => isRestrictedTarget(target, level, items))) return true
  if (!isUncorrelated(select, level)) return false
  const isSingle = select.groupClause === undefined && targets.length > 0 && targets.every(isAggregate)
  return isSingle || hasLimit(select) || (level.items.length > 0 && level.items.every((item) => items.has(item)))
}

function isSelectiveSet(select: SelectStmt, outer: Level): boolean {
  const ctes = withCtes(select.withClause, outer.ctes, outer.names)
  const around = { ...outer, ctes }
  const left = select.larg !== undefined && isSelective(select.larg, around)
  if (select.op === 'SETOP_EXCEPT') return left
  const right = select.rarg !== undefined && isSelective(select.rarg, around)
  return select.op === 'SETOP_INTERSECT' ? left || right : left && right
}

function isRestrictedTarget(target: Node | undefined, level: Level, restricted: ReadonlySet<FromItem>): boolean {
  if (isValue(target, level)) return true
  const operand = columnOperand(target, level)
  return operand !== null && operand.depth === 0 && restricted.has(operand.item)
}

function isAggregate(node: Node | undefined): boolean {
  const call = bodyOf(node, 'FuncCall')
  return call !== undefined && call.over === undefined && AGGREGATES.has(builtinName(nameParts(call.funcname)) ?? '')
}

/** Whether the query has a LIMIT that is a number or parameter (LIMIT ALL and LIMIT NULL are none). */
export function hasLimit(select: SelectStmt): boolean {
  const limit = select.limitCount
  if (limit === undefined) return false
  const constant = bodyOf(limit, 'A_Const')
  return constant === undefined ? bodyOf(limit, 'ParamRef') !== undefined : constant.isnull !== true
}

/** Whether every column that the query mentions, however deep, is certainly one of its own FROM list. */
function isUncorrelated(select: SelectStmt, level: Level): boolean {
  let certain = true
  walkSyntax({ SelectStmt: select }, (name, body) => {
    if (name !== 'ColumnRef' || isStar(body)) return certain
    const resolved = resolveColumn(body, level)
    if (resolved === null || (resolved !== 'variable' && resolved.depth > 0)) certain = false
    return certain
  })
  return certain
}

function isStar(body: object): boolean {
  const fields = (body as { fields?: Node[] }).fields ?? []
  return fields.length === 1 && bodyOf(fields[0], 'A_Star') !== undefined
}

/** An EXISTS restricts the outer rows that its own predicates tie to something restricted. */
function restrictedByExists(select: SelectStmt, outer: Level): ReadonlySet<FromItem> {
  const none = new Set<FromItem>()
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return none
  if (select.havingClause !== undefined || select.valuesLists !== undefined) return none
  // An aggregate without GROUP BY always yields a row.
  let calls = false
  walkSyntax(select.targetList, (name) => {
    calls ||= name === 'FuncCall'
    return true
  })
  if (calls) return none
  const { level, quals } = levelOf(select, outer)
  const inner = new Set(level.items)
  for (const item of restrictionOf(quals, level, JUDGE).items) if (!inner.has(item)) none.add(item)
  return none
}
