import type { Node } from '@pgsql/types'
import { builtInOperator } from '../known/built-in.ts'
import { isTainted, mark, markBeside, marksOf, valueOf } from '../values/column.ts'
import type { AnalysisContext } from '../context.ts'
import { expression } from '../expressions/expression.ts'
import { apart, type Place } from '../place.ts'
import { ask } from './questions.ts'
import { areLinked } from './released-form.ts'
import { coversClasses, either, type Taint } from '../values/taint.ts'
import { type Column, noteSink, type Sink, type Value } from '../values/types.ts'
import { taintIn, worst } from '../values/value.ts'
import { wantCompared } from '../sites/stand-in-value.ts'

/** One condition of a conjunction, with the columns in it. */
interface Condition {
  readonly columns: readonly Column[]
  /** The PHI in it, as far as it does not follow from other conditions. */
  readonly taint: Taint | null
}

/**
 * The conditions that decide about the rows of one query: WHERE, ON, USING, HAVING, and keys (see `row-keys.ts`).
 *
 * A condition over PHI is a question, which policy may allow (one in released form is as if it were free of PHI, see
 * `released-form.ts`). It ties the other columns in it to PHI: with `substr(ssn, 1, 1) = d.digit` the column
 * `digit` says what the first digit of the number is. So these columns are marked, and so on from condition to condition.
 * Conditions joined by AND are looked at one by one; anything else (OR, CASE) as a whole.
 */
export class Predicates {
  /** PHI that a column computed for the query (a number of generate_series, a row of VALUES) is tied to. */
  tiesComputed: Taint | null = null
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
    const { value, columns, control } = this.#evaluate(node, place)
    ask('condition', value, false, place)
    this.tie(columns, either(taintIn(value), control))
  }

  /** A key of ORDER BY or GROUP BY. `isReleased` asks, and says whether the answer tells no more than the masked values. */
  addKey(node: Node, place: Place, isReleased: (value: Value) => boolean): void {
    const { value, columns, control } = this.#evaluate(node, place)
    if (!isReleased(value)) this.tie(columns, either(taintIn(value), control))
  }

  /** Columns of which some have to be equal to others, in pairs that are not known (NATURAL). */
  compare(columns: readonly Column[], place: Place): void {
    const about = worst(columns.map(valueOf))
    ask('condition', about, false, place)
    this.tie(columns, taintIn(about))
  }

  /** Two columns that have to be equal (USING). */
  equate(left: Column, right: Column, place: Place): void {
    const [a, b] = [valueOf(left), valueOf(right)]
    const about = worst([a, b])
    const released = areEqual(a, b, place.state.context)
    if (about.tainted && !released) wantCompared(a, b, false, place.state)
    ask('condition', about, released, place)
    if (!released) this.tie([left, right], taintIn(about))
  }

  /** Ties columns together: to this PHI, and to any that one of them is tied to elsewhere. */
  tie(columns: readonly Column[], taint: Taint | null): void {
    this.#conditions.push({ columns, taint })
  }

  /** Marks the columns. To be called when all conditions are known; may be called again. */
  settle(): void {
    for (let changed = true; changed; ) {
      changed = false
      const pending: Condition[] = []
      for (const condition of this.#conditions) {
        const taint = either(condition.taint, ...condition.columns.map(marksOf))
        if (taint !== null) {
          this.#mark(condition.columns, taint)
          this.#sink.control = either(this.#sink.control, taint)
          changed = true
        } else if (condition.columns.length > 0) {
          pending.push(condition)
        }
      }
      this.#conditions = pending
    }
  }

  #evaluate(node: Node, place: Place): { value: Value; columns: readonly Column[]; control: Taint | null } {
    const inner = apart(place)
    const value = expression(node, inner)
    noteSink(this.#sink, inner.sink)
    // The conditions inside a subquery have marked what they had to; only in a larger one does its answer matter here.
    return { value, columns: [...inner.sink.columns.keys()], control: isSubLink(node) ? null : inner.sink.control }
  }

  #mark(columns: readonly Column[], taint: Taint): void {
    for (const column of columns) {
      if (isTainted(column)) {
        markBeside(column, taint)
        // Who may see the one class must not read the other from it, nor may a part that was free of PHI tell it.
        const value = valueOf(column)
        if (value.exact === null || !coversClasses(value, taint)) mark(column, taint)
      } else {
        if (column.value.origin === null && column.kin.length > 0) this.tiesComputed = either(this.tiesComputed, taint)
        mark(column, taint)
      }
    }
  }
}

function areEqual(a: Value, b: Value, context: AnalysisContext): boolean {
  if (builtInOperator(['='], context) === null) return false
  return a.tainted && b.tainted && areLinked(a, b)
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
