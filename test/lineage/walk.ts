import { analyse } from '../../src/inspect/sql/analyse.ts'
import type { Catalog, PhiView } from '../../src/inspect/sql/catalog.ts'
import type { SqlFacts } from '../../src/inspect/sql/facts.ts'
import { buildPhiView } from '../../src/inspect/sql/flow/phi-view.ts'
import { DEFAULT_LIMITS } from '../../src/inspect/sql/limits.ts'
import { surroundingsOf } from '../../src/inspect/sql/surroundings.ts'
import type { ResultColumn } from '../../src/mask/plan.ts'
import { labelByName } from './labels.ts'
import { fromFirstWord, isQuery, scriptItems, substituted } from './script.ts'
import type { Rows, ServerSession } from './session.ts'

/** A query of a script that the server describes, and what the analysis makes of it. */
export interface SeenQuery {
  readonly script: string
  readonly sql: string
  readonly described: readonly ResultColumn[]
  /** Null when it could not be analysed, with the reason. */
  readonly facts: SqlFacts | null
  readonly reason: string
  readonly catalog: Catalog
  readonly view: PhiView
}

/** Statements after which the catalog may be another. */
const CHANGES_CATALOG =
  /^(?:create|alter|drop|comment|grant|revoke|rollback|abort|commit|end|do|call|reassign|import|refresh|discard|cluster|select\s[^;]*\binto\b|prepare\s+transaction|security)\b/i
const CHANGES_PATH = /^(?:set|reset|rollback|abort|commit|end|create|drop|alter|discard|begin|start)\b/i

export interface Script {
  readonly name: string
  readonly text: string
  readonly variables: ReadonlyMap<string, string>
  /** Nothing is run. */
  readonly describeOnly?: boolean
}

/** Runs a psql script and hands over each of its queries before it is run. The parser has to be loaded. */
export async function walkScript(
  session: ServerSession,
  script: Script,
  see: (query: SeenQuery) => void,
): Promise<void> {
  const variables = new Map(script.variables)
  const eyes = new Eyes(session)
  /** Of the blocks of \if that are open: whether they are run. */
  const branches: boolean[] = []
  const items = [...scriptItems(script.text)]
  for (const [at, item] of items.entries()) {
    if (item.kind === 'command') {
      await command(item.text, variables, branches, session)
      eyes.changed()
      continue
    }
    if (item.kind === 'data' || branches.includes(false)) continue
    const sql = substituted(item.sql, variables)
    if (isQuery(sql) && !session.failedTransaction) {
      const described = await session.describe(sql)
      if (described !== null) see({ script: script.name, sql, described, ...(await eyes.look(sql)) })
    }
    if (script.describeOnly === true) continue
    const next = items[at + 1]
    const result = await session.run(sql, next?.kind === 'data' ? next.lines : '')
    const words = fromFirstWord(sql)
    if (CHANGES_CATALOG.test(words)) eyes.changed()
    if (CHANGES_PATH.test(words)) eyes.pathChanged()
    if (item.ending !== null) await sent(item.ending, result, variables, session)
  }
}

/** Analyses against what a session sees, and looks again when that may have changed. */
class Eyes {
  readonly #session: ServerSession
  #known: { readonly catalog: Catalog; readonly view: PhiView } | undefined
  #around: ReturnType<typeof surroundingsOf> | undefined

  constructor(session: ServerSession) {
    this.#session = session
  }

  changed(): void {
    this.#known = undefined
    this.#around = undefined
  }

  pathChanged(): void {
    this.#around = undefined
  }

  async look(sql: string): Promise<Pick<SeenQuery, 'facts' | 'reason' | 'catalog' | 'view'>> {
    if (this.#known === undefined) {
      const catalog = await this.#session.catalog()
      this.#known = { catalog, view: buildPhiView(catalog, { labelOf: labelByName, trustedFunctions: new Set() }) }
    }
    const { catalog, view } = this.#known
    this.#around ??= surroundingsOf(catalog, view, await this.#session.searchPath())
    return { ...analysed(sql, this.#around), catalog, view }
  }
}

function analysed(sql: string, around: ReturnType<typeof surroundingsOf>): Pick<SeenQuery, 'facts' | 'reason'> {
  try {
    const verdict = analyse(sql, around, DEFAULT_LIMITS.maxTokens)
    const facts = verdict.kind === 'analysed' ? verdict.statements[0] : undefined
    return facts === undefined ? { facts: null, reason: verdict.kind } : { facts, reason: '' }
  } catch (error) {
    return { facts: null, reason: error instanceof Error ? `${error.name}: ${error.message}` : 'thrown' }
  }
}

async function command(
  text: string,
  variables: Map<string, string>,
  branches: boolean[],
  session: ServerSession,
): Promise<void> {
  const [name = '', ...words] = text.split(/\s+/)
  if (name === 'if') branches.push(/^(?:true|on|yes|1)$/i.test(substituted(words[0] ?? '', variables)))
  else if (name === 'elif' || name === 'else') branches.push(!(branches.pop() ?? false))
  else if (name === 'endif') branches.pop()
  else if (branches.includes(false)) return
  else if (name === 'set')
    variables.set(
      words[0] ?? '',
      words
        .slice(1)
        .map((word) => unquoted(word, variables))
        .join(''),
    )
  else if (name === 'getenv') variables.set(words[0] ?? '', variables.get(words[1] ?? '') ?? '')
  else if (name === 'c' || name === 'connect') await reconnected(words, session)
}

/** As if it were another connection. */
async function reconnected(words: readonly string[], session: ServerSession): Promise<void> {
  await session.run('ROLLBACK')
  await session.run('DISCARD ALL')
  const user = words[1]
  if (user !== undefined && user !== '-') await session.run(`SET SESSION AUTHORIZATION ${user}`)
}

const unquoted = (word: string, variables: ReadonlyMap<string, string>): string =>
  /^'.*'$/.test(word) ? word.slice(1, -1).replaceAll("''", "'") : substituted(word, variables)

/** What \gset and \gexec do with a result. */
async function sent(
  ending: string,
  { names, rows }: Rows,
  variables: Map<string, string>,
  session: ServerSession,
): Promise<void> {
  const [name, prefix = ''] = ending.split(/\s+/)
  if (name === 'gset') {
    for (const [at, column] of names.entries()) variables.set(`${prefix}${column}`, rows[0]?.[at] ?? '')
  } else if (name === 'gexec') {
    for (const sql of rows.flat()) if (sql !== null) await session.run(sql)
  }
}
