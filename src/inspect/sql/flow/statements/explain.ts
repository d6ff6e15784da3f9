import type { DefElem, ExplainStmt, Node } from '@pgsql/types'
import { cleanOutputs, type Outputs } from './outputs.ts'
import type { Surroundings } from '../place.ts'
import type { FlowState } from '../state.ts'
import { touchesPhi } from '../touched-columns.ts'

/**
 * EXPLAIN. A plan shows the statement's own expressions and what the planner has computed from its literals, so without ANALYZE
 * it is clean when all functions are safe and none has read PHI: the planner runs immutable ones. With ANALYZE it shows numbers
 * of rows that met a condition, and how much memory they took: then no PHI may be read at all.
 */
export function explainStatement(
  node: ExplainStmt,
  around: Surroundings,
  statement: (node: Node, around: Surroundings) => Outputs,
): Outputs {
  if (node.query !== undefined) statement(node.query, around)
  const runs = (node.options ?? []).some(
    (option) => 'DefElem' in option && RUNNING.has(option.DefElem.defname ?? '') && isOn(option.DefElem),
  )
  const { state } = around
  const tells = runs && state.phiReachable && !(isSelect(node.query) && readsNoPhi(state))
  // The plan of a prepared statement shows its constants, which may be what stand-ins stood for.
  const isPrepared = node.query !== undefined && 'ExecuteStmt' in node.query && state.context.phi.labels.size > 0
  if (tells || isPrepared || state.plansWithPhi) state.hazard('phi-in-utility', 'EXPLAIN')
  return cleanOutputs(1)
}

const RUNNING: ReadonlySet<string> = new Set(['analyze', 'serialize'])

function isSelect(query: Node | undefined): boolean {
  return query !== undefined && 'SelectStmt' in query
}

/** Whether only columns without PHI are read, of tables that are known. */
function readsNoPhi({ context, hazards, questions, relations }: FlowState): boolean {
  if (hazards.length > 0 || questions.length > 0) return false
  return relations.every((use) => touchesPhi(use, context) === false)
}

/** An option is on unless it says no (defGetBoolean in define.c). */
function isOn({ arg }: DefElem): boolean {
  if (arg === undefined) return true
  if ('Integer' in arg) return arg.Integer.ival !== undefined && arg.Integer.ival !== 0
  if ('Boolean' in arg) return arg.Boolean.boolval === true
  return !('String' in arg && /^(?:false|off|0|none)$/i.test(arg.String.sval ?? ''))
}
