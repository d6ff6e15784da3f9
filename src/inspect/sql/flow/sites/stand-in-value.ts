import type { Node, TypeName } from '@pgsql/types'
import type { ConstantSite, StoredColumn } from '../../facts.ts'
import { baseType } from '../expressions/cast.ts'
import { isConstant } from '../expressions/is-constant.ts'
import type { AnalysisContext } from '../context.ts'
import type { FlowState } from '../state.ts'
import type { Taint } from '../values/taint.ts'
import { CLEAN, type Value } from '../values/types.ts'
import { elementType } from '../values/value-types.ts'
import type { ProtectedTarget } from './assigned-constants.ts'
import { constantIn } from './constant-operand.ts'
import type { ConstantCell, ConstantSource } from './constant-source.ts'
import { comparableClass, elementTypeName, isKeptByCast, isNumberType } from './protected-column.ts'
import type { Meeting } from './site-list.ts'
import type { StandInColumn } from './stand-in-columns.ts'

/**
 * One of some constants: free of PHI, until it is found to meet a protected column. Then it is PHI like that, a copy of the
 * column if nothing but stand-ins is among them.
 */
export function standInValue(source: ConstantSource, state: FlowState): Value {
  const { context, sites } = state
  const constants = [source]
  if (sites === null) return CLEAN
  const known = sites.columns.of(source)
  if (known === null) return { ...CLEAN, constants }
  const { column, isCompared, isStored, taint } = known
  const meetings = meetingsWith(source, known, context)
  const uses: ConstantSite['use'][] = []
  if (isCompared) uses.push('comparison')
  if (isStored) uses.push('assignment')
  if (meetings === null || !sites.takes(meetings, uses)) return CLEAN
  const { classes, columns } = taint
  const phi = { ...CLEAN, tainted: true, classes, columns, constants, isSent: true } as const
  if (!isCompared) return { ...phi, shape: { ...column, mixed: true } }
  state.compared(taint, 'by-stand-in')
  return { ...phi, shape: column, exact: column }
}

/** A value is compared with others for equality; `isList`: those are elements of arrays. What is PHI, and what is a constant, is told apart here. */
export function wantCompared(left: Value, right: Value, isList: boolean, state: FlowState): void {
  const [{ exact, ...asked }, { constants = [] }] = left.tainted ? [left, right] : [right, left]
  const element = exact === null ? null : elementType(exact.typeOid)
  const isElement = isList && !left.tainted
  const typeOid = isElement ? element : (exact?.typeOid ?? null)
  if (exact === null || typeOid === null) return
  const column = { ...exact, typeOid }
  const phiClass = comparableClass(column, state.context)
  if (phiClass !== null) want(constants, { column, class: phiClass }, asked, 'isCompared', state)
}

/** A value is stored in a column as it is. `taint`: what is in that. */
export function wantStored({ constants = [] }: Value, target: ProtectedTarget, taint: Taint, state: FlowState): void {
  if (target.takesStandIns) want(constants, target, taint, 'isStored', state)
}

function want(
  sources: readonly ConstantSource[],
  { class: phiClass, column }: Pick<StandInColumn, 'class' | 'column'>,
  { classes, columns }: Taint,
  use: 'isCompared' | 'isStored',
  { context, sites }: FlowState,
): void {
  const unused = { column, class: phiClass, taint: { classes, columns }, isCompared: false, isStored: false }
  const wanted: StandInColumn = { ...unused, [use]: true }
  // What does not fit may be beside the others, and give them its type.
  if (!sources.every((source) => meetingsWith(source, wanted, context) !== null)) return
  for (const source of sources) if (source.cells.length > 0) sites?.columns.wants(source, wanted)
}

/** Null when not all of them can be taken for values of the column. */
function meetingsWith(
  { cells, nulls }: ConstantSource,
  { class: phiClass, column }: StandInColumn,
  context: AnalysisContext,
): readonly Meeting[] | null {
  if (!nulls.every((type) => isKeptByCast(column, type, context))) return null
  if (isTypedByNumber(cells.map(({ node }) => node))) return null
  const meetings: Meeting[] = []
  for (const cell of cells) {
    const { elements } = cell
    const isKept = (type: TypeName | undefined): boolean =>
      isKeptByCast(column, elements ? elementTypeName(type) : type, context)
    const constant = constantIn(cell.node, isKept, context)
    if (constant === null || !fits(cell, column, context)) return null
    const untyped = isUntyped(cell) ? ({ isUntyped: true } as const) : {}
    meetings.push({ constant, column, class: phiClass, elements, ...untyped })
  }
  return meetings
}

/**
 * Whether a number gives its type to texts or parameters beside it: then the smallest one that holds it, and whether it holds what
 * a stand-in stands for would show.
 */
export function isTypedByNumber(nodes: readonly (Node | undefined)[]): boolean {
  return nodes.some(isBareText) && nodes.some((node) => node !== undefined && isNumber({ node }))
}

/** The same where there may be other expressions. */
export function isTypedByOthers(nodes: readonly (Node | undefined)[]): boolean {
  return isTypedByNumber(nodes) || (nodes.some(isBareText) && !nodes.every(isConstant))
}

function isBareText(node: Node | undefined): boolean {
  return node !== undefined && ('ParamRef' in node || ('A_Const' in node && node.A_Const.sval !== undefined))
}

/** Whether nothing says the type of a constant but how it is written, or what else is sent. */
function isUntyped({ node }: ConstantCell): boolean {
  return 'ParamRef' in node || isNumber({ node })
}

function isNumber({ node }: Pick<ConstantCell, 'node'>): boolean {
  return 'A_Const' in node && (node.A_Const.ival !== undefined || node.A_Const.fval !== undefined)
}

/** A number is written with the type of its column. */
function fits(cell: ConstantCell, { typeOid }: StoredColumn, context: AnalysisContext): boolean {
  return !isNumber(cell) || isNumberType(baseType(typeOid, context))
}
