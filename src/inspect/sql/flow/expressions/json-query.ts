import type { JsonFuncExpr, JsonOutput } from '@pgsql/types'
import { builtInType } from '../known/built-in.ts'
import { stringLiteral } from './constants.ts'
import { pathSteps, showsSteps, valueAt } from './json-path.ts'
import { asText } from '../values/parts.ts'
import type { Place } from '../place.ts'
import { ask } from '../questions/questions.ts'
import { showsElements } from '../questions/shown-members.ts'
import type { Value } from '../values/types.ts'
import { worst } from '../values/value.ts'

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'varchar'])
const JSON_NAMES: ReadonlySet<string> = new Set(['json', 'jsonb'])

/**
 * JSON_VALUE, JSON_QUERY and JSON_EXISTS: the part of a document that a path leads to, if the path only goes down. Paths with
 * filters, conversions and ON ERROR ask about the document in other ways, too.
 */
export function jsonQuery(node: JsonFuncExpr, document: Value, others: Value, place: Place): Value {
  const { context } = place.state
  const steps = (node.passing ?? []).length > 0 ? null : pathSteps(stringLiteral(node.pathspec) ?? '')
  const isQuiet = [node.on_empty, node.on_error].every((behaviour) => behaviour?.btype !== 'JSON_BEHAVIOR_ERROR')
  const type = node.output === undefined ? '' : (builtInType(node.output.typeName, context) ?? '?')
  const at = steps === null || others.tainted ? null : valueAt(document, steps, context.phi)
  // Names of members that are PHI are told by what is there and what is not.
  if (at !== null && steps !== null && isQuiet && showsSteps(document, steps, context.phi) && showsElements(document)) {
    if (node.op === 'JSON_VALUE_OP' && (type === '' || TEXT_TYPES.has(type))) return asText(at, context.phi)
    const isBare = BARE.has(node.wrapper ?? '') && node.quotes !== 'JS_QUOTES_OMIT'
    if (node.op === 'JSON_QUERY_OP' && isBare && (type === '' || JSON_NAMES.has(type))) return at
  }
  ask('computation', worst([document, others]), false, place)
  return worst([document, others])
}

const BARE: ReadonlySet<string> = new Set(['', 'JSW_UNSPEC', 'JSW_NONE'])

/** Whether a constructor of SQL/JSON makes JSON, not text or bytes. */
export function makesJson(output: JsonOutput | undefined, { state }: Place): boolean {
  return output?.typeName === undefined || JSON_NAMES.has(builtInType(output.typeName, state.context) ?? '')
}
