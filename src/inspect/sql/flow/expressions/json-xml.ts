import type {
  JsonAggConstructor,
  JsonArrayAgg,
  JsonBehavior,
  JsonFuncExpr,
  JsonKeyValue,
  JsonObjectAgg,
  JsonOutput,
  JsonValueExpr,
  Node,
} from '@pgsql/types'
import { aroundOf, aroundValue } from '../questions/call-questions.ts'
import { checkType, combined, expression } from './expression.ts'
import { builtObject, type Pair } from './json-object.ts'
import { jsonQuery, makesJson } from './json-query.ts'
import { asJson } from '../values/parts.ts'
import type { Place } from '../place.ts'
import { ask } from '../questions/questions.ts'
import { noteConstructor } from '../questions/row-order.ts'
import { arrayOf } from './shape-functions.ts'
import { fieldsOf } from '../values/shape.ts'
import { either } from '../values/taint.ts'
import { CLEAN, type Value } from '../values/types.ts'
import { merged, shaped, taintedBy, worst } from '../values/value.ts'

/**
 * The constructors and query functions of SQL/JSON and SQL/XML (PostgreSQL documentation, 9.15 and 9.16). All of them compute
 * from what is written in them. Null for any other node.
 */
export function jsonOrXml(node: Node, place: Place): Value | null {
  if ('JsonObjectConstructor' in node) {
    const { exprs, output, unique } = node.JsonObjectConstructor
    const pairs = (exprs ?? []).flatMap((entry) =>
      'JsonKeyValue' in entry ? [pairOf(entry.JsonKeyValue, unique === true, place)] : [],
    )
    return constructed(output, builtObject(pairs), place)
  }
  if ('JsonArrayConstructor' in node) {
    const { absent_on_null: closesUp, exprs, output } = node.JsonArrayConstructor
    const values = (exprs ?? []).map((entry) => asJson(expression(entry, place)))
    // Without its NULLs an array has other places.
    const array =
      closesUp === true ? arrayOf(merged(values)) : shaped(fieldsOf(values.map(({ shape }) => shape)), values)
    return constructed(output, array, place)
  }
  if ('JsonArrayQueryConstructor' in node) {
    const subselect = node.JsonArrayQueryConstructor.query
    if (subselect === undefined) return CLEAN
    const array = expression({ SubLink: { subLinkType: 'ARRAY_SUBLINK', subselect } }, place)
    return constructed(node.JsonArrayQueryConstructor.output, asJson(array), place)
  }
  if ('JsonObjectAgg' in node) {
    const { arg, unique } = node.JsonObjectAgg
    noteConstructor([arg?.key, arg?.value?.raw_expr], own(node.JsonObjectAgg), place)
    const pair = pairOf(arg ?? {}, unique === true, place)
    return aggregated(builtObject([{ ...pair, key: { ...pair.key, node: undefined } }]), own(node.JsonObjectAgg), place)
  }
  if ('JsonArrayAgg' in node) {
    noteConstructor([node.JsonArrayAgg.arg?.raw_expr], own(node.JsonArrayAgg), place)
    return aggregated(arrayOf(asJson(jsonValue(node.JsonArrayAgg.arg, place))), own(node.JsonArrayAgg), place)
  }
  if ('JsonValueExpr' in node) return jsonValue(node.JsonValueExpr, place)
  if ('JsonArgument' in node) return jsonValue(node.JsonArgument.val, place)
  if ('JsonParseExpr' in node) {
    const value = jsonValue(node.JsonParseExpr.expr, place)
    ask('computation', value, false, place)
    return constructed(node.JsonParseExpr.output, worst([value]), place)
  }
  if ('JsonScalarExpr' in node) {
    return constructed(node.JsonScalarExpr.output, asJson(expression(node.JsonScalarExpr.expr, place)), place)
  }
  if ('JsonSerializeExpr' in node) {
    checkOutput(node.JsonSerializeExpr.output, place)
    return worst([jsonValue(node.JsonSerializeExpr.expr, place)])
  }
  if ('JsonIsPredicate' in node) return worst([expression(node.JsonIsPredicate.expr, place)])
  if ('JsonFuncExpr' in node) return jsonFunction(node.JsonFuncExpr, place)
  if ('XmlExpr' in node) {
    const value = combined([...(node.XmlExpr.named_args ?? []), ...(node.XmlExpr.args ?? [])], place)
    // Not every text is XML, nor may be in a processing instruction.
    if (node.XmlExpr.op === 'IS_XMLPARSE' || node.XmlExpr.op === 'IS_XMLPI') ask('computation', value, false, place)
    return value
  }
  if ('XmlSerialize' in node) {
    checkType(node.XmlSerialize.typeName, place)
    return worst([expression(node.XmlSerialize.expr, place)])
  }
  return null
}

export function jsonValue(value: JsonValueExpr | undefined, place: Place): Value {
  const inner = expression(value?.raw_expr, place)
  // Text that is taken for JSON.
  return value?.format?.format_type === 'JS_FORMAT_JSON' ? worst([inner]) : inner
}

function pairOf({ key, value }: JsonKeyValue, unique: boolean, place: Place): Pair {
  const name = expression(key, place)
  // Two equal keys are an error.
  if (unique) ask('computation', name, false, place)
  return { key: { node: key, value: name }, value: jsonValue(value, place) }
}

export function jsonBehaviour(behaviour: JsonBehavior | undefined, place: Place): Value {
  return expression(behaviour?.expr, place)
}

function jsonFunction(node: JsonFuncExpr, place: Place): Value {
  checkOutput(node.output, place)
  const document = jsonValue(node.context_item, place)
  const others = worst([
    combined([node.pathspec, ...(node.passing ?? [])], place),
    jsonBehaviour(node.on_empty, place),
    jsonBehaviour(node.on_error, place),
  ])
  return jsonQuery(node, document, others, place)
}

/** The field is called `constructor`, which every object has from its prototype. */
function own(node: JsonObjectAgg | JsonArrayAgg): JsonAggConstructor {
  const field = Object.getOwnPropertyDescriptor(node, 'constructor')
  return field === undefined ? {} : (node.constructor ?? {})
}

function aggregated(value: Value, aggregate: JsonAggConstructor, place: Place): Value {
  const { output, ...rest } = aggregate
  const around = aroundValue(aroundOf(rest, place), place)
  const counted = either(...place.scope.items.map((item) => item.multiplied))
  const other = worst([around, counted === null ? CLEAN : taintedBy(counted)])
  return other.tainted ? worst([value, other]) : constructed(output, value, place)
}

/** What a constructor makes, in the type that is asked for. */
function constructed(output: JsonOutput | undefined, value: Value, place: Place): Value {
  checkOutput(output, place)
  return makesJson(output, place) ? value : worst([value])
}

function checkOutput(output: JsonOutput | undefined, place: Place): void {
  if (output?.typeName !== undefined) checkType(output.typeName, place)
}
