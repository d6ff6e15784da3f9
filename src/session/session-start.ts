import type { Access } from '../decide/decision.ts'
import { chainOf, type Member, memberKey } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { LoginAttempt } from '../protocols/protocol.ts'
import type { JsonValue } from '../record/canonical.ts'
import type { ScopeKey } from '../vault/token-scope.ts'

interface Started {
  readonly attempt: LoginAttempt
  readonly identity: VerifiedIdentity
  readonly access: Access
  readonly tokenScope: ScopeKey | undefined
}

type Members = Readonly<Record<string, JsonValue>>

/**
 * How the beginning of a session is recorded. The header has who acts for whom, and with what rights; the keys of patients, and what
 * decisions are to be made again from, are in the body.
 */
export function sessionStart({ attempt, identity, access, tokenScope }: Started): { header: Members; body: Members } {
  const { principal } = identity
  const { groups, purpose, run, name, patients, targets } = principal
  return {
    header: {
      accessKey: access.key,
      chain: chainOf(principal).map(memberKey),
      clearance: access.clearance.key,
      encrypted: attempt.encrypted,
      expires: new Date(identity.expiresAt).toISOString(),
      grants: [...access.grants],
      groups: [...groups],
      ...(patients === undefined ? {} : { patients: patients.length }),
      peer: attempt.peer.address,
      ...(purpose === undefined ? {} : { purpose }),
      ...(run === undefined ? {} : { run }),
      token: identity.tokenDigest,
      ...(tokenScope === undefined ? {} : { tokenScope: { group: tokenScope.group, purpose: tokenScope.purpose } }),
    },
    body: {
      access: {
        budgets: access.budgets.map(({ grant, span, unit, limit }) => ({ grant, limit, span, unit })),
        clearance: access.clearance.key,
        grants: [...access.grants],
        key: access.key,
        relations: access.relations.map((list) =>
          list.map(({ schema, table, columns }) => ({ columns: columns === '*' ? '*' : [...columns], schema, table })),
        ),
      },
      applicationName: attempt.applicationName,
      principal: {
        ...memberOf(principal),
        onBehalfOf: (principal.onBehalfOf ?? []).map(memberOf),
        ...(name === undefined ? {} : { name }),
        ...(purpose === undefined ? {} : { purpose }),
        ...(run === undefined ? {} : { run }),
        ...(patients === undefined ? {} : { patients: [...patients] }),
        ...(targets === undefined ? {} : { targets: [...targets] }),
      },
      user: attempt.user,
    },
  }
}

function memberOf({ issuer, subject, kind, groups, claims }: Member): Members {
  const kept = Object.entries(claims ?? {}).map(([name, value]): [string, JsonValue] => [
    name,
    typeof value === 'object' ? [...value] : value,
  ])
  return {
    groups: [...groups],
    issuer,
    kind,
    subject,
    ...(kept.length === 0 ? {} : { claims: Object.fromEntries(kept) }),
  }
}
