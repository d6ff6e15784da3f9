import { parsePlPgSQLSync, parseSync, SqlError } from 'libpg-query'
import type { DoStmt, Node } from '@pgsql/types'
import type { Hazard } from './facts.ts'
import { scanTokens } from './redact.ts'
import { bodyOf } from './syntax-tree.ts'

export interface ProceduralBody {
  /** The SQL statements and expressions that the block runs, expressions as SELECT. */
  readonly statements: readonly Node[]
  readonly variables: ReadonlySet<string>
  readonly hazards: readonly Hazard[]
}

const NOT_ANALYSED: ProceduralBody = {
  statements: [],
  variables: new Set(),
  hazards: [{ kind: 'code-not-analysed', subject: 'DO' }],
}

/** Statements whose SQL is all in the expressions that the parser reports (src/pl/plpgsql/src/plpgsql.h). */
const STATIC_NODES: ReadonlySet<string> = new Set([
  'PLpgSQL_stmt_block',
  'PLpgSQL_stmt_assign',
  'PLpgSQL_stmt_if',
  'PLpgSQL_stmt_case',
  'PLpgSQL_stmt_loop',
  'PLpgSQL_stmt_while',
  'PLpgSQL_stmt_fori',
  'PLpgSQL_stmt_fors',
  'PLpgSQL_stmt_foreach_a',
  'PLpgSQL_stmt_exit',
  'PLpgSQL_stmt_return',
  'PLpgSQL_stmt_return_next',
  'PLpgSQL_stmt_return_query',
  'PLpgSQL_stmt_raise',
  'PLpgSQL_stmt_assert',
  'PLpgSQL_stmt_execsql',
  'PLpgSQL_stmt_perform',
  'PLpgSQL_stmt_getdiag',
  'PLpgSQL_stmt_commit',
  'PLpgSQL_stmt_rollback',
])

/** RAW_PARSE_* of src/include/parser/parser.h. */
const PARSE_DEFAULT = 0
const PARSE_EXPRESSION = 2
const PARSE_ASSIGNMENTS = [3, 4, 5]

/** What a DO block runs, as far as it is PL/pgSQL with SQL that is spelled out. The rest is a hazard. */
export function proceduralBody(statement: DoStmt): ProceduralBody {
  let source: string | undefined
  let language = 'plpgsql'
  for (const node of statement.args ?? []) {
    const option = bodyOf(node, 'DefElem')
    const text = bodyOf(option?.arg, 'String')?.sval
    if (option?.defname === 'as') source = text ?? ''
    if (option?.defname === 'language') language = (text ?? '').toLowerCase()
  }
  if (source === undefined || language !== 'plpgsql') return NOT_ANALYSED
  const tree = parseBlock(source)
  return tree === null ? NOT_ANALYSED : readBlock(tree)
}

function parseBlock(source: string): unknown {
  let tag = 'chaperone'
  while (source.includes(`$${tag}$`)) tag += '_'
  try {
    return parsePlPgSQLSync(`DO $${tag}$${source}$${tag}$`)
  } catch (error) {
    if (isRefusalToParse(error)) return null
    throw error
  }
}

/** The binding reports what PL/pgSQL's parser does not accept as a plain Error; a RangeError or a trap is a fault. */
function isRefusalToParse(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Error && error.constructor === Error)
}

function readBlock(tree: unknown): ProceduralBody {
  const statements: Node[] = []
  const variables = new Set<string>()
  const hazards: Hazard[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (const item of value) visit(item)
      return
    }
    for (const [name, body] of Object.entries(value)) {
      if (name.startsWith('PLpgSQL_stmt_') && !STATIC_NODES.has(name)) {
        hazards.push({ kind: 'code-not-analysed', subject: name.slice('PLpgSQL_stmt_'.length) })
      }
      if (name === 'dynquery') hazards.push({ kind: 'code-not-analysed', subject: 'EXECUTE' })
      if (name === 'PLpgSQL_expr') {
        const parsed = parseExpression(body)
        if (parsed === null) hazards.push({ kind: 'code-not-analysed', subject: 'DO' })
        else statements.push(...parsed)
      }
      if (name === 'refname' && typeof body === 'string') variables.add(body)
      visit(body)
    }
  }
  visit(tree)
  return { statements, variables, hazards }
}

function parseExpression(expression: unknown): readonly Node[] | null {
  if (typeof expression !== 'object' || expression === null) return null
  const { query = '', parseMode = PARSE_DEFAULT }: { query?: unknown; parseMode?: unknown } = expression
  if (typeof query !== 'string' || typeof parseMode !== 'number') return null
  const text = statementText(query, parseMode)
  if (text === null) return null
  try {
    const nodes: Node[] = []
    for (const raw of parseSync(text).stmts ?? []) if (raw.stmt !== undefined) nodes.push(raw.stmt)
    return nodes
  } catch (error) {
    if (error instanceof SqlError) return null
    throw error
  }
}

function statementText(query: string, mode: number): string | null {
  if (query === '') return null
  if (mode === PARSE_DEFAULT) return query
  if (mode === PARSE_EXPRESSION) return `SELECT ${query}`
  return PARSE_ASSIGNMENTS.includes(mode) ? assignedExpression(query) : null
}

/** The right side of `target := expression`. The target may have subscripts, which are kept as outputs. */
function assignedExpression(query: string): string | null {
  const bytes = Buffer.from(query, 'utf8')
  let depth = 0
  for (const token of scanTokens(query) ?? []) {
    if (token.text === '[' || token.text === '(') depth++
    if (token.text === ']' || token.text === ')') depth--
    if (depth !== 0 || (token.text !== ':=' && token.text !== '=')) continue
    const target = bytes.toString('utf8', 0, token.start)
    const value = bytes.toString('utf8', token.end)
    return target.includes('[') ? `SELECT ${value}, ${target}` : `SELECT ${value}`
  }
  return null
}
