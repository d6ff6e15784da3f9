import type {
  ApprovalNeedConfig,
  ApprovalsConfig,
  Config,
  GrantConfig,
  PhiConfig,
  PredicatesConfig,
} from '../config/config.ts'
import { type CompiledRule, compileRules } from './compile-rules.ts'
import type { Asks } from './decision.ts'

/** Grants, rules and what may be asked about PHI, ready to be applied. Immutable. */
export interface Policy {
  readonly version: string
  readonly grants: readonly GrantConfig[]
  /** Rules that the facts are enough for. */
  readonly rules: readonly CompiledRule[]
  /** Rules that ask for circumstances as well. */
  readonly dynamicRules: readonly CompiledRule[]
  /** What any of them asks for. */
  readonly asks: Asks
  readonly predicates: PredicatesConfig
  /** Who may decide where a rule does not say; undefined: nobody can be asked, and what is held is refused. */
  readonly approvals: ApprovalNeedConfig | undefined
}

export type PolicyInput = Pick<Config, 'grants' | 'rules' | 'packs' | 'policyVersion'> & {
  readonly phi: Pick<PhiConfig, 'predicates'>
  readonly approvals?: Pick<ApprovalsConfig, 'default'> | undefined
}

/** @throws PolicyError for rules that do not compile, which `loadConfig` has reported already when it got `policyChecks` */
export function compilePolicy(input: PolicyInput): Policy {
  const rules = compileRules(input)
  const dynamicRules = rules.filter(isDynamic)
  return Object.freeze({
    version: input.policyVersion,
    grants: input.grants,
    rules: rules.filter((rule) => !isDynamic(rule)),
    dynamicRules,
    asks: asksOfRules(dynamicRules),
    predicates: input.phi.predicates,
    approvals: input.approvals?.default,
  })
}

const isDynamic = ({ condition }: CompiledRule): boolean => condition.circumstances.length > 0

/** What rules could ask for. */
export function asksOfRules(rules: readonly CompiledRule[]): Asks {
  const names = new Set(rules.flatMap(({ condition }) => condition.circumstances))
  return Object.freeze({ estimate: names.has('estimatedRows'), recent: names.has('recent'), time: names.has('now') })
}
