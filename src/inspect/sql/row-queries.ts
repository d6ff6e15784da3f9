import { loadModule } from 'libpg-query'
import type { CopyStmt, Node } from '@pgsql/types'
import { deparseSync } from 'pgsql-deparser'
import { statementsOf } from './parsed-again.ts'
import { bodyOf, unwrap } from './syntax-tree.ts'

/** A text in which a statement stands that another one runs by a name. */
export interface NamedStatement {
  readonly sql: string
  readonly index: number
}

/** Longer texts are not parsed outside the worker. */
const MAX_LENGTH = 32 * 1024
const QUERIES: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])
/** They give no rows of a table and change none. */
const WITHOUT_ROWS: ReadonlySet<string> = new Set([
  'TransactionStmt',
  'VariableSetStmt',
  'VariableShowStmt',
  'ClosePortalStmt',
  'DeallocateStmt',
  'DiscardStmt',
  'ListenStmt',
  'UnlistenStmt',
  'ConstraintsSetStmt',
  'ViewStmt',
])

/**
 * The queries whose rows the statements of a text give, change or keep, as EXPLAIN takes them: what a cursor, COPY … TO, CREATE TABLE AS
 * or EXECUTE is about. `named`: what the text runs by names that it does not give itself, in the order of their use. Undefined where it is
 * not known of every statement.
 */
export async function rowQueries(
  sql: string,
  named: readonly NamedStatement[] = [],
): Promise<readonly string[] | undefined> {
  if (sql.length + named.reduce((sum, one) => sum + one.sql.length, 0) > MAX_LENGTH) return undefined
  await loadModule()
  const names = new Names(named)
  const queries: string[] = []
  const statements = statementsOf(sql)
  if (statements.length === 0) return undefined
  for (const statement of statements) {
    const query = queryOf(statement, names)
    if (query === undefined) return undefined
    if (query !== 'none') queries.push(deparseSync(query))
  }
  return queries
}

type RowQuery = Node | 'none' | undefined

/** What a text runs by names: those that it gives itself, further up, come first. */
class Names {
  readonly #own = new Map<string, Node | undefined>()
  readonly #others: Iterator<NamedStatement, undefined>

  constructor(others: readonly NamedStatement[]) {
    this.#others = others.values()
  }

  give(kind: 'statement' | 'cursor', name: string | undefined, query: Node | undefined): void {
    this.#own.set(`${kind} ${name}`, query)
  }

  of(kind: 'statement' | 'cursor', name: string | undefined): RowQuery {
    const key = `${kind} ${name}`
    if (this.#own.has(key)) return asQuery(this.#own.get(key))
    const other = this.#others.next().value
    return other === undefined ? undefined : asQuery(statementsOf(other.sql)[other.index])
  }
}

/** A statement that was prepared or declared, or the query of one. */
function asQuery(statement: Node | undefined): RowQuery {
  if (statement === undefined) return undefined
  const query = bodyOf(statement, 'PrepareStmt')?.query ?? bodyOf(statement, 'DeclareCursorStmt')?.query ?? statement
  const { name } = unwrap(query)
  return QUERIES.has(name) ? query : WITHOUT_ROWS.has(name) ? 'none' : undefined
}

function queryOf(statement: Node, names: Names): RowQuery {
  const prepared = bodyOf(statement, 'PrepareStmt')
  if (prepared !== undefined) {
    names.give('statement', prepared.name, prepared.query)
    return 'none'
  }
  const cursor = bodyOf(statement, 'DeclareCursorStmt')
  if (cursor !== undefined) {
    names.give('cursor', cursor.portalname, cursor.query)
    return asQuery(cursor.query)
  }
  const executed = bodyOf(statement, 'ExecuteStmt')
  if (executed !== undefined) return names.of('statement', executed.name)
  const fetched = bodyOf(statement, 'FetchStmt')
  if (fetched !== undefined) return names.of('cursor', fetched.portalname)
  const copy = bodyOf(statement, 'CopyStmt')
  if (copy !== undefined) return copiedQuery(copy)
  const kept = bodyOf(statement, 'CreateTableAsStmt')?.query
  if (kept !== undefined) return queryOf(kept, names)
  const explained = bodyOf(statement, 'ExplainStmt')
  if (explained !== undefined) return isRun(explained.options ?? []) ? asQuery(explained.query) : 'none'
  return asQuery(statement)
}

/** EXPLAIN (ANALYZE false) counts as run: less is to be asked than can be told from the option's value. */
const isRun = (options: readonly Node[]): boolean =>
  options.some((option) => bodyOf(option, 'DefElem')?.defname?.toLowerCase() === 'analyze')

function copiedQuery({ is_from, query, relation }: CopyStmt): RowQuery {
  if (is_from === true) return undefined
  if (query !== undefined) return asQuery(query)
  if (relation === undefined) return undefined
  const all: Node = { ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }
  return {
    SelectStmt: {
      targetList: [all],
      fromClause: [{ RangeVar: relation }],
      limitOption: 'LIMIT_OPTION_DEFAULT',
      op: 'SETOP_NONE',
    },
  }
}
