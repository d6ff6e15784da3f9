import type { Recent } from '../decide/decision.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { Clock } from '../lib/clock.ts'

const MINUTE_MS = 60_000
const MINUTES = 60
/** Chains with a target each; the one that was used longest ago goes first. */
const MAX_ENTRIES = 10_000
/** Relations counted apart in a minute; the rest count as one that every statement reads. */
const MAX_RELATIONS = 256
const OTHERS = '*'

interface Bucket {
  minute: number
  statements: number
  rows: number
  patients: number
  refusals: number
  /** By `schema.name`. */
  readonly paged: Map<string, number>
}

/** What one chain did at one target within the last hour. Minutes are of the gateway's clock; one that goes back forgets nothing. */
export class RecentUse {
  readonly #clock: Clock
  #buckets: Bucket[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  statement(): void {
    this.#bucket().statements++
  }

  refusal(): void {
    this.#bucket().refusals++
  }

  /** Rows of an operation that were released. */
  rows(count: number, facts: readonly SqlFacts[]): void {
    if (count === 0) return
    const bucket = this.#bucket()
    bucket.rows += count
    for (const name of new Set(facts.flatMap(pagedRelations))) {
      const key = bucket.paged.has(name) || bucket.paged.size < MAX_RELATIONS ? name : OTHERS
      bucket.paged.set(key, (bucket.paged.get(key) ?? 0) + count)
    }
  }

  patients(count: number): void {
    if (count > 0) this.#bucket().patients += count
  }

  /** As a statement with these facts is told of it. */
  over(facts: readonly SqlFacts[]): Recent {
    this.#forget()
    const names = [...new Set(facts.flatMap(readRelations)), OTHERS]
    const total = { statements: 0, rows: 0, patients: 0, refusals: 0, pagedRows: 0 }
    const paged = new Map<string, number>()
    for (const bucket of this.#buckets) {
      total.statements += bucket.statements
      total.rows += bucket.rows
      total.patients += bucket.patients
      total.refusals += bucket.refusals
      for (const name of names) paged.set(name, (paged.get(name) ?? 0) + (bucket.paged.get(name) ?? 0))
    }
    return { ...total, pagedRows: Math.max(0, ...paged.values()) }
  }

  #minute(): number {
    const newest = this.#buckets.at(-1)?.minute ?? Number.NEGATIVE_INFINITY
    return Math.max(Math.floor(this.#clock() / MINUTE_MS), newest)
  }

  #bucket(): Bucket {
    const minute = this.#minute()
    const newest = this.#buckets.at(-1)
    if (newest?.minute === minute) return newest
    this.#forget()
    const bucket = { minute, statements: 0, rows: 0, patients: 0, refusals: 0, paged: new Map<string, number>() }
    this.#buckets.push(bucket)
    return bucket
  }

  #forget(): void {
    const first = this.#minute() - MINUTES
    if ((this.#buckets[0]?.minute ?? first) < first)
      this.#buckets = this.#buckets.filter(({ minute }) => minute >= first)
  }
}

const readRelations = ({ relations }: SqlFacts): readonly string[] =>
  relations.flatMap(({ phi, schema, name }) => (phi ? [`${schema ?? '?'}.${name}`] : []))

/** With PHI, and read step by step or without a bound. */
function pagedRelations(facts: SqlFacts): readonly string[] {
  const { reading } = facts
  return reading !== undefined && (reading.isPage || reading.bound === 'all') ? readRelations(facts) : []
}

/** What all chains did; shared by the sessions of a gateway. */
export class RecentUses {
  readonly #clock: Clock
  readonly #entries = new Map<string, RecentUse>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(chain: string, target: string): RecentUse {
    const key = JSON.stringify([chain, target])
    const known = this.#entries.get(key) ?? new RecentUse(this.#clock)
    this.#entries.delete(key)
    this.#entries.set(key, known)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest)
    return known
  }
}
