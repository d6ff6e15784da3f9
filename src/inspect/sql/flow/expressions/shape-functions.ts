import type { Node } from '@pgsql/types'
import type { PhiView, Released } from '../../catalog.ts'
import type { OutputShape } from '../../facts.ts'
import { constantText, stringLiteral } from './constants.ts'
import { documentAt, labelOf } from '../values/document.ts'
import { builtObject, type Pair, withMember } from './json-object.ts'
import { filteredPath } from './json-filter.ts'
import { arrayOfWords, valueAt, valueAtTexts } from './json-path.ts'
import { anyPart, asJson, asText, element } from '../values/parts.ts'
import { firstPart, leftPart, truncatedDate, yearNumber, yearText } from '../questions/released-value.ts'
import { elementsOf, fieldsOf, wholeOf } from '../values/shape.ts'
import { showsCount } from '../questions/shown-members.ts'
import { areFree } from '../questions/shown-parts.ts'
import { CLEAN, type Value } from '../values/types.ts'
import { detached, merged, shaped, worst } from '../values/value.ts'

/** A call of a function of pg_catalog with plain arguments by position. */
export interface Call {
  readonly nodes: readonly Node[]
  readonly values: readonly Value[]
  /** Whether an aggregate sorts its arguments to find those that differ. */
  readonly distinct: boolean
  readonly phi: PhiView
}

type Rule = (call: Call) => Value

/** What a built-in function makes of its arguments, as far as it can be masked inside; else it may say anything they say. */
export function shapedCall(name: string, call: Call): Value {
  if (!call.values.some(({ tainted }) => tainted)) return CLEAN
  const rule = RULES.get(name)
  if (rule === undefined) return worst(call.values)
  return call.distinct && call.values.some(({ shape }) => tellsByOrder(shape, call.phi))
    ? worst(call.values)
    : rule(call)
}

/** The columns of functions that give keys and values. Null for any other function. */
export function keysAndValues(
  name: string,
  { values, phi }: Pick<Call, 'values' | 'phi'>,
): readonly [Value, Value] | null {
  const [value] = values
  if (value === undefined || values.length > 1) return null
  if (name === 'json_each' || name === 'jsonb_each') return [keyOf(value), anyPart(value, phi)]
  if (name === 'json_each_text' || name === 'jsonb_each_text') return [keyOf(value), asText(anyPart(value, phi), phi)]
  return null
}

/** Of objects that a statement makes the keys are free of PHI; in stored documents they may be data. */
function keyOf(value: Value): Value {
  return value.shape.kind === 'object' ? CLEAN : worst([value])
}

/** Made from the first argument, if the others are no PHI. */
function first(make: (value: Value, call: Call) => Value): Rule {
  return (call) => {
    const [value, ...others] = call.values
    return value === undefined || others.some(({ tainted }) => tainted) ? worst(call.values) : make(value, call)
  }
}

/** The value of another row, or a default. */
const neighbour: Rule = ({ values }) => {
  const [value, offset, otherwise] = values
  if (value === undefined || offset?.tainted === true) return worst(values)
  return otherwise === undefined ? detached(value) : merged([value, otherwise])
}

/** Which one is the least tells how the values compare, if their replacements can be told apart. */
export function extreme(value: Value, phi: PhiView): Value {
  const { shape } = value
  const kept = (shape.kind === 'column' || shape.kind === 'year') && !tellsByOrder(shape, phi)
  return kept ? shaped(shape, [value]) : worst([value])
}

/** GREATEST and LEAST compare with values that a statement chooses; only years are told by their replacements anyway. */
export function mostExtreme(values: readonly Value[], phi: PhiView): Value {
  const value = merged(values)
  const { shape } = value
  const isYear = shape.kind === 'year' || (shape.kind === 'column' && labelOf(shape, phi)?.releases.kind === 'year')
  return isYear ? shaped(shape, [value]) : worst(values)
}

/** Of values whose replacements are in no order. A prefix that must not be released is told by those before and after it. */
const ORDERED: ReadonlySet<string> = new Set<Released['kind'] | ''>(['equality', 'parts', 'prefix'])

/** Whether the order of values tells more than their replacements do, which say whether two are equal. */
function tellsByOrder(shape: OutputShape, phi: PhiView): boolean {
  switch (shape.kind) {
    case 'column':
      return documentAt(shape, phi) !== null || ORDERED.has(labelOf(shape, phi)?.releases.kind ?? '')
    case 'object':
      return [...shape.members.map(([, one]) => one), shape.rest].some((one) => tellsByOrder(one, phi))
    case 'fields':
      return shape.fields.some((one) => tellsByOrder(one, phi))
    case 'elements':
      return tellsByOrder(shape.element, phi)
    case 'clean':
    case 'whole':
    case 'year':
      return false
    default:
      return shape satisfies never
  }
}

/** An array of such values. */
export function arrayOf(value: Value): Value {
  const { shape } = value
  if (!value.tainted) return CLEAN
  // JSON made from it could have the names of fields.
  if (value.row !== undefined) return shaped(elementsOf(wholeOf(value.classes)), [value])
  // Arrays of arrays are arrays of more dimensions; where one of JSON stands, its elements are masked by the same.
  const isNested = shape.kind === 'elements'
  if (!isNested) return shaped(elementsOf(shape), [value])
  const { element: inner } = shape
  const spreads = inner.kind === 'column' || inner.kind === 'object' || inner.kind === 'whole'
  return spreads ? shaped(shape, [value]) : worst([value])
}

