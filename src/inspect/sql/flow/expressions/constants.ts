import type { Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'varchar'])

/** A string as it is written, without a type. */
export function stringLiteral(node: Node | undefined): string | null {
  if (node === undefined || !('A_Const' in node) || node.A_Const.sval === undefined) return null
  return node.A_Const.sval.sval ?? ''
}

export function integerLiteral(node: Node | undefined): number | null {
  if (node === undefined || !('A_Const' in node) || node.A_Const.ival === undefined) return null
  return node.A_Const.ival.ival ?? 0
}

/** The text that an expression certainly is: a string, perhaps cast to a text type that does not shorten it. */
export function constantText(node: Node | undefined): string | null {
  if (node === undefined || !('TypeCast' in node)) return stringLiteral(node)
  const { arg, typeName } = node.TypeCast
  if ((typeName?.typmods ?? []).length > 0 || (typeName?.arrayBounds ?? []).length > 0) return null
  const parts = nameParts(typeName?.names)
  const isBuiltIn = parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog')
  return isBuiltIn && TEXT_TYPES.has(parts.at(-1) ?? '') ? constantText(arg) : null
}
