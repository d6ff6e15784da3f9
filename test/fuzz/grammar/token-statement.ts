import type { Choices } from '../choices.ts'
import type { Statement, Way } from './statement.ts'
import { isText, TokenDraft } from './token-constant.ts'
import { listedChange, listing } from './token-list.ts'
import { conditional, echoing } from './token-query.ts'
import { changing, copying } from './token-write.ts'

/** A statement about one thing: what a token may and may not be taken for. */
export function tokenStatement(choices: Choices, ways: readonly Way[]): Statement {
  const wrap = choices.weighted<Wrap | undefined>([
    [12, () => undefined],
    ...WRAPS.map((one) => [1, () => one] as const),
  ])
  const way = wrap === undefined ? choices.pick(ways) : 'simple'
  const draft = new TokenDraft(choices, way !== 'simple')
  if (wrap !== undefined) return wrap(choices.pick([conditional, listing, conditional, echoing])(draft, way))
  return choices.weighted<Statement>([
    [8, () => conditional(draft, way)],
    [4, () => echoing(draft, way)],
    [6, () => listing(draft, way)],
    [5, () => changing(draft, way)],
    [2, () => listedChange(draft, way)],
    [2, () => copying(draft)],
    [1, () => executed(draft)],
  ])
}

type Wrap = (statement: Statement) => Statement

const wrapped =
  (write: (sql: string) => readonly string[], exact = false): Wrap =>
  (statement) => ({
    ...statement,
    texts: write(statement.texts[0] ?? ''),
    exact: exact && statement.exact === true,
  })

const WRAPS: readonly Wrap[] = [
  wrapped((sql) => [`/* it's */ ${sql} -- 'x`], true),
  wrapped((sql) => [`SELECT 'ä', 1e5, $$'$$; ${sql}`], true),
  wrapped((sql) => [`${sql}; SELECT 'x', -1 FROM item WHERE label = 'one'`], true),
  wrapped((sql) => [`PREPARE p AS ${sql}`, 'EXECUTE p'], true),
  wrapped((sql) => ['BEGIN', `DECLARE c CURSOR FOR ${sql}`, 'FETCH ALL FROM c'], true),
  wrapped((sql) => [`COPY (${sql}) TO STDOUT`]),
  wrapped((sql) => [`COPY (${sql}) TO STDOUT (FORMAT csv)`]),
  wrapped((sql) => [`EXPLAIN (COSTS off) ${sql}`]),
  wrapped((sql) => [`EXPLAIN (COSTS off, VERBOSE, FORMAT JSON) ${sql}`]),
  wrapped((sql) => [`PREPARE p AS ${sql}`, 'EXPLAIN (COSTS off) EXECUTE p']),
  wrapped((sql) => ['BEGIN', `CREATE TEMP TABLE copied AS ${sql}`, 'SELECT * FROM copied']),
]

/** The constants come with EXECUTE. */
function executed(draft: TokenDraft): Statement {
  const { choices } = draft
  const column = draft.column()
  const { sql } = draft.constant(column, { values: true })
  const type = choices.pick(['', ` (${column.type})`, ...(isText(column) ? [' (text)'] : [])])
  const run = choices.pick(['EXECUTE p', 'EXECUTE p', 'EXPLAIN (COSTS off) EXECUTE p'])
  // As drivers prepare it, or in SQL.
  const made = choices.chance(50) ? 'PARSE p AS' : `PREPARE p${type} AS`
  return {
    texts: [`${made} SELECT t.id FROM patient AS t WHERE t.${column.name} = $1 ORDER BY t.id`, `${run}(${sql})`],
    way: 'simple',
    phi: true,
    stable: true,
  }
}
