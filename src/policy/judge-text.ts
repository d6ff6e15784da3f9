import { access } from '../decide/access.ts'
import { asksOf, combine, decide, decideNow } from '../decide/decide.ts'
import type { Access, Asks, Circumstances, Decision, DecisionRequest, Moment } from '../decide/decision.ts'
import type { Policy } from '../decide/policy.ts'
import type { Principal } from '../identity/principal.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { Inspection } from '../inspect/sql/inspector.ts'

/** What is known of a text for a target. */
export interface Analysed {
  readonly inspection: Inspection
  /** Classes of the labelled columns that a statement reads, writes or shows, sorted. */
  readonly classesOf: (facts: SqlFacts) => readonly string[]
}

/** Looks at a text as the gateway would. */
export type Analyse = (target: string, sql: string, searchPath: readonly string[]) => Promise<Analysed>

export interface Question {
  readonly principal: Principal
  readonly target: string
  readonly sql: string
  readonly searchPath: readonly string[]
  readonly moment: Moment
  /** What is not said is as it restricts. */
  readonly circumstances: Circumstances
}

export type Judgement =
  | { readonly kind: 'no-access' }
  | { readonly kind: 'not-understood'; readonly access: Access; readonly code: string; readonly message: string }
  | {
      readonly kind: 'judged'
      readonly access: Access
      readonly facts: readonly SqlFacts[]
      readonly decision: Decision
      readonly asks: Asks
      /** Classes that are touched, and those of them that are masked for this principal. */
      readonly classes: readonly string[]
      readonly masked: readonly string[]
    }

/** The decision about a text, with everything that it rests on. */
export async function judgeText(policy: Policy, question: Question, analyse: Analyse): Promise<Judgement> {
  const { principal, target, sql, searchPath, moment, circumstances } = question
  const granted = access(policy, principal, target, moment)
  if (granted === undefined) return { kind: 'no-access' }
  const { inspection, classesOf } = await analyse(target, sql, searchPath)
  if (!inspection.ok) {
    return { kind: 'not-understood', access: granted, code: inspection.code, message: inspection.message }
  }
  const facts = inspection.statements
  const request = { principal, target, access: granted, facts }
  const classes = [...new Set(facts.flatMap(classesOf))].toSorted()
  return {
    kind: 'judged',
    access: granted,
    facts,
    ...decideAll(policy, request, circumstances),
    classes,
    masked: classes.filter((name) => !isClear(granted, name)),
  }
}

/** By the facts and by the circumstances. */
export function decideAll(
  policy: Policy,
  request: DecisionRequest,
  circumstances: Circumstances,
): { readonly decision: Decision; readonly asks: Asks } {
  return {
    decision: combine(decide(policy, request), decideNow(policy, request, circumstances)),
    asks: asksOf(policy, request),
  }
}

/** What has no label is cleared only with everything. */
const isClear = ({ clearance }: Access, name: string): boolean =>
  clearance.clearsEverything || (name !== 'unlabelled' && clearance.clears(name))
