import type { Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { isNumberedArgument } from '../definitions/definition-text.ts'

/** The name that the server gives to an output column without an alias (FigureColname in parse_target.c). */
export function figureName(node: Node | undefined): string | null {
  return figure(node).name
}

function figure(node: Node | undefined): { readonly name: string | null; readonly strength: 0 | 1 | 2 } {
  if (node === undefined) return WEAKEST
  if ('ColumnRef' in node) {
    const name = nameParts(node.ColumnRef.fields).at(-1)
    return name !== undefined && isNumberedArgument(name) ? WEAKEST : strong(name)
  }
  if ('A_Indirection' in node) {
    const name = nameParts(node.A_Indirection.indirection).at(-1)
    return name === undefined ? figure(node.A_Indirection.arg) : strong(name)
  }
  if ('FuncCall' in node) return strong(nameParts(node.FuncCall.funcname).at(-1))
  if ('A_Expr' in node) return node.A_Expr.kind === 'AEXPR_NULLIF' ? strong('nullif') : WEAKEST
  if ('TypeCast' in node) {
    const inner = figure(node.TypeCast.arg)
    const type = nameParts(node.TypeCast.typeName?.names).at(-1)
    return inner.strength === 2 || type === undefined ? inner : { name: type, strength: 1 }
  }
  if ('CollateClause' in node) return figure(node.CollateClause.arg)
  if ('GroupingFunc' in node) return strong('grouping')
  if ('MergeSupportFunc' in node) return strong('merge_action')
  if ('SubLink' in node) return figureSubLink(node.SubLink.subLinkType, node.SubLink.subselect)
  if ('CaseExpr' in node) {
    const inner = figure(node.CaseExpr.defresult)
    return inner.strength > 1 ? inner : { name: 'case', strength: 1 }
  }
  if ('A_ArrayExpr' in node) return strong('array')
  if ('RowExpr' in node) return strong('row')
  if ('CoalesceExpr' in node) return strong('coalesce')
  if ('MinMaxExpr' in node) return strong(node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest')
  if ('SQLValueFunction' in node) return strong(valueFunctionName(node.SQLValueFunction.op))
  if ('XmlExpr' in node) return strong(/^IS_(XML\w+)$/.exec(node.XmlExpr.op ?? '')?.[1]?.toLowerCase())
  if ('JsonFuncExpr' in node) return strong(/^(JSON_\w+)_OP$/.exec(node.JsonFuncExpr.op ?? '')?.[1]?.toLowerCase())
  return strong(OTHER_NAMES.get(Object.keys(node)[0] ?? ''))
}

const WEAKEST = { name: null, strength: 0 } as const

const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['JsonObjectConstructor', 'json_object'],
  ['JsonArrayConstructor', 'json_array'],
  ['JsonArrayQueryConstructor', 'json_array'],
  ['JsonObjectAgg', 'json_objectagg'],
  ['JsonArrayAgg', 'json_arrayagg'],
  ['JsonParseExpr', 'json'],
  ['JsonScalarExpr', 'json_scalar'],
  ['JsonSerializeExpr', 'json_serialize'],
  ['XmlSerialize', 'xmlserialize'],
])

function strong(name: string | undefined): { readonly name: string | null; readonly strength: 0 | 2 } {
  return name === undefined ? WEAKEST : { name, strength: 2 }
}

function figureSubLink(type: string | undefined, query: Node | undefined): ReturnType<typeof figure> {
  if (type === 'EXISTS_SUBLINK') return strong('exists')
  if (type === 'ARRAY_SUBLINK') return strong('array')
  if (type !== 'EXPR_SUBLINK' || query === undefined || !('SelectStmt' in query)) return WEAKEST
  let select = query.SelectStmt
  while (select.larg !== undefined) select = select.larg
  const [first] = select.targetList ?? []
  if (first === undefined || !('ResTarget' in first)) return WEAKEST
  return strong(first.ResTarget.name ?? figureName(first.ResTarget.val) ?? '?column?')
}

function valueFunctionName(op: string | undefined): string | undefined {
  return op
    ?.replace(/^SVFOP_/, '')
    .replace(/_N$/, '')
    .toLowerCase()
}
