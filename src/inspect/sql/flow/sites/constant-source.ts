import type { FuncCall, Node, TypeName } from '@pgsql/types'
import { bodyOf, nameParts } from '../../syntax-tree.ts'
import type { AnalysisContext } from '../context.ts'
import { builtInFunction } from '../known/built-in.ts'
import { constantIn } from './constant-operand.ts'
import { elementTypeName } from './protected-column.ts'

/** Constants of which a value is one: those in a column of VALUES, or the elements of an array that is taken apart. */
export interface ConstantSource {
  /** The same in every analysis of a statement, and no other's. */
  readonly key: object
  readonly cells: readonly ConstantCell[]
  /** The types of NULLs among them, which the others take if they have none of their own. */
  readonly nulls: readonly TypeName[]
}

export interface ConstantCell {
  /** A literal or a parameter, perhaps cast. */
  readonly node: Node
  /** Whether it is an array whose elements are meant. */
  readonly elements: boolean
}

/** Null unless all cells are constants, and one at least is not NULL. */
export function constantSource(cells: readonly ConstantCell[], context: AnalysisContext): ConstantSource | null {
  const present = cells.filter(({ node }) => !isNull(node))
  const constants = present.map(({ node }) => constantIn(node, () => true, context)?.node)
  const [first] = constants
  if (first === undefined || constants.includes(undefined)) return null
  const nulls = cells.flatMap(({ node }) => (isNull(node) ? (bodyOf(node, 'TypeCast')?.typeName ?? []) : []))
  return { key: bodyOf(first, 'A_Const') ?? bodyOf(first, 'ParamRef') ?? first, cells: present, nulls }
}

/** What `unnest` takes apart; null when it is not known. */
export function elementSource({ args = [], funcname }: FuncCall, context: AnalysisContext): ConstantSource | null {
  const [array, ...others] = args
  if (array === undefined || others.length > 0) return null
  if (builtInFunction(nameParts(funcname), context) !== 'unnest') return null
  return constantSource(elementCells(array), context)
}

/** Of `'{a,b}'::text[]`, `$1::text[]`, `ARRAY['a', 'b']`, `ARRAY['a', $1]::text[]` */
function elementCells(array: Node): readonly ConstantCell[] {
  if ('A_ArrayExpr' in array) return (array.A_ArrayExpr.elements ?? []).map((node) => ({ node, elements: false }))
  if (!('TypeCast' in array)) return []
  const { arg, typeName } = array.TypeCast
  const element = elementTypeName(typeName)
  if (arg === undefined || element === undefined) return []
  if (!('A_ArrayExpr' in arg)) return [{ node: array, elements: true }]
  return (arg.A_ArrayExpr.elements ?? []).map((node) => ({ node: castTo(element, node), elements: false }))
}

function castTo(typeName: TypeName, arg: Node): Node {
  return isNull(arg) ? arg : { TypeCast: { arg, typeName } }
}

function isNull(node: Node): boolean {
  if ('TypeCast' in node) return node.TypeCast.arg !== undefined && isNull(node.TypeCast.arg)
  return 'A_Const' in node && node.A_Const.isnull === true
}
