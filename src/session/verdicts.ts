import type { Access, Asks, Decision } from '../decide/decision.ts'
import { asksOf, decide } from '../decide/decide.ts'
import type { Policy } from '../decide/policy.ts'
import type { Principal } from '../identity/principal.ts'
import type { Inspection } from '../inspect/sql/inspector.ts'
import type { Effect, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Verdict } from '../protocols/protocol.ts'
import { type Fragment, fragment, type JsonValue } from '../record/canonical.ts'
import { type DecisionInputs, decisionInputs } from './decision-inputs.ts'

/** A verdict with what the journal says of it, made once and shared by every operation that it covers. */
export interface JudgedVerdict {
  readonly verdict: Verdict
  /** Journal header: what the operation is. Free of PHI: names, effects, rules; no literal. */
  readonly what: Fragment
  /** Journal body: the statement without its literals. */
  readonly body: string
  /** The same text. */
  readonly redacted: string
  /** What `what` says, in parts. */
  readonly described: Described
  /** Undefined when nothing was analysed. */
  readonly inputs: DecisionInputs | undefined
  /** What each execution needs besides; undefined when there is nothing, and all of them may begin. */
  readonly due: Due | undefined
}

/** What is left to do when an execution begins. */
export interface Due {
  /** An approval, warnings or alerts; never a refusal. */
  readonly decision: Exclude<Decision, { readonly outcome: 'refuse' }>
  readonly asks: Asks
}

export interface Profile {
  readonly policy: Policy
  readonly principal: Principal
  readonly target: string
  readonly access: Access
}

/** Effects that change nothing outside the session, so that they may be forwarded while their intent is being made durable. */
const HARMLESS: ReadonlySet<Effect> = new Set(['read', 'session', 'transaction'])

const changesSomething = (facts: readonly SqlFacts[]): boolean =>
  facts.some((one) => one.effects.some((effect) => !HARMLESS.has(effect)) || one.session.kind === 'commit')

/** Judges inspections for one profile (principal, access, target, policy) and remembers the verdicts. */
export class Verdicts {
  readonly profile: Profile
  readonly #known = new WeakMap<Inspection, JudgedVerdict>()

  constructor(profile: Profile) {
    this.profile = profile
  }

  of(inspection: Inspection): JudgedVerdict {
    let judged = this.#known.get(inspection)
    if (judged === undefined) {
      judged = this.#judge(inspection)
      this.#known.set(inspection, judged)
    }
    return judged
  }

  #judge(inspection: Inspection): JudgedVerdict {
    if (!inspection.ok) {
      const error = new ChaperoneError(inspection.code, { message: inspection.message })
      const verdict: Verdict = { kind: 'refused', facts: [], error, position: inspection.position }
      const what = fragment({ code: inspection.code, decision: 'refuse' })
      return { verdict, what, body: '{}', redacted: '', described: NOTHING, inputs: undefined, due: undefined }
    }
    const { statements: facts, redacted } = inspection
    const { policy, principal, target, access } = this.profile
    const request = { principal, target, access, facts }
    const decision = decide(policy, request)
    const described = describe(facts, !access.clearance.clearsEverything)
    const inputs = decisionInputs(facts)
    const common = { redacted, described, inputs, body: JSON.stringify({ statement: redacted }) }
    const header = { ...described, facts: inputs.digest }
    if (decision.outcome === 'refuse') {
      const what = fragment({ ...header, code: decision.code, decision: 'refuse', rule: decision.rule })
      const verdict = { kind: 'refused', facts, error: refusalOf(decision), position: undefined } as const
      return { ...common, verdict, what, due: undefined }
    }
    return {
      ...common,
      verdict: Object.freeze({ kind: 'allowed', facts, effectful: changesSomething(facts) }),
      what: fragment({ ...header, decision: decision.outcome, rules: [...decision.rules] }),
      due: facts.every(onlyPrepares) ? undefined : dueOf(decision, asksOf(policy, request)),
    }
  }
}

/** What a client is told of a decision that refuses. */
export const refusalOf = ({
  code,
  message,
  hint,
  rule,
  reason,
}: Extract<Decision, { readonly outcome: 'refuse' }>): ChaperoneError =>
  new ChaperoneError(code, { message, hint, rule, ...(reason === undefined ? {} : { reason }) })

/** What it prepares is asked about when it is run. */
const onlyPrepares = ({ session }: SqlFacts): boolean => session.kind === 'prepare'

function dueOf(decision: Due['decision'], asks: Asks): Due | undefined {
  const isPlain = decision.outcome === 'allow' && decision.warnings.length === 0 && decision.alerts.length === 0
  return isPlain && !asks.estimate && !asks.recent && !asks.time ? undefined : { decision, asks }
}

/** A type, not an interface: it goes into headers as JSON. */
export type Described = {
  readonly commands: readonly string[]
  readonly effects: readonly Effect[]
  readonly masked: boolean
  readonly relations: readonly string[]
} & { readonly [member: string]: JsonValue }

const NOTHING: Described = Object.freeze({ commands: [], effects: [], masked: true, relations: [] })

/** Names listed of each kind; a header has a bounded size, whatever the statement. */
const MAX_NAMES = 64

function describe(facts: readonly SqlFacts[], masked: boolean): Described {
  const relations = facts.flatMap((one) =>
    one.relations.map((use) => `${use.action} ${recordedName(use)}${use.phi ? ' phi' : ''}`),
  )
  return {
    commands: commandsOf(facts),
    effects: [...new Set(facts.flatMap((one) => one.effects))].toSorted(),
    masked,
    relations: bounded([...new Set(relations)].toSorted()),
  }
}

/** A name that the catalog does not know, or that a client gave to a temporary table, can be anything, even a patient's. */
function recordedName({ schema, name, oid }: RelationUse): string {
  if (oid === null || schema === null) return '?'
  return schema.startsWith('pg_temp') ? 'pg_temp.?' : `${schema}.${name}`
}

/** The commands of a text, for a journal header. */
export const commandsOf = (facts: readonly SqlFacts[]): readonly string[] => bounded(facts.map((one) => one.command))

function bounded(names: readonly string[]): readonly string[] {
  return names.length <= MAX_NAMES ? names : [...names.slice(0, MAX_NAMES), `and ${names.length - MAX_NAMES} more`]
}
