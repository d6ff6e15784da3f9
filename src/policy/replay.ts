import { access } from '../decide/access.ts'
import { asksOf, decide } from '../decide/decide.ts'
import type { Access, Decision } from '../decide/decision.ts'
import type { Policy } from '../decide/policy.ts'
import { chainOf, memberKey } from '../identity/principal.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { type RecordedSession, recordedFacts, recordedSession } from './recorded-facts.ts'
import { momentOf } from './run-tests.ts'

/** A record of the journal, as its reader gives it. */
export interface ReplayedRecord {
  readonly header: {
    readonly kind: string
    readonly seq: number
    readonly session: string
    readonly time: string
    readonly what: unknown
    readonly who: unknown
  }
  /** JSON; undefined when there is none, or it was deleted. */
  readonly body: string | undefined
}

export type Outcome = Decision['outcome'] | 'no-access'

/** A decision that would be another one, and how often it was made. */
export interface ChangedDecision {
  readonly chain: readonly string[]
  readonly purpose: string | undefined
  readonly target: string
  readonly commands: readonly string[]
  /** `action schema.name`. */
  readonly relations: readonly string[]
  readonly before: Outcome
  readonly after: Outcome
  /** Of the decision that refuses or holds. */
  readonly rule: string | undefined
  readonly message: string | undefined
  /** Set when what the chain sees masked is not the same. */
  readonly clearance: { readonly before: string; readonly after: string } | undefined
  /** What happens also depends on the planner's estimate, the last hour or the time. */
  readonly dependsOnCircumstances: boolean
  readonly count: number
  readonly first: string
  readonly last: string
  readonly sequence: number
}

export interface ReplayReport {
  /** Versions that decided then, sorted. */
  readonly recorded: readonly string[]
  readonly candidate: string
  readonly decisions: number
  readonly unchanged: number
  /** Decisions of which not all that decides is on record. */
  readonly unknown: number
  readonly changed: readonly ChangedDecision[]
}

/** Refusals that a decision by the facts can give; any other was for something else. */
const DECIDED_CODES: ReadonlySet<string> = new Set([
  'CHP-POLICY-REFUSED',
  'CHP-POLICY-UNGRANTED',
  'CHP-POLICY-ERROR',
  'CHP-MASK-UNPROVEN',
  'CHP-MASK-UNRESOLVED',
  'CHP-MASK-SESSION',
  'CHP-MASK-PREDICATE',
])
/** A hold is refused with one of these where nobody approves in time. */
const HOLD_CODES: ReadonlySet<string> = new Set([
  'CHP-POLICY-HELD',
  'CHP-APPROVAL-PENDING',
  'CHP-APPROVAL-REFUSED',
  'CHP-APPROVAL-WITHDRAWN',
  'CHP-APPROVAL-UNAVAILABLE',
])

interface ReplayedSession extends RecordedSession {
  readonly target: string
}

/** Decides what is on record once more, by another version. Facts are those of the time; circumstances are not on record. */
export async function replay(records: AsyncIterable<ReplayedRecord>, candidate: Policy): Promise<ReplayReport> {
  const replayed = new Replay(candidate)
  for await (const record of records) replayed.take(record)
  return replayed.report()
}

class Replay {
  readonly #candidate: Policy
  readonly #sessions = new Map<string, ReplayedSession>()
  readonly #facts = new Map<string, readonly SqlFacts[]>()
  readonly #versions = new Set<string>()
  readonly #changed = new Map<string, ChangedDecision>()
  #decisions = 0
  #unchanged = 0
  #unknown = 0

  constructor(candidate: Policy) {
    this.#candidate = candidate
  }

  take({ header, body }: ReplayedRecord): void {
    const { kind, session } = header
    switch (kind) {
      case 'session-start':
        this.#start(header, body)
        return
      case 'session-end':
        this.#sessions.delete(session)
        return
      case 'facts': {
        const digest = member(header.what, 'facts')
        const facts = body === undefined ? undefined : recordedFacts(body)
        if (digest !== undefined && facts !== undefined) this.#facts.set(digest, facts)
        return
      }
      case 'intent':
      case 'refusal':
        this.#decide(header)
    }
  }

