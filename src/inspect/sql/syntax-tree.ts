import type { Node } from '@pgsql/types'

/** The keys of a union of single-key objects. */
type NameOf<U> = U extends unknown ? Extract<keyof U, string> : never

/** The name of a node type of the PostgreSQL grammar. */
export type NodeName = NameOf<Node>

/** The body of a node as the parser's JSON has it; absent fields have their zero value. */
export type SyntaxBody = Readonly<Record<string, unknown>>

/** Fields whose value is a node without the wrapper that names its type, as protobuf's typed fields are written. */
const UNWRAPPED: ReadonlyMap<string, string> = new Map([
  ['larg', 'SelectStmt'],
  ['rarg', 'SelectStmt'],
  ['intoClause', 'IntoClause'],
  ['into', 'IntoClause'],
  ['withClause', 'WithClause'],
  ['onConflictClause', 'OnConflictClause'],
  ['returningClause', 'ReturningClause'],
  ['funccall', 'FuncCall'],
  ['relation', 'RangeVar'],
  ['rel', 'RangeVar'],
  ['view', 'RangeVar'],
  ['table', 'RangeVar'],
  ['sequence', 'RangeVar'],
  ['typevar', 'RangeVar'],
  ['pktable', 'RangeVar'],
  ['constrrel', 'RangeVar'],
  ['name', 'RangeVar'],
])

/** Name and body of a wrapped node. Throws for anything else: the caller treats that as a failed analysis. */
export function unwrap(node: Node): { readonly name: string; readonly body: SyntaxBody } {
  const entries = Object.entries(node)
  const [entry] = entries
  if (entry === undefined || entries.length !== 1) throw new Error('not a syntax node')
  return { name: entry[0], body: asBody(entry[1]) }
}

/** The body of a node when it is of the given type. */
export function bodyOf<N extends NodeName>(
  node: Node | undefined,
  name: N,
): Extract<Node, Record<N, unknown>>[N] | undefined {
  // The parser's JSON is what @pgsql/types says it is; a node of another type has no such key.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return node === undefined ? undefined : (node as unknown as Record<N, never>)[name]
}

function asBody(value: unknown): SyntaxBody {
  // Reading a field of anything else yields undefined, which is how the JSON spells a zero value.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value as SyntaxBody
}

/** A field that holds a list of nodes; empty when it is absent. */
export function nodeList(value: unknown): readonly Node[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Array.isArray(value) ? (value as readonly Node[]) : []
}

function isWrapped(value: object): boolean {
  let only: string | undefined
  for (const key in value) {
    if (only !== undefined) return false
    only = key
  }
  return only !== undefined && only.charCodeAt(0) >= 0x41 && only.charCodeAt(0) <= 0x5a
}

/**
 * Calls `visit` for every node at or below `value`, parents first, whatever field it sits in, so that no construct of the
 * grammar can hide a node. `visit` returns whether to go below. Recursive: a tree that is too deep throws RangeError.
 */
export function walkSyntax(value: unknown, visit: (name: string, body: SyntaxBody) => boolean): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) walkSyntax(item, visit)
    return
  }
  if (isWrapped(value)) {
    for (const [name, body] of Object.entries(value)) if (visit(name, asBody(body))) walkFields(body, visit)
    return
  }
  walkFields(value, visit)
}

function walkFields(body: unknown, visit: (name: string, body: SyntaxBody) => boolean): void {
  if (typeof body !== 'object' || body === null) return
  for (const [field, value] of Object.entries(body)) {
    if (typeof value !== 'object' || value === null) continue
    const name = UNWRAPPED.get(field)
    if (name === undefined || Array.isArray(value) || isWrapped(value)) walkSyntax(value, visit)
    else if (visit(name, asBody(value))) walkFields(value, visit)
  }
}

/** The strings of a list of String nodes, as in a qualified name. Other members are left out. */
export function nameParts(nodes: unknown): readonly string[] {
  if (!Array.isArray(nodes)) return []
  const parts: string[] = []
  for (const node of nodeList(nodes)) {
    const part = bodyOf(node, 'String')
    if (part !== undefined) parts.push(part.sval ?? '')
  }
  return parts
}
