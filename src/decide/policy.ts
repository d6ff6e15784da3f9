import type { Config, GrantConfig, PhiConfig, PredicatesConfig } from '../config/config.ts'
import type { Principal } from '../identity/principal.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ErrorCode } from '../lib/errors.ts'
import { type Clearance, combineClearances } from './clearance.ts'
import { type CompiledRule, compileRules } from './compile-rules.ts'
import { conditionVariables } from './condition-variables.ts'
import { compareFindings } from './finding.ts'
import { hazardFindings } from './hazard-findings.ts'
import { matchesPrincipal } from './principal-match.ts'
import { questionFindings } from './question-findings.ts'
import { ruleFindings } from './rule-findings.ts'

export type { Principal } from '../identity/principal.ts'
export type { Clearance } from './clearance.ts'

/** Grants, rules and what may be asked about PHI, ready to be applied. Immutable. */
export interface Policy {
  readonly version: string
  readonly grants: readonly GrantConfig[]
  readonly rules: readonly CompiledRule[]
  readonly predicates: PredicatesConfig
}

export type PolicyInput = Pick<Config, 'grants' | 'rules' | 'packs' | 'policyVersion'> & {
  readonly phi: Pick<PhiConfig, 'predicates'>
}

/** @throws PolicyError for rules that do not compile, which `loadConfig` has reported already when it got `policyChecks` */
export function compilePolicy(input: PolicyInput): Policy {
  return Object.freeze({
    version: input.policyVersion,
    grants: input.grants,
    rules: compileRules(input),
    predicates: input.phi.predicates,
  })
}

/** What a principal may do with one target. */
export interface Access {
  /** Names of the grants that give it, sorted. */
  readonly grants: readonly string[]
  readonly clearance: Clearance
  /** Who shares tokens: the scopes of those grants. */
  readonly tokenGroup: string
}

/** Undefined: refused (CHP-AUTH-REFUSED), whether or not there is such a target. */
export function access(policy: Policy, principal: Principal, target: string): Access | undefined {
  const grants = policy.grants.filter(
    (grant) => grant.targets.includes(target) && grant.principals.some((match) => matchesPrincipal(match, principal)),
  )
  if (grants.length === 0) return undefined
  return Object.freeze({
    grants: grants.map(({ name }) => name).toSorted(),
    clearance: combineClearances(grants.map(({ clearance }) => clearance)),
    tokenGroup: [...new Set(grants.map(({ tokenScope }) => tokenScope))].toSorted().join('+'),
  })
}

export interface DecisionRequest {
  readonly principal: Principal
  readonly target: string
  readonly access: Access
  /** All statements of one string. */
  readonly facts: readonly SqlFacts[]
}

export interface Warning {
  readonly rule: string
  readonly message: string
}

export type Decision =
  | {
      readonly outcome: 'allow'
      /** Every rule that matched, sorted: here those that only warn. */
      readonly rules: readonly string[]
      readonly warnings: readonly Warning[]
    }
  | {
      readonly outcome: 'refuse'
      readonly code: ErrorCode
      /** The rule that the other fields speak of. */
      readonly rule: string
      /** For the client; free of values. */
      readonly message: string
      readonly hint: string
      /** For the log: why a rule could not be evaluated. */
      readonly reason: string | undefined
      /** Index of the statement that is refused. All others of the string are refused with it. */
      readonly statement: number
      /** Every rule that matched or failed, in any statement, sorted. */
      readonly rules: readonly string[]
      readonly warnings: readonly Warning[]
    }

/** One decision for all statements of a string: the strictest of all rules, hazards and questions about PHI. Pure; never throws. */
export function decide(policy: Policy, request: DecisionRequest): Decision {
  const { principal, target, facts } = request
  const { clearance } = request.access
  const masked = !clearance.clearsEverything
  const subject = { principal, target, masked, seesPhi: clearance.clearsAnything, statements: facts.length }
  const findings = facts.flatMap((one, statement) => [
    ...hazardFindings(one, masked, statement),
    ...questionFindings(one.questions, clearance, policy.predicates, statement),
    ...ruleFindings(policy.rules, conditionVariables(subject, one), statement),
  ])
  const rules = [...new Set(findings.map(({ rule }) => rule))].toSorted()
  const warnings = findings.flatMap(({ severity, rule, message }) => (severity === 'warned' ? [{ rule, message }] : []))
  const [strictest] = findings.toSorted(compareFindings)
  if (strictest?.code === undefined) return { outcome: 'allow', rules, warnings }
  const { code, rule, message, hint, reason, statement } = strictest
  return { outcome: 'refuse', code, rule, message, hint, reason, statement, rules, warnings }
}
