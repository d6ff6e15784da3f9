import type { ApprovalNeedConfig, GrantConfig, RuleConfig, RuleEffect } from '../config/config.ts'
import { grantConfig, principalMatch, ruleConfig } from '../config/policy-test-support.ts'
import type { Principal } from '../identity/principal.ts'
import type { RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { access } from './access.ts'
import { decide } from './decide.ts'
import type { Access, Decision } from './decision.ts'
import { compilePolicy, type Policy } from './policy.ts'

export const AGENT: Principal = {
  issuer: 'corp',
  subject: 'agent-7',
  kind: 'agent',
  groups: ['ehr'],
  name: undefined,
  claims: { dept: 'icu', units: ['a', 'b'] },
}

export const grant = (name: string, fields: Partial<GrantConfig> = {}): GrantConfig => grantConfig({ name, ...fields })

export const match = principalMatch

export const rule = (name: string, when: string, effect: RuleEffect): RuleConfig => ruleConfig({ name, when, effect })

export const APPROVERS: ApprovalNeedConfig = { pools: ['privacy'], quorum: 1 }

export function policyOf(
  rules: readonly RuleConfig[],
  grants: readonly GrantConfig[] = [grant('g')],
  disable: readonly string[] = [],
  approvals?: ApprovalNeedConfig,
): Policy {
  const phi = { predicates: { default: 'released-granularity', classes: {} } } as const
  const packs = { guardrails: { disable } }
  return compilePolicy({
    grants,
    rules,
    packs,
    phi,
    policyVersion: 'sha256:0',
    approvals: approvals && { default: approvals },
  })
}

export const CLEAR = grant('clear', { clearance: { default: 'clear', classes: {} } })

export const NOON = Date.UTC(2026, 5, 15, 12)

export const accessOf = (...grants: readonly GrantConfig[]): Access => {
  const result = access(policyOf([], grants), AGENT, 'hospital', { now: NOON, activated: [] })
  if (result === undefined) throw new TypeError('no access')
  return result
}

export const MASKED = accessOf(grant('g'))
export const CLEARED = accessOf(CLEAR)

export const READ: SqlFacts = {
  command: 'SELECT',
  effects: ['read'],
  relations: [],
  functions: [],
  bounded: 'not-applicable',
  limited: false,
  hazards: [],
  outputs: [],
  phiReachable: false,
  questions: [],
  catalogUse: { relations: [], names: [], functions: [], operators: [] },
  session: { kind: 'none' },
}

export const facts = (fields: Partial<SqlFacts>): SqlFacts => ({ ...READ, ...fields })

export const relation = (fields: Partial<RelationUse>): RelationUse => {
  return { schema: 'ehr', name: 'patients', oid: 1, action: 'read', columns: '*', phi: true, ...fields }
}

export const ask = (rules: readonly RuleConfig[], given: readonly SqlFacts[], held: Access = MASKED): Decision =>
  decide(policyOf(rules), { principal: AGENT, target: 'hospital', access: held, facts: given })
