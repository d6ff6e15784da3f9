import { createHash } from 'node:crypto'
import type { Effect, Hazard, SqlFacts } from '../../inspect/sql/facts.ts'
import type { DialedTarget } from '../protocol.ts'
import type { FrameLimits } from './limits.ts'
import { OwnConnections } from './own-connections.ts'
import { quotedText } from './quoted-name.ts'

export interface PlannerOptions {
  readonly dial: () => Promise<DialedTarget>
  readonly limits: FrameLimits
  /** Records that the target is asked. */
  readonly probe: () => void
  /** The queries whose rows the statements of a text give, change or keep: of other statements EXPLAIN says nothing. */
  readonly rowQueries: (sql: string, named: readonly NamedText[]) => Promise<readonly string[] | undefined>
  /** Monotonic, in milliseconds. */
  readonly now?: () => number
}

interface NamedText {
  readonly sql: string
  readonly index: number
}

interface Question {
  readonly sql: string
  /** What it runs by names, in the order of their use. */
  readonly named: readonly NamedText[]
  readonly searchPath: string
  readonly facts: readonly SqlFacts[]
}

const KEPT_MS = 60_000
const MAX_KEPT = 1000
/** Of one text: each is a question to the target. */
const MAX_QUERIES = 20
/** EXPLAIN takes a text with parameters from PostgreSQL 16 on (GENERIC_PLAN). */
const GENERIC_PLAN_SINCE = 160_000
/** EXPLAIN takes them as they are, however long they are. */
const EXPLAINED: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'VALUES', 'TABLE'])
/** With `code`, which a name that an extension shares with PostgreSQL has: calls that are not known to be safe are hazards as well. */
const EFFECTS: ReadonlySet<Effect> = new Set(['read', 'write', 'delete', 'schema', 'session', 'transaction', 'code'])
/**
 * They are about where values go, which EXPLAIN does not bring about. No others: the planner runs functions of constants, and another
 * search_path makes names mean something else.
 */
const HARMLESS: ReadonlySet<Hazard['kind']> = new Set(['phi-copied', 'phi-in-utility'])

/** Asks a target how many rows it expects a statement to give or change. */
export class Planner {
  readonly #connections: OwnConnections
  readonly #probe: () => void
  readonly #rowQueries: PlannerOptions['rowQueries']
  readonly #now: () => number
  readonly #kept = new Map<string, { readonly rows: number | undefined; readonly until: number }>()

  constructor({ dial, limits, probe, rowQueries, now = () => performance.now() }: PlannerOptions) {
    this.#connections = new OwnConnections({
      dial,
      limits,
      name: 'chaperone planner',
      settings: [
        ['statement_timeout', '2s'],
        ['lock_timeout', '500ms'],
      ],
      maxConnections: 2,
      maxWaiting: 32,
      deadlineMs: 4000,
    })
    this.#probe = probe
    this.#rowQueries = rowQueries
    this.#now = now
  }

  /** Undefined when it cannot be told. Nothing of the statement runs but functions of constants that are known to be safe. */
  async estimate(question: Question): Promise<number | undefined> {
    const { sql, named, searchPath, facts } = question
    if (facts.length === 0 || !facts.every(canBeExplained)) return undefined
    const key = createHash('sha256')
      .update(JSON.stringify([sql, named.map((one) => [one.sql, one.index]), searchPath]))
      .digest('base64')
    const known = this.#kept.get(key)
    if (known !== undefined && known.until > this.#now()) return known.rows
    const rows = await this.#estimate(question).catch(() => undefined)
    this.#kept.delete(key)
    this.#kept.set(key, { rows, until: this.#now() + KEPT_MS })
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined && this.#kept.size > MAX_KEPT) this.#kept.delete(oldest)
    return rows
  }

  close(): void {
    this.#connections.close()
  }

  async #estimate({ sql, named, searchPath, facts }: Question): Promise<number | undefined> {
    const [only, ...others] = facts
    const isQuery = only !== undefined && others.length === 0 && EXPLAINED.has(only.command)
    const queries = isQuery ? [sql] : await this.#rowQueries(sql, named)
    if (queries === undefined || queries.length > MAX_QUERIES) return undefined
    let rows = 0
    for (const query of queries) {
      const own = await this.#ask(query, searchPath)
      if (own === undefined) return undefined
      rows += own
    }
    return rows
  }

  #ask(sql: string, searchPath: string): Promise<number | undefined> {
    return this.#connections.use(async (client) => {
      this.#probe()
      const [[version] = []] = await client.query(
        `SELECT pg_catalog.current_setting('server_version_num'),
          pg_catalog.set_config('search_path', ${quotedText(searchPath)}, false)`,
      )
      const options = Number(version) >= GENERIC_PLAN_SINCE ? 'GENERIC_PLAN, FORMAT JSON' : 'FORMAT JSON'
      const answer = await client.ask(`EXPLAIN (${options}) ${sql}`)
      return 'error' in answer ? undefined : rowsOf(answer.rows[0]?.[0] ?? '')
    })
  }
}

function canBeExplained({ effects, hazards }: SqlFacts): boolean {
  return hazards.every(({ kind }) => HARMLESS.has(kind)) && effects.every((effect) => EFFECTS.has(effect))
}

/** What EXPLAIN says of the rows of the plan; of a statement that changes rows, those that it gets to change. */
export function rowsOf(text: string): number | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  const plan = fieldOf(Array.isArray(parsed) ? parsed[0] : undefined, 'Plan')
  if (fieldOf(plan, 'Node Type') !== 'ModifyTable') return numberOf(plan)
  const plans = fieldOf(plan, 'Plans')
  if (!Array.isArray(plans)) return undefined
  let rows = 0
  for (const inner of plans) {
    // Of WITH and sub-selects that are run beside.
    if (fieldOf(inner, 'Parent Relationship') === 'InitPlan') continue
    const own = numberOf(inner)
    if (own === undefined) return undefined
    rows += own
  }
  return rows
}

function numberOf(plan: unknown): number | undefined {
  const rows = fieldOf(plan, 'Plan Rows')
  return typeof rows === 'number' && rows >= 0 ? rows : undefined
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const found: unknown = Object.getOwnPropertyDescriptor(value, name)?.value
  return found
}