const pairsOf = ({ nodes, values }: Call): readonly Pair[] | null => {
  if (values.length % 2 !== 0) return null
  const pairs: Pair[] = []
  for (let i = 0; i + 1 < values.length; i += 2) {
    const key = values[i]
    const value = values[i + 1]
    if (key !== undefined && value !== undefined) pairs.push({ key: { node: nodes[i], value: key }, value })
  }
  return pairs
}

const object: Rule = (call) => {
  const pairs = pairsOf(call)
  return pairs === null ? worst(call.values) : builtObject(pairs)
}

/** One object of all rows: keys by data. */
const objectAggregate: Rule = ({ values }) => {
  const [key, value] = values
  if (key === undefined || value === undefined || values.length > 2) return worst(values)
  return builtObject([{ key: { node: undefined, value: key }, value }])
}

const array: Rule = ({ values }) => {
  const made = values.map(asJson)
  return shaped(fieldsOf(made.map(({ shape }) => shape)), made)
}

const extractPath: Rule = first((value, { nodes, phi }) => {
  const names = nodes.slice(1).map(constantText)
  const known = names.filter((name) => name !== null)
  return known.length === names.length ? valueAtTexts(value, known, phi) : worst([value])
})

const set: Rule = ({ nodes, values }) => {
  const [target, path, value, create] = values
  const names = arrayOfWords(stringLiteral(nodes[1]) ?? '')
  if (target === undefined || path === undefined || value === undefined || names === null) return worst(values)
  return path.tainted || create?.tainted === true ? worst(values) : withMember(target, names, value)
}

const queryPath: Rule = first((value, { nodes, values, phi }) => {
  const path = filteredPath(stringLiteral(nodes[1]) ?? '')
  if (path === null || values.length > 2 || !areFree(value, path.asked, phi)) return worst([value])
  return valueAt(value, path.steps, phi)
})

const json: Rule = first(asJson)
const copy: Rule = first(detached)
const stripped: Rule = first((value) => ({ ...detached(value), exact: null }))
const listed: Rule = first(arrayOf)
const listedJson: Rule = first((value) => arrayOf(asJson(value)))
const elementCount = (value: Value, { phi }: Call): Value => (showsCount(value, phi) ? CLEAN : worst([value]))
const anyElement: Rule = ({ values, phi }) => {
  const [value] = values
  return value === undefined || values.length > 1 ? worst(values) : element(value, null, phi)
}

function asTextOf(rule: Rule): Rule {
  return (call) => asText(rule(call), call.phi)
}

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['any_value', copy],
  ['first_value', copy],
  ['last_value', copy],
  ['nth_value', copy],
  ['lag', neighbour],
  ['lead', neighbour],
  ['min', first((value, { phi }) => extreme(value, phi))],
  ['max', first((value, { phi }) => extreme(value, phi))],
  ['array_agg', listed],
  ['unnest', anyElement],
  ['json_array_elements', anyElement],
  ['jsonb_array_elements', anyElement],
  ['json_array_elements_text', asTextOf(anyElement)],
  ['jsonb_array_elements_text', asTextOf(anyElement)],
  ['json_array_length', first(elementCount)],
  ['jsonb_array_length', first(elementCount)],
  ['json_object_keys', first(keyOf)],
  ['jsonb_object_keys', first(keyOf)],
  ['json_extract_path', extractPath],
  ['jsonb_extract_path', extractPath],
  ['json_extract_path_text', asTextOf(extractPath)],
  ['jsonb_extract_path_text', asTextOf(extractPath)],
  ['jsonb_path_query', queryPath],
  ['jsonb_path_query_first', queryPath],
  ['jsonb_path_query_array', first((value, call) => arrayOf(queryPath({ ...call, values: [value] })))],
  ['json_build_object', object],
  ['jsonb_build_object', object],
  ['json_build_array', array],
  ['jsonb_build_array', array],
  ['json_object_agg', objectAggregate],
  ['jsonb_object_agg', objectAggregate],
  ['json_object_agg_strict', objectAggregate],
  ['jsonb_object_agg_strict', objectAggregate],
  ['json_object_agg_unique', objectAggregate],
  ['json_object_agg_unique_strict', objectAggregate],
  ['jsonb_object_agg_unique_strict', objectAggregate],
  ['jsonb_object_agg_unique', objectAggregate],
  ['json_agg', listedJson],
  ['jsonb_agg', listedJson],
  ['json_agg_strict', listedJson],
  ['jsonb_agg_strict', listedJson],
  ['to_json', json],
  ['to_jsonb', json],
  ['row_to_json', json],
  ['array_to_json', json],
  ['json_strip_nulls', stripped],
  ['jsonb_strip_nulls', stripped],
  ['jsonb_set', set],
  ['extract', yearNumber],
  ['date_part', yearNumber],
  ['date_trunc', truncatedDate],
  ['to_char', yearText],
  ['left', leftPart],
  ['substr', firstPart],
  ['substring', firstPart],
])
