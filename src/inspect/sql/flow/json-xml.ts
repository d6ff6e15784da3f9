import type {
  JsonAggConstructor,
  JsonArrayAgg,
  JsonBehavior,
  JsonFuncExpr,
  JsonObjectAgg,
  JsonOutput,
  JsonValueExpr,
  Node,
} from '@pgsql/types'
import { worst } from './column.ts'
import { checkType, combined, expression } from './expression.ts'
import type { Place } from './place.ts'
import { CLEAN, TAINTED, type Value } from './types.ts'

/**
 * The constructors and query functions of SQL/JSON and SQL/XML (PostgreSQL documentation, 9.15 and 9.16). All of them compute
 * from what is written in them. Null for any other node.
 */
export function jsonOrXml(node: Node, place: Place): Value | null {
  if ('JsonObjectConstructor' in node) {
    checkOutput(node.JsonObjectConstructor.output, place)
    return combined(node.JsonObjectConstructor.exprs, place)
  }
  if ('JsonArrayConstructor' in node) {
    checkOutput(node.JsonArrayConstructor.output, place)
    return combined(node.JsonArrayConstructor.exprs, place)
  }
  if ('JsonArrayQueryConstructor' in node) {
    checkOutput(node.JsonArrayQueryConstructor.output, place)
    const subselect = node.JsonArrayQueryConstructor.query
    if (subselect === undefined) return CLEAN
    return expression({ SubLink: { subLinkType: 'ARRAY_SUBLINK', subselect } }, place)
  }
  if ('JsonObjectAgg' in node) {
    const { arg } = node.JsonObjectAgg
    const pair = worst([expression(arg?.key, place), jsonValue(arg?.value, place)])
    return aggregated(pair, own(node.JsonObjectAgg), place)
  }
  if ('JsonArrayAgg' in node) return aggregated(jsonValue(node.JsonArrayAgg.arg, place), own(node.JsonArrayAgg), place)
  if ('JsonKeyValue' in node) {
    return worst([expression(node.JsonKeyValue.key, place), jsonValue(node.JsonKeyValue.value, place)])
  }
  if ('JsonValueExpr' in node) return jsonValue(node.JsonValueExpr, place)
  if ('JsonArgument' in node) return jsonValue(node.JsonArgument.val, place)
  if ('JsonParseExpr' in node) return typed(node.JsonParseExpr.output, jsonValue(node.JsonParseExpr.expr, place), place)
  if ('JsonScalarExpr' in node)
    return typed(node.JsonScalarExpr.output, expression(node.JsonScalarExpr.expr, place), place)
  if ('JsonSerializeExpr' in node) {
    return typed(node.JsonSerializeExpr.output, jsonValue(node.JsonSerializeExpr.expr, place), place)
  }
  if ('JsonIsPredicate' in node) return expression(node.JsonIsPredicate.expr, place)
  if ('JsonFuncExpr' in node) return jsonFunction(node.JsonFuncExpr, place)
  if ('XmlExpr' in node) return combined([...(node.XmlExpr.named_args ?? []), ...(node.XmlExpr.args ?? [])], place)
  if ('XmlSerialize' in node) {
    checkType(node.XmlSerialize.typeName, place)
    return expression(node.XmlSerialize.expr, place)
  }
  return null
}

export function jsonValue(value: JsonValueExpr | undefined, place: Place): Value {
  return expression(value?.raw_expr, place)
}

export function jsonBehaviour(behaviour: JsonBehavior | undefined, place: Place): Value {
  return expression(behaviour?.expr, place)
}

function jsonFunction(node: JsonFuncExpr, place: Place): Value {
  checkOutput(node.output, place)
  return worst([
    jsonValue(node.context_item, place),
    combined([node.pathspec, ...(node.passing ?? [])], place),
    jsonBehaviour(node.on_empty, place),
    jsonBehaviour(node.on_error, place),
  ])
}

/** The field is called `constructor`, which every object has from its prototype. */
function own(node: JsonObjectAgg | JsonArrayAgg): JsonAggConstructor {
  const field = Object.getOwnPropertyDescriptor(node, 'constructor')
  return field === undefined ? {} : (node.constructor ?? {})
}

function aggregated(value: Value, aggregate: JsonAggConstructor, place: Place): Value {
  checkOutput(aggregate.output, place)
  const { over } = aggregate
  const window = [...(over?.partitionClause ?? []), ...(over?.orderClause ?? []), over?.startOffset, over?.endOffset]
  const named = over?.name === undefined && over?.refname === undefined ? CLEAN : TAINTED
  const around = combined([...(aggregate.agg_order ?? []), aggregate.agg_filter, ...window], place)
  const rows = place.scope.items.some((item) => item.multiplied) ? TAINTED : CLEAN
  return worst([value, around, named, rows])
}

function typed(output: JsonOutput | undefined, value: Value, place: Place): Value {
  checkOutput(output, place)
  return value
}

function checkOutput(output: JsonOutput | undefined, place: Place): void {
  if (output?.typeName !== undefined) checkType(output.typeName, place)
}
