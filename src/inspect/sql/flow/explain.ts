import type { DefElem, ExplainStmt, Node } from '@pgsql/types'
import { cleanOutputs, type Outputs } from './outputs.ts'
import type { Surroundings } from './place.ts'

/**
 * EXPLAIN. A plan shows the statement's own literals and what the planner has computed from them, so without ANALYZE and
 * VERBOSE it is clean when all functions are safe. With them it shows numbers of rows that met a condition, and expressions.
 */
export function explainStatement(
  node: ExplainStmt,
  around: Surroundings,
  statement: (node: Node, around: Surroundings) => Outputs,
): Outputs {
  if (node.query !== undefined) statement(node.query, around)
  const telling = (node.options ?? []).some(
    (option) => 'DefElem' in option && TELLING.has(option.DefElem.defname ?? '') && isOn(option.DefElem),
  )
  if (telling && around.state.phiReachable) around.state.hazard('phi-in-utility', 'EXPLAIN')
  return cleanOutputs(1)
}

const TELLING: ReadonlySet<string> = new Set(['analyze', 'verbose', 'serialize'])

/** An option is on unless it says no (defGetBoolean in define.c). */
function isOn({ arg }: DefElem): boolean {
  if (arg === undefined) return true
  if ('Integer' in arg) return arg.Integer.ival !== undefined && arg.Integer.ival !== 0
  if ('Boolean' in arg) return arg.Boolean.boolval === true
  return !('String' in arg && /^(?:false|off|0|none)$/i.test(arg.String.sval ?? ''))
}
