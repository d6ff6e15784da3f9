import type { CompiledRule } from './compile-rules.ts'
import { circumstanceVariables, conditionVariables, type Subject } from './condition-variables.ts'
import type { Asks, Circumstances, Decision, DecisionRequest, Need, Warning } from './decision.ts'
import { compareFindings, type Finding } from './finding.ts'
import { hazardFindings } from './hazard-findings.ts'
import { asksOfRules, type Policy } from './policy.ts'
import { questionFindings } from './question-findings.ts'
import { relationFindings } from './relation-findings.ts'
import { ruleFindings } from './rule-findings.ts'

/**
 * One decision for all statements of a string by what does not change from one execution to the next: the strictest of all rules,
 * hazards, questions about PHI and lists of relations. Pure; never throws.
 */
export function decide(policy: Policy, request: DecisionRequest): Decision {
  const { clearance, relations } = request.access
  const subject = subjectOf(request)
  const findings = request.facts.flatMap((one, statement) => [
    ...relationFindings(one, relations, statement),
    ...hazardFindings(one, subject.masked, statement),
    ...questionFindings(one.questions, clearance, policy, statement),
    ...ruleFindings(policy.rules, conditionVariables(subject, one), statement),
  ])
  return conclude(findings, policy)
}

/** What an execution has to be told for `decideNow`; nothing at all: it need not be asked. Stays the same with the request. */
export function asksOf(policy: Policy, request: DecisionRequest): Asks {
  const subject = subjectOf(request)
  const rules = request.facts.flatMap((one) => applicable(policy.dynamicRules, conditionVariables(subject, one)))
  return asksOfRules(rules)
}

/** The same by the rules that ask for circumstances, and nothing else. */
export function decideNow(policy: Policy, request: DecisionRequest, circumstances: Circumstances): Decision {
  const subject = subjectOf(request)
  const moment = circumstanceVariables(circumstances)
  const findings = request.facts.flatMap((one, statement) => {
    const variables = conditionVariables(subject, one)
    return ruleFindings(applicable(policy.dynamicRules, variables), { ...variables, ...moment }, statement)
  })
  return conclude(findings, policy)
}

const STRICTNESS: Readonly<Record<Decision['outcome'], number>> = { refuse: 2, hold: 1, allow: 0 }

/** The stricter of two decisions, with the warnings, alerts and needs of both. */
export function combine(left: Decision, right: Decision): Decision {
  const stricter = STRICTNESS[left.outcome] >= STRICTNESS[right.outcome] ? left : right
  const common = {
    rules: [...new Set([...left.rules, ...right.rules])].toSorted(),
    warnings: [...left.warnings, ...right.warnings],
    alerts: [...left.alerts, ...right.alerts],
  }
  if (stricter.outcome !== 'hold') return { ...stricter, ...common }
  const needs = [left, right].flatMap((one) => (one.outcome === 'hold' ? one.needs : []))
  return { ...stricter, ...common, needs: distinct(needs) }
}

function subjectOf({ principal, target, access, facts }: DecisionRequest): Subject {
  const { clearance } = access
  const masked = !clearance.clearsEverything
  return { principal, target, masked, seesPhi: clearance.clearsAnything, statements: facts.length }
}

/** Rules that could hold: those whose part without circumstances does, or cannot be evaluated. */
function applicable(
  rules: readonly CompiledRule[],
  variables: Readonly<Record<string, unknown>>,
): readonly CompiledRule[] {
  return rules.filter(({ condition: { guard } }) => {
    if (guard === undefined) return true
    try {
      return guard.holds(variables)
    } catch {
      return true
    }
  })
}

function conclude(findings: readonly Finding[], { approvals }: Policy): Decision {
  const rules = [...new Set(findings.map(({ rule }) => rule))].toSorted()
  const common = { rules, warnings: told(findings, 'warned'), alerts: told(findings, 'alerted') }
  const [strictest] = findings.toSorted(compareFindings)
  if (strictest?.code === undefined) return { outcome: 'allow', ...common }
  const { code, rule, message, hint, reason, statement, severity } = strictest
  if (severity !== 'held' || approvals === undefined) {
    return { outcome: 'refuse', code, rule, message, hint, reason, statement, ...common }
  }
  const needs = findings.flatMap(({ rule: name, hold }): Need[] => {
    return hold === undefined ? [] : [{ rule: name, message: hold.message, ...(hold.approval ?? approvals) }]
  })
  return { outcome: 'hold', needs: distinct(needs), rule, message, hint, statement, ...common }
}

const told = (findings: readonly Finding[], severity: Finding['severity']): readonly Warning[] =>
  findings.flatMap((one) => (one.severity === severity ? [{ rule: one.rule, message: one.message }] : []))

/** Each need once, in an order that does not depend on that of the rules. */
function distinct(needs: readonly Need[]): readonly Need[] {
  const byText = new Map(
    needs.map(({ rule, message, pools, quorum }) => {
      const need = { rule, message, pools: [...new Set(pools)].toSorted(), quorum }
      return [JSON.stringify(Object.values(need)), need]
    }),
  )
  return [...byText].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, need]) => need)
}
