import type { A_Expr, Node, SubLink } from '@pgsql/types'
import { builtinName } from '../operands.ts'
import { bodyOf, nameParts, walkSyntax } from '../syntax-tree.ts'
import { type Around, subqueryRows } from './query-rows.ts'
import type { RowColumn } from './row-graph.ts'
import { findColumn, type FoundColumn, type RowScope } from './row-scope.ts'

/**
 * Which columns a condition says something of. Of an outer join it does so of those of the side that is left out where it does
 * not hold.
 */
export type Says = 'all' | ReadonlySet<RowColumn>

/** Sub-selects that have been looked at. */
export type Seen = ReadonlySet<object>

/** Notes what a condition that every row meets binds: ANDed comparisons for equality, and nothing else. */
export function addConditions(node: Node | undefined, scope: RowScope, around: Around, says: Says = 'all'): Seen {
  const seen = new Set<object>()
  const conditions = new Conditions(scope, around, says, seen)
  conditions.add(node)
  return seen
}

/** Looks at the sub-selects anywhere in expressions. */
export function addSubqueries(nodes: unknown, scope: RowScope, around: Around, seen?: Seen): void {
  walkSyntax(nodes, (name, body) => {
    if (name !== 'SubLink') return true
    const link: SubLink = body
    addSubqueries(link.testexpr, scope, around, seen)
    if (seen?.has(body) !== true)
      around.analysis.shown.inside(link, () => subqueryRows(link.subselect, { ...around, outer: scope }))
    return false
  })
}

class Conditions {
  readonly #scope: RowScope
  readonly #around: Around
  readonly #says: Says
  readonly #seen: Set<object>

  constructor(scope: RowScope, around: Around, says: Says, seen: Set<object>) {
    this.#scope = scope
    this.#around = around
    this.#says = says
    this.#seen = seen
  }

  add(node: Node | undefined): void {
    const bool = bodyOf(node, 'BoolExpr')
    if (bool?.boolop === 'AND_EXPR') for (const arg of bool.args ?? []) this.add(arg)
    const expression = bodyOf(node, 'A_Expr')
    if (expression !== undefined) this.#comparison(expression)
    const link = bodyOf(node, 'SubLink')
    if (link !== undefined) this.#membership(link)
  }

  #comparison({ kind, name, lexpr, rexpr }: A_Expr): void {
    if (builtinName(nameParts(name)) !== '=') return
    const left = findColumn(lexpr, this.#scope)
    const constants = this.#around.analysis.constants
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- others say nothing
    switch (kind) {
      case 'AEXPR_OP': {
        const right = findColumn(rexpr, this.#scope)
        if (left !== null && right !== null) return this.equate(left, right)
        this.#compare(left, rexpr)
        return this.#compare(right, lexpr)
      }
      case 'AEXPR_IN': {
        const items = bodyOf(rexpr, 'List')?.items ?? []
        if (left === null || !this.#isSaid(left) || !items.every((item) => this.#isConstant(item))) return
        return left.column.compare(constants?.list(items, left.column.form) ?? null)
      }
      case 'AEXPR_OP_ANY':
        if (left === null || !this.#isSaid(left) || !this.#isConstant(rexpr)) return
        return left.column.compare(constants?.array(rexpr, left.column.form) ?? null)
      default:
        return
    }
  }

  #compare(column: FoundColumn | null, value: Node | undefined): void {
    if (column === null || !this.#isSaid(column) || !this.#isConstant(value)) return
    const constant = this.#around.analysis.constants?.single(value, column.column.form) ?? null
    column.column.compare(constant === null ? null : [constant])
  }

  #isConstant(node: Node | undefined): boolean {
    return this.#around.analysis.isConstant(node)
  }

  /** `column IN (SELECT …)` */
  #membership(link: SubLink): void {
    const isEqual = link.operName === undefined || builtinName(nameParts(link.operName)) === '='
    const tested = findColumn(link.testexpr, this.#scope)
    if (link.subLinkType !== 'ANY_SUBLINK' || !isEqual || tested === null || !this.#isSaid(tested)) return
    this.#seen.add(link)
    const around = { ...this.#around, outer: this.#scope }
    const columns = around.analysis.shown.inside(link, () => subqueryRows(link.subselect, around))
    const found = columns?.length === 1 ? columns[0]?.column : null
    if (found === undefined || found === null) return
    found.bind(tested.column)
    tested.column.bind(found)
  }

  /** Rows of an inner level follow those of an outer one, and not the other way round: there may be outer rows without any. */
  equate(a: FoundColumn, b: FoundColumn): void {
    if (this.#isSaid(a)) b.column.bind(a.column)
    if (this.#isSaid(b)) a.column.bind(b.column)
  }

  #isSaid({ column, isOwn }: FoundColumn): boolean {
    return isOwn && (this.#says === 'all' || this.#says.has(column))
  }
}

/** JOIN … USING and NATURAL JOIN. */
export function equateColumns(left: RowColumn | null, right: RowColumn | null, says: Says): void {
  if (left === null || right === null) return
  if (says === 'all' || says.has(left)) right.bind(left)
  if (says === 'all' || says.has(right)) left.bind(right)
}
