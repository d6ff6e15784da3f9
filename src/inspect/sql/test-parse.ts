import { parseSync } from 'libpg-query'
import type { Node } from '@pgsql/types'

/** The first statement of a text, for tests. Needs `loadModule()` before. */
export function parseOne(sql: string): Node {
  const node = parseSync(sql).stmts?.[0]?.stmt
  if (node === undefined) throw new Error('no statement')
  return node
}
