import { bare } from './bare.ts'
import { buildPrincipals } from './build-parts.ts'
import { BUDGET_SPANS, BUDGET_UNITS } from './budget-units.ts'
import type {
  ActivationConfig,
  ApprovalNeedConfig,
  ApprovalsConfig,
  BudgetConfig,
  ChainMatch,
  GrantConfig,
  PrincipalMatch,
  RuleConfig,
} from './config.ts'
import { parseGrantedRelation } from './granted-relation.ts'
import type { ParsedConfig } from './schema.ts'

type ParsedGrant = ParsedConfig['grants'][number]

/** Nobody: cross-checks exclude a need where there is no section `approvals`. */
const NO_NEED: ApprovalNeedConfig = { pools: [], quorum: 1 }

export function buildGrant(grant: ParsedGrant, approvals: ApprovalsConfig | undefined): GrantConfig {
  const { onRequest } = grant
  return {
    name: grant.name,
    use: grant.use,
    principals: buildPrincipals(grant.principals),
    chain: grant.chain === undefined ? undefined : buildChain(grant.chain),
    targets: grant.targets,
    purposes: grant.purposes,
    schedule: grant.schedule,
    notBefore: grant.notBefore,
    expires: grant.expires,
    relations: grant.tables?.flatMap((text) => parseGrantedRelation(text) ?? []),
    budgets: buildBudgets(grant.budgets),
    onRequest:
      onRequest === undefined ? undefined : { ...buildNeed(onRequest, approvals), maxDuration: onRequest.maxDuration },
    requiresPatients: grant.requiresPatients,
    tokenScope: grant.tokenScope ?? grant.name,
    clearance: {
      default: grant.clearance.default,
      classes: bare(grant.clearance.classes, (level) => level ?? grant.clearance.default),
    },
  }
}

function buildChain(chain: NonNullable<ParsedGrant['chain']>): ChainMatch {
  if (chain === 'none') return { kind: 'none' }
  return { kind: 'onBehalfOf', origin: buildPrincipals(chain.onBehalfOf ?? []), maxLength: chain.maxLength }
}

function buildBudgets(budgets: ParsedGrant['budgets']): readonly BudgetConfig[] {
  return BUDGET_SPANS.flatMap((span) =>
    BUDGET_UNITS.flatMap((unit) => {
      const limit = budgets[span]?.[unit]
      return limit === undefined ? [] : [{ span, unit, limit }]
    }),
  )
}

interface ParsedNeed {
  readonly pools?: readonly string[] | undefined
  readonly quorum?: number | undefined
}

/** What is not said is as in `approvals.default`. */
function buildNeed({ pools, quorum }: ParsedNeed, approvals: ApprovalsConfig | undefined): ApprovalNeedConfig {
  const fallback = approvals?.default ?? NO_NEED
  return { pools: (pools ?? fallback.pools).toSorted(), quorum: quorum ?? fallback.quorum }
}

export function buildRule(rule: ParsedConfig['rules'][number], approvals: ApprovalsConfig | undefined): RuleConfig {
  const { name, when, effect, message, hint, approval } = rule
  return { name, when, effect, message, hint, approval: approval && buildNeed(approval, approvals) }
}

export function buildActivation(activation: ParsedConfig['policy']['activation']): ActivationConfig {
  if (activation === 'file') return { kind: 'file' }
  return { kind: 'managed', pools: activation.pools.toSorted(), quorum: activation.quorum }
}

/** Everything that principals are compared with. */
export function allMatches(
  grants: readonly GrantConfig[],
  approvals: ApprovalsConfig | undefined,
): readonly PrincipalMatch[] {
  return [
    ...grants.flatMap(({ principals, chain }) => [
      ...principals,
      ...(chain?.kind === 'onBehalfOf' ? chain.origin : []),
    ]),
    ...(approvals?.pools ?? []).flatMap(({ principals }) => principals),
  ]
}
