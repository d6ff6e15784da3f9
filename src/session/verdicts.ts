import type { Access, Policy, Principal } from '../decide/policy.ts'
import { decide } from '../decide/policy.ts'
import type { Inspection } from '../inspect/sql/inspector.ts'
import type { Effect, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Verdict } from '../protocols/protocol.ts'
import { type Fragment, fragment } from '../record/canonical.ts'

/** A verdict with what the journal says of it, made once and shared by every operation that it covers. */
export interface JudgedVerdict {
  readonly verdict: Verdict
  /** Journal header: what the operation is. Free of PHI: names, effects, rules; no literal. */
  readonly what: Fragment
  /** Journal body: the statement without its literals. */
  readonly body: string
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
  readonly #profile: Profile
  readonly #known = new WeakMap<Inspection, JudgedVerdict>()

  constructor(profile: Profile) {
    this.#profile = profile
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
      return { verdict, what: fragment({ code: inspection.code, decision: 'refuse' }), body: '{}' }
    }
    const facts = inspection.statements
    const { policy, principal, target, access } = this.#profile
    const decision = decide(policy, { principal, target, access, facts })
    const body = JSON.stringify({ statement: inspection.redacted })
    const described = describe(facts, !access.clearance.clearsEverything)
    if (decision.outcome === 'refuse') {
      const error = new ChaperoneError(decision.code, {
        message: decision.message,
        hint: decision.hint,
        rule: decision.rule,
        ...(decision.reason === undefined ? {} : { reason: decision.reason }),
      })
      const what = fragment({ ...described, code: decision.code, decision: 'refuse', rule: decision.rule })
      return { verdict: { kind: 'refused', facts, error, position: undefined }, what, body }
    }
    return {
      verdict: Object.freeze({ kind: 'allowed', facts, effectful: changesSomething(facts) }),
      what: fragment({ ...described, decision: 'allow', rules: [...decision.rules] }),
      body,
    }
  }
}

/** Names listed of each kind; a header has a bounded size, whatever the statement. */
const MAX_NAMES = 64

function describe(facts: readonly SqlFacts[], masked: boolean) {
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