  report(): ReplayReport {
    return {
      recorded: [...this.#versions].toSorted(),
      candidate: this.#candidate.version,
      decisions: this.#decisions,
      unchanged: this.#unchanged,
      unknown: this.#unknown,
      changed: [...this.#changed.values()].toSorted((left, right) => left.sequence - right.sequence),
    }
  }

  #start({ session, who }: ReplayedRecord['header'], body: string | undefined): void {
    const target = member(who, 'target')
    const version = member(who, 'policy')
    const recorded = body === undefined ? undefined : recordedSession(body)
    if (version !== undefined) this.#versions.add(version)
    if (target !== undefined && recorded !== undefined) this.#sessions.set(session, { ...recorded, target })
  }

  #decide(header: ReplayedRecord['header']): void {
    const before = outcomeOf(header)
    if (before === undefined) return
    this.#decisions++
    const session = this.#sessions.get(header.session)
    const facts = this.#facts.get(member(header.what, 'facts') ?? '')
    if (session === undefined || facts === undefined) {
      this.#unknown++
      return
    }
    const { principal, target, grants } = session
    const now = Date.parse(header.time)
    const isForConstants = member(header.what, 'rule') === 'masking.condition' && facts.some(asksByStandIn)
    const granted = access(this.#candidate, principal, target, momentOf(this.#candidate, principal, grants, now))
    const request = granted && { principal, target, access: granted, facts }
    const decision = request && decide(this.#candidate, request)
    const after = decision === undefined ? 'no-access' : decision.outcome
    // What needs an approval is refused where nobody can be asked.
    const held = decision?.outcome === 'refuse' && HOLD_CODES.has(decision.code)
    const asks = request && asksOf(this.#candidate, request)
    const dependsOnCircumstances = asks !== undefined && (asks.estimate || asks.recent || asks.time)
    // Which constants were compared is not on record.
    if (isForConstants && after === 'allow') {
      this.#unknown++
      return
    }
    const clearance = changedClearance(session, granted)
    const same = before === after || (before === 'hold' && held)
    // That it was held for circumstances can be so again.
    const mayBeSame = before === 'hold' && after === 'allow' && dependsOnCircumstances
    if (clearance === undefined && (same || mayBeSame)) {
      this.#unchanged++
      return
    }
    const decided = decision === undefined || decision.outcome === 'allow' ? undefined : decision
    this.#note(header, {
      chain: chainOf(principal).map(memberKey),
      purpose: principal.purpose,
      target,
      commands: facts.map(({ command }) => command),
      relations: [...new Set(facts.flatMap(relationsOf))].toSorted(),
      before,
      after: held ? 'hold' : after,
      rule: decided?.rule ?? member(header.what, 'rule'),
      message: decided?.message,
      clearance,
      dependsOnCircumstances,
    })
  }

  #note(
    { time, seq }: ReplayedRecord['header'],
    change: Omit<ChangedDecision, 'count' | 'first' | 'last' | 'sequence'>,
  ): void {
    const key = JSON.stringify(change)
    const known = this.#changed.get(key)
    this.#changed.set(key, {
      ...change,
      count: (known?.count ?? 0) + 1,
      first: known?.first ?? time,
      last: time,
      sequence: known?.sequence ?? seq,
    })
  }
}

function outcomeOf({ kind, what }: ReplayedRecord['header']): Outcome | undefined {
  if (kind === 'intent') return member(what, 'approval') === undefined ? 'allow' : 'hold'
  const code = member(what, 'code') ?? ''
  if (HOLD_CODES.has(code)) return 'hold'
  return DECIDED_CODES.has(code) ? 'refuse' : undefined
}

const asksByStandIn = ({ questions }: SqlFacts): boolean => questions.some(({ byStandIn }) => byStandIn === true)

const changedClearance = ({ clearance: before }: RecordedSession, granted: Access | undefined) =>
  granted === undefined || granted.clearance.key === before ? undefined : { before, after: granted.clearance.key }

const relationsOf = ({ relations }: SqlFacts): readonly string[] =>
  relations.map(({ action, schema, name }) => `${action} ${schema === null ? '?' : `${schema}.${name}`}`)

function member(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  const found: unknown = Reflect.get(value, name)
  return typeof found === 'string' ? found : undefined
}
