import type { Node } from '@pgsql/types'
import { isTainted, mark, markBeside } from './column.ts'
import { expression } from './expression.ts'
import { apart, type Place } from './place.ts'
import { type Column, noteSink, type Sink } from './types.ts'

/** One condition of a conjunction, with the columns in it. */
interface Condition {
  readonly columns: readonly Column[]
  readonly tainted: boolean
}

/**
 * The conditions that decide about the rows of one query: WHERE, ON, USING, HAVING, and keys (see `row-keys.ts`).
 *
 * A condition over PHI is allowed. But it ties the other columns in it to PHI: with `substr(ssn, 1, 1) = d.digit` the column
 * `digit` says what the first digit of the number is. So these columns are marked, and so on from condition to condition.
 * Conditions joined by AND are looked at one by one; anything else (OR, CASE) as a whole.
 */
export class Predicates {
  /** Whether a column that is computed for the query (a number of generate_series, a row of VALUES) is tied to PHI. */
  tiesComputed = false
  #conditions: Condition[] = []
  /** What all conditions did, for the query around. */
  readonly #sink: Sink

  constructor(sink: Sink) {
    this.#sink = sink
  }

  add(node: Node | undefined, place: Place): void {
    if (node === undefined) return
    if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR') {
      for (const part of node.BoolExpr.args ?? []) this.add(part, place)
      return
    }
    const inner = apart(place)
    const value = expression(node, inner)
    noteSink(this.#sink, inner.sink)
    // The conditions inside a subquery have marked what they had to; only in a larger one does its answer matter here.
    const asks = isSubLink(node) ? false : inner.sink.control
    this.tie([...inner.sink.columns.keys()], value.tainted || asks)
  }

  /** Conditions on columns that are not written as an expression (USING). */
  tie(columns: readonly Column[], tainted: boolean): void {
    this.#conditions.push({ columns, tainted })
  }

  /** Marks the columns. To be called when all conditions are known; may be called again. */
  settle(): void {
    for (let changed = true; changed; ) {
      changed = false
      const pending: Condition[] = []
      for (const condition of this.#conditions) {
        if (condition.tainted || condition.columns.some(isTainted)) {
          this.#mark(condition.columns)
          this.#sink.control = true
          changed = true
        } else if (condition.columns.length > 0) {
          pending.push(condition)
        }
      }
      this.#conditions = pending
    }
  }

  #mark(columns: readonly Column[]): void {
    for (const column of columns) {
      if (isTainted(column)) {
        markBeside(column)
      } else {
        this.tiesComputed ||= column.value.origin === null && column.kin.length > 0
        mark(column)
      }
    }
  }
}

/** `EXISTS (…)`, `x IN (SELECT …)`, `x = (SELECT …)`, negated or not. */
function isSubLink(node: Node | undefined): boolean {
  if (node === undefined) return false
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'NOT_EXPR') return (node.BoolExpr.args ?? []).every(isSubLink)
  if ('A_Expr' in node) return isQuery(node.A_Expr.lexpr) || isQuery(node.A_Expr.rexpr)
  return isQuery(node)
}

function isQuery(node: Node | undefined): boolean {
  return node !== undefined && 'SubLink' in node
}
