import type { Config } from './config.ts'
import { usesTransform } from './transform-use.ts'

/** What of a configuration needs the store, in words for messages; empty: it is not opened. */
export function storeUses(config: Config): readonly string[] {
  const { approvals, delegation, activation, alerts, grants, store } = config
  const budgets = grants.some((grant) => grant.budgets.some(({ span }) => span !== 'session'))
  const remembers = alerts.firstAccess || alerts.volume !== undefined
  return [
    ...(usesTransform(config.phi, 'token') ? ['tokens'] : []),
    ...(approvals === undefined ? [] : ['approvals']),
    ...(delegation === undefined ? [] : ['delegation']),
    ...(budgets ? ['budgets'] : []),
    ...(activation.kind === 'managed' ? ['policy versions'] : []),
    ...(remembers ? ['alerts'] : []),
    // Somebody has set one up: revocations are kept there, and shared.
    ...(store.kind === 'server' ? ['revocations'] : []),
  ]
}
