import { join } from 'node:path'
import type { AlertsConfig } from './alerts-config.ts'
import { type AbsolutePath, buildPassword } from './build-credential.ts'
import { buildPrincipals, buildWebhooks } from './build-parts.ts'
import { buildKey, buildKeys } from './build-store.ts'
import type { ApprovalsConfig, DelegationConfig, ListenTlsConfig, WebListenConfig } from './config.ts'
import type { ParsedConfig } from './schema.ts'

const SYSLOG_PORTS = { udp: 514, tcp: 601, tls: 6514 } as const

/** The section `approvals`. */
export function buildApprovals(
  approvals: ParsedConfig['approvals'],
  state: string,
  absolute: AbsolutePath,
): ApprovalsConfig | undefined {
  if (approvals === undefined) return undefined
  const key = buildKey(approvals.key, absolute)
  return {
    ...approvals,
    pools: Object.entries(approvals.pools)
      .map(([name, principals]) => ({ name, principals: buildPrincipals(principals) }))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    default: { pools: approvals.default.pools.toSorted(), quorum: approvals.default.quorum },
    key: key ?? { kind: 'file', file: join(state, 'approvals.key') },
    keyIsOwn: key === undefined,
    webhooks: buildWebhooks(approvals.webhooks, absolute),
  }
}

/** The section `delegation`. */
export function buildDelegation(
  delegation: ParsedConfig['delegation'],
  state: string,
  absolute: AbsolutePath,
): DelegationConfig | undefined {
  if (delegation === undefined) return undefined
  const { lifetime, maxChain, previousSigningKeys } = delegation
  const key = buildKey(delegation.signingKey, absolute)
  return {
    signingKey: key ?? { kind: 'file', file: join(state, 'signing.key') },
    keyIsOwn: key === undefined,
    previousSigningKeys: buildKeys(previousSigningKeys, absolute),
    lifetime,
    maxChain,
  }
}

/** The section `alerts`; without it nothing is sent, and nothing is remembered beyond the process. */
export function buildAlerts(alerts: ParsedConfig['alerts'], absolute: AbsolutePath): AlertsConfig {
  if (alerts === undefined) return NO_ALERTS
  return {
    ...alerts,
    webhooks: buildWebhooks(alerts.webhooks, absolute),
    syslog: alerts.syslog.map(({ transport, host, port, ca, facility }) => {
      const caFile = ca === undefined ? undefined : absolute(ca)
      return { transport, host, port: port ?? SYSLOG_PORTS[transport], caFile, facility }
    }),
    volume: alerts.volume === 'off' ? undefined : alerts.volume,
    workingHours: alerts.workingHours,
  }
}

const NO_ALERTS: AlertsConfig = {
  webhooks: [],
  syslog: [],
  refusals: { count: 20, within: 300_000 },
  volume: undefined,
  workingHours: undefined,
  firstAccess: false,
  repeatAfter: 900_000,
  maxPerHour: 60,
}

/** The section `listen.web`. */
export function buildWeb(web: ParsedConfig['listen']['web'], absolute: AbsolutePath): WebListenConfig | undefined {
  if (web === undefined) return undefined
  const { signIn } = web
  return {
    host: web.host,
    port: web.port,
    tls: buildListenTls(web.tls, absolute),
    // As a browser writes it in the header Origin.
    publicUrl: new URL(web.publicUrl).origin,
    signIn:
      signIn === undefined
        ? undefined
        : {
            issuer: signIn.issuer,
            clientId: signIn.clientId,
            clientSecret: buildPassword(signIn.clientSecret ?? {}, absolute),
            cliClientId: signIn.cliClientId,
            scopes: signIn.scopes,
          },
  }
}

export function buildListenTls(
  tls: ParsedConfig['listen']['postgres']['tls'],
  absolute: AbsolutePath,
): ListenTlsConfig | undefined {
  return tls === undefined ? undefined : { certificateFile: absolute(tls.certificate), keyFile: absolute(tls.key) }
}
