import type { GrantConfig, PrincipalMatch, RuleConfig } from './config.ts'

/** A principal that is matched by the fields given. */
export const principalMatch = (match: Partial<PrincipalMatch>): PrincipalMatch => ({
  issuer: undefined,
  subject: undefined,
  group: undefined,
  kind: undefined,
  claim: undefined,
  ...match,
})

/** A grant as the file gives it when only these fields are there: masked access of agents to the target `hospital`. */
export const grantConfig = (grant: Partial<GrantConfig> = {}): GrantConfig => ({
  name: 'agents',
  use: 'access',
  principals: [principalMatch({ kind: 'agent' })],
  chain: undefined,
  targets: ['hospital'],
  purposes: undefined,
  schedule: undefined,
  notBefore: undefined,
  expires: undefined,
  relations: undefined,
  budgets: [],
  onRequest: undefined,
  requiresPatients: false,
  tokenScope: grant.name ?? 'agents',
  clearance: { default: 'masked', classes: {} },
  ...grant,
})

/** A rule with defaults. */
export const ruleConfig = (rule: Pick<RuleConfig, 'name' | 'when' | 'effect'> & Partial<RuleConfig>): RuleConfig => ({
  message: undefined,
  hint: undefined,
  approval: undefined,
  ...rule,
})
