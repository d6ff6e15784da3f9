import { hash } from 'node:crypto'
import type { ChainMatch, GrantConfig } from '../config/config.ts'
import { chainKey, chainOf, type Member, type Principal } from '../identity/principal.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { chainClearance } from './clearance.ts'
import type { Access, Moment } from './decision.ts'
import { grantDigest } from './grant-digest.ts'
import { coversList, unionOf } from './granted-relations.ts'
import type { Policy } from './policy.ts'
import { matchesPrincipal } from './principal-match.ts'
import { isWithin, scheduleStands } from './schedule.ts'

/**
 * What a chain may do with a target at a moment: the intersection over its members of what the grants of each give together. Undefined:
 * refused (CHP-AUTH-REFUSED), whether or not there is such a target.
 */
export function access(policy: Policy, principal: Principal, target: string, moment: Moment): Access | undefined {
  if (principal.targets?.includes(target) === false) return undefined
  const chain = chainOf(principal)
  const changes: number[] = []
  const members = chain.map((member, index) =>
    policy.grants.filter((grant) => {
      if (!grant.targets.includes(target) || !fits(grant, principal, chain, index)) return false
      if (!grant.principals.some((match) => matchesPrincipal(match, member))) return false
      const { isActive, stands } = standingOf(grant, principal, moment)
      if (stands !== undefined) changes.push(stands)
      return isActive
    }),
  )
  const [holder] = members
  if (holder === undefined || members.some((grants) => grants.length === 0)) return undefined
  return combined(holder, members, principal, changes)
}

/** Whether a chain could get access to a target now, if everything that it can ask for were given. */
export function mayReach(policy: Policy, principal: Principal, target: string, now: number): boolean {
  const grants = policy.grants.map((grant) =>
    grant.onRequest === undefined ? grant : { ...grant, onRequest: undefined },
  )
  return access({ ...policy, grants }, principal, target, { now, activated: [] }) !== undefined
}

/** Grants that a chain may ask for: at its place of the chain, some member matches. Not those that are over. */
export function requestable(policy: Policy, principal: Principal, now: number): readonly GrantConfig[] {
  const chain = chainOf(principal)
  return policy.grants.filter(
    (grant) =>
      grant.onRequest !== undefined &&
      (grant.expires === undefined || now < grant.expires) &&
      grant.targets.some((target) => principal.targets?.includes(target) !== false) &&
      chain.some(
        (member, index) =>
          fits(grant, principal, chain, index) && grant.principals.some((match) => matchesPrincipal(match, member)),
      ),
  )
}

function combined(
  holder: readonly GrantConfig[],
  members: readonly (readonly GrantConfig[])[],
  principal: Principal,
  changes: readonly number[],
): Access {
  const unions = members.map((grants) => unionOf(grants.map(({ relations }) => relations)))
  // A clearance counts where a grant gives it, not for what another grant lets be named.
  const clearance = chainClearance(
    members.map((grants, index) =>
      grants.filter(({ relations }) => coversList(relations, unions[index])).map((grant) => grant.clearance),
    ),
  )
  const lists = new Map(unions.flatMap((list) => (list === undefined ? [] : [[JSON.stringify(list), list] as const])))
  const grants = holder.map(({ name }) => name).toSorted()
  const tokenGroup = [...new Set(holder.map(({ tokenScope }) => tokenScope))].toSorted().join('+')
  const decides = {
    grants,
    tokenGroup,
    relations: [...lists.keys()].toSorted().map((key) => lists.get(key) ?? []),
    budgets: budgetsOf(members.flat()),
    patients: principal.patients === undefined ? undefined : [...new Set(principal.patients)].toSorted(),
  }
  return Object.freeze({
    ...decides,
    clearance,
    until: changes.length === 0 ? undefined : Math.min(...changes),
    key: hash('sha256', canonicalJson({ ...decides, clearance: clearance.key }), 'base64url'),
  })
}

/** All budgets of all grants hold, each once: of one grant and kind, members share the count as they share the session. */
function budgetsOf(grants: readonly GrantConfig[]): Access['budgets'] {
  const budgets = grants.flatMap(({ name, budgets: own }) =>
    own.map(({ span, unit, limit }) => ({ grant: name, span, unit, limit })),
  )
  const byText = new Map(budgets.map((budget) => [JSON.stringify(Object.values(budget)), budget]))
  return [...byText].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, budget]) => budget)
}

/** Whether a grant can be one of the member at this place of the chain, whoever that is. */
function fits(grant: GrantConfig, principal: Principal, chain: readonly Member[], index: number): boolean {
  const { use, purposes, requiresPatients } = grant
  if (index === 0 && use !== 'access') return false
  if (purposes !== undefined && (principal.purpose === undefined || !purposes.includes(principal.purpose))) return false
  if (requiresPatients && principal.patients === undefined) return false
  return grant.chain === undefined || matchesChain(grant.chain, chain, index)
}

/** A grant for those who act for nobody is no ceiling for others; any other has to fit the place of the member in the whole chain. */
function matchesChain(match: ChainMatch, chain: readonly Member[], index: number): boolean {
  if (match.kind === 'none') return chain.length === 1
  const origin = chain.at(-1)
  if (origin === undefined || index === chain.length - 1) return false
  const { maxLength } = match
  return (
    (maxLength === undefined || chain.length <= maxLength) &&
    (match.origin.length === 0 || match.origin.some((one) => matchesPrincipal(one, origin)))
  )
}

interface Standing {
  readonly isActive: boolean
  /** Until when that is so, as far as is known. */
  readonly stands: number | undefined
}

function standingOf(grant: GrantConfig, principal: Principal, { now, activated }: Moment): Standing {
  const { notBefore, expires, schedule, onRequest } = grant
  const given = onRequest === undefined ? [] : activationsOf(grant, principal, activated, now)
  const ends = schedule === undefined ? given : [...given, scheduleStands(schedule, now)]
  const times = [notBefore, expires, ...ends].flatMap((at) => (at === undefined || at <= now ? [] : [at]))
  return {
    isActive:
      (notBefore === undefined || now >= notBefore) &&
      (expires === undefined || now < expires) &&
      (schedule === undefined || isWithin(schedule, now)) &&
      (onRequest === undefined || given.length > 0),
    stands: times.length === 0 ? undefined : Math.min(...times),
  }
}

/** Ends of what this chain was given of a grant, as the grant is today, for its purpose. */
function activationsOf(
  grant: GrantConfig,
  principal: Principal,
  activated: Moment['activated'],
  now: number,
): readonly number[] {
  const named = activated.filter(({ grant: name, until }) => name === grant.name && until > now)
  if (named.length === 0) return []
  const chain = chainKey(principal)
  const digests = new Set([grantDigest(grant), grantDigest(grant, principal.purpose)])
  return named.flatMap((one) => (one.chain === chain && digests.has(one.digest) ? [one.until] : []))
}
