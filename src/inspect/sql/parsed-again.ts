import { parseSync, SqlError } from 'libpg-query'
import type { Node } from '@pgsql/types'

/** Set by a fault: a parser that has thrown anything but a syntax error is not used again. */
let isBroken = false

/**
 * The statements of a text; none where it cannot be parsed. Outside the worker, so only for texts that a worker has parsed before, and
 * short ones. The parser's module has to be loaded.
 */
export function statementsOf(sql: string): readonly Node[] {
  if (isBroken) return []
  try {
    return (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]))
  } catch (error) {
    isBroken = !(error instanceof SqlError)
    return []
  }
}

/** The one statement of a text; undefined where there are others, and for what is none. */
export function onlyStatement(sql: string): Node | undefined {
  const [only, ...others] = statementsOf(sql)
  return others.length === 0 ? only : undefined
}
