import type { Hazard, SqlFacts } from '../../src/inspect/sql/facts.ts'
import { type Disagreement, disagreements } from './agreement.ts'
import type { SeenQuery } from './walk.ts'

/** What became of a query over relations with PHI. */
export type Fate =
  /** Analysed: it is masked, and asks no more about PHI than may be told. */
  | { readonly kind: 'masked' }
  /** Analysed, and it asks more: policy decides (phi.predicates). */
  | { readonly kind: 'question'; readonly uses: readonly string[] }
  /** Refused, because part of it is not within what is analysed at all. */
  | { readonly kind: 'outside'; readonly reasons: readonly string[] }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }

export interface Finding {
  readonly script: string
  readonly sql: string
  readonly what: string
}

/** Constructs that are refused by design (docs/configuration.md and src/inspect/sql/flow/README.md say why). */
const OUTSIDE_CONSTRUCTS = /xml|json_?table|currentof|locking/i

/** Counts queries of scripts. */
export class Tally {
  readonly #fates = new Map<Fate['kind'], number>()
  readonly #reasons = new Map<string, number>()
  readonly #uses = new Map<string, number>()
  readonly #disagreements: Finding[] = []
  readonly #refused: Finding[] = []
  #described = 0
  #compared = 0

  add(query: SeenQuery): void {
    this.#described++
    const { facts, described, view, script, sql } = query
    if (facts === null) {
      this.#count(this.#reasons, `refused  not analysed: ${query.reason}`)
      this.#count(this.#fates, 'refused')
      this.#refused.push({ script, sql, what: query.reason })
      return
    }
    if (facts.outputs !== 'unknown') this.#compared++
    for (const found of disagreements(facts, described, view)) {
      this.#disagreements.push({ script, sql, what: describeDisagreement(found) })
    }
    if (!overPhi(facts)) return
    const fate = fateOf(query, facts)
    this.#count(this.#fates, fate.kind)
    if (fate.kind === 'question') for (const use of fate.uses) this.#count(this.#uses, use)
    if (fate.kind !== 'refused' && fate.kind !== 'outside') return
    for (const reason of fate.reasons) this.#count(this.#reasons, `${fate.kind}  ${reason}`)
    if (fate.kind === 'refused') this.#refused.push({ script, sql, what: fate.reasons.join('; ') })
  }

  get disagreements(): readonly Finding[] {
    return this.#disagreements
  }

  get refused(): readonly Finding[] {
    return this.#refused
  }

  /** Analysed queries among those over PHI and within what is analysed; 1 when there are none. */
  get analysedShare(): number {
    const analysed = this.#of('masked') + this.#of('question')
    const within = analysed + this.#of('refused')
    return within === 0 ? 1 : analysed / within
  }

  /** The figures, and the reasons of refusals by how often they occur. */
  table(): string {
    const over = [...this.#fates.values()].reduce((sum, one) => sum + one, 0)
    const rows: readonly (readonly [string, number | string])[] = [
      ['queries that the server describes', this.#described],
      ['  of these, number of output columns known and compared', this.#compared],
      ['  disagreements about columns', this.#disagreements.length],
      ['queries over relations with PHI', over],
      ['  outside what is analysed', this.#of('outside')],
      ['  within it', over - this.#of('outside')],
      ['    analysed', this.#of('masked') + this.#of('question')],
      ['      and told no more than masked values do', this.#of('masked')],
      ['      and asking more, which policy decides', this.#of('question')],
      ['    refused', this.#of('refused')],
      ['    analysed, of those within', `${(this.analysedShare * 100).toFixed(1)} %`],
    ]
    const width = Math.max(...rows.map(([title]) => title.length))
    const figures = rows.map(([title, value]) => `${title.padEnd(width)}  ${String(value).padStart(8)}`)
    return [
      ...figures,
      '',
      'asked more, by use:',
      ...listed(this.#uses),
      '',
      'reasons:',
      ...listed(this.#reasons),
    ].join('\n')
  }

  #of(kind: Fate['kind']): number {
    return this.#fates.get(kind) ?? 0
  }

  #count<K>(counts: Map<K, number>, key: K): void {
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
}

const listed = (counts: ReadonlyMap<string, number>): readonly string[] =>
  [...counts].toSorted(([, one], [, two]) => two - one).map(([name, count]) => `${String(count).padStart(7)}  ${name}`)

const describeDisagreement = ({ kind, column }: Disagreement): string => `${kind} (column ${column})`

/** Whether it reads a relation with PHI; what is refused for something else alone does not count. */
const overPhi = ({ relations }: SqlFacts): boolean => relations.some(({ phi }) => phi)

const lastPart = (name: string): string => name.split('.').at(-1) ?? name

function fateOf({ catalog }: SeenQuery, facts: SqlFacts): Fate {
  const userFunctions = new Set(catalog.userFunctions.map(({ name }) => name))
  const userOperators = new Set(catalog.userOperators.map(({ name }) => name))
  const isOutside = ({ kind, subject }: Hazard): boolean => {
    if (kind === 'function-not-known-safe') return userFunctions.has(lastPart(subject))
    if (kind === 'operator-not-known-safe') return userOperators.has(lastPart(subject))
    if (kind === 'construct-not-analysed') return OUTSIDE_CONSTRUCTS.test(subject)
    return kind === 'relation-not-allowed' || kind === 'code-not-analysed' || kind === 'setting-pinned'
  }
  if (facts.hazards.length > 0) {
    const outside = facts.hazards.filter(isOutside)
    const kind = outside.length > 0 ? 'outside' : 'refused'
    const named = kind === 'outside' ? outside : facts.hazards
    return { kind, reasons: named.map((hazard) => reasonOf(hazard, kind)) }
  }
  const beyond = facts.questions.filter(({ released }) => !released)
  return beyond.length === 0
    ? { kind: 'masked' }
    : { kind: 'question', uses: [...new Set(beyond.map(({ use }) => use))] }
}

/** A user's function is one reason, whatever its name. */
function reasonOf({ kind, subject }: Hazard, fate: 'outside' | 'refused'): string {
  const isUsers = fate === 'outside' && (kind === 'function-not-known-safe' || kind === 'operator-not-known-safe')
  return isUsers ? `${kind}: of the user` : `${kind}: ${subject}`
}
