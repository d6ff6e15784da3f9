import type { JoinExpr } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { inputsOf, storedColumn, valueOf } from '../values/column.ts'
import { checkOperator } from '../expressions/expression.ts'
import { type FromContext, fromItem, item } from './from-item.ts'
import type { Place } from '../place.ts'
import { starShape } from './scope.ts'
import { either } from '../values/taint.ts'
import { type Column, type Item, newSink, type Shape, type Value } from '../values/types.ts'
import { detached, merged, worst } from '../values/value.ts'

/** A join: the names that stay visible for its sides, and its own columns, with those of USING merged and first. */
export function joinItem(join: JoinExpr, left: readonly Item[], context: FromContext): readonly Item[] {
  const leftItems = join.larg === undefined ? [] : fromItem(join.larg, left, context)
  const rightItems = join.rarg === undefined ? [] : fromItem(join.rarg, [...left, ...leftItems], context)
  const sides = [...leftItems, ...rightItems]
  const scope = { items: sides, parent: context.around.scope, depth: context.depth }
  // ON sees the two sides only, and enclosing queries.
  const place: Place = { ...context.around, scope, sink: newSink(), windows: new Map() }

  const leftShape = shapeOf(leftItems)
  const rightShape = shapeOf(rightItems)
  const common = mergedColumns(join, leftShape, rightShape, place, context)
  context.predicates.add(join.quals, place)

  const used = new Set(common.map(({ name }) => name))
  const rest = (shape: Shape): readonly Column[] => shape.columns.filter(({ name }) => !used.has(name))
  const columns = [...common, ...rest(leftShape), ...rest(rightShape)]
  const shape: Shape = { columns, open: openOf(leftShape, rightShape) }
  const multiplied = either(...sides.map((side) => side.multiplied))
  if (join.alias !== undefined) return [item(join.alias, shape, { multiplied })]
  const own = item(null, shape, { multiplied })
  const using = join.join_using_alias
  const named = using === undefined ? [] : [item(using, { columns: common, open: null }, { columnsVisible: false })]
  return [...sides.map((side) => ({ ...side, columnsVisible: false })), ...named, own]
}

function shapeOf(items: readonly Item[]): Shape {
  return starShape({ items, parent: null, depth: 0 })
}

function mergedColumns(
  join: JoinExpr,
  left: Shape,
  right: Shape,
  place: Place,
  { predicates }: FromContext,
): readonly Column[] {
  const names = join.isNatural === true ? commonNames(left, right) : nameParts(join.usingClause)
  if (join.isNatural === true && (left.open !== null || right.open !== null)) {
    // Which columns are compared is not known: all of them may be.
    const all = [...left.columns, ...right.columns, left.open, right.open].filter((column) => column !== null)
    predicates.compare(all, place)
  }
  if (names.length > 0) checkOperator(['='], place)
  return names.flatMap((name) => {
    const a = columnOf(name, left)
    const b = columnOf(name, right)
    if (a === null || b === null) return a ?? b ?? []
    for (const { value } of [a, b]) if (value.origin !== null) place.state.reads(value.origin)
    predicates.equate(a, b, place)
    return mergedColumn(name, a, b, join)
  })
}

/** The column of the side that is never NULL, or COALESCE of both (transformFromClauseItem in parse_clause.c). */
function mergedColumn(name: string, left: Column, right: Column, join: JoinExpr): Column {
  if (join.jointype === 'JOIN_FULL') {
    return { ...storedColumn(name, detached(merged([valueOf(left), valueOf(right)]))), sources: [left, right] }
  }
  const [side, other] = join.jointype === 'JOIN_RIGHT' ? [right, left] : [left, right]
  const value = inCommonType(side.value, other.value)
  return { ...side, name, value, sources: [side], inputs: inputsOf([side]) }
}

/**
 * The value of one side in the common type of both, which may have fewer letters or digits. Where the type or the length is
 * another one, the server does not name the origin.
 */
function inCommonType(value: Value, other: Value): Value {
  const unnamed = { ...value, reported: false }
  // Of others it is asked whether they may be compared.
  if (value.exact === null || other.exact === null || value.exact.typeOid === other.exact.typeOid) return unnamed
  return { ...worst([value]), origin: value.origin }
}

function columnOf(name: string, shape: Shape): Column | null {
  return shape.columns.find((column) => column.name === name) ?? shape.open
}

function commonNames(left: Shape, right: Shape): readonly string[] {
  const names = new Set(right.columns.map(({ name }) => name))
  return left.columns.map(({ name }) => name).filter((name) => names.has(name))
}

function openOf(left: Shape, right: Shape): Column | null {
  if (left.open === null || right.open === null) return left.open ?? right.open
  const value = worst([valueOf(left.open), valueOf(right.open)])
  return {
    ...storedColumn('*', { ...value, reported: left.open.value.reported && right.open.value.reported }),
    sources: [left.open, right.open],
  }
}
