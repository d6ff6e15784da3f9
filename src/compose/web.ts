import { readFileSync } from 'node:fs'
import type { Config, WebListenConfig } from '../config/config.ts'
import { matchesPrincipal } from '../decide/principal-match.ts'
import type { Policy } from '../decide/policy.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import type { Principal } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { Clock } from '../lib/clock.ts'
import { AccessRequests } from '../policy/access-requests.ts'
import { VERSION } from '../version.ts'
import { SignIn } from '../web/sign-in.ts'
import { startWebListener, type WebListener } from '../web/web-listener.ts'
import type { ApprovalService, DelegationService, GatewayDescription } from '../web/web-services.ts'
import type { OpenedApprovals } from './approvals.ts'
import type { Log } from './log.ts'

export interface WebParts {
  readonly config: Config
  readonly credentials: CredentialResolver
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  readonly delegation: DelegationService | undefined
  readonly approvals: OpenedApprovals | undefined
  readonly preview: ApprovalService['preview']
  readonly policy: () => Policy
  /** The pools of the version in force. */
  readonly approvalsConfig: () => Config['approvals']
  /** Of the listener for PostgreSQL. */
  readonly postgresPort: number
  readonly clock: Clock
  readonly log: Log
}

/** The listener for people and agents; undefined where the configuration has none. */
export async function openWeb(parts: WebParts): Promise<WebListener | undefined> {
  const { config, verify, delegation, approvals, policy, clock, log } = parts
  const { web } = config.listen
  if (web === undefined) return undefined
  const listener = await startWebListener({
    host: web.host,
    port: web.port,
    tls:
      web.tls === undefined
        ? undefined
        : { certificate: readFileSync(web.tls.certificateFile, 'utf8'), key: readFileSync(web.tls.keyFile, 'utf8') },
    publicUrl: web.publicUrl,
    services: {
      verify,
      delegation,
      approvals: approvals && approvalServiceOf(approvals, parts),
      access: approvals && new AccessRequests({ policy, approvals: approvals.service, clock }),
      about: describe(config, web, parts.postgresPort),
    },
    signIn: signInOf(parts, web),
    clock,
    onError: ({ code, reason }) => log.error({ code, reason }, 'the web listener could not answer'),
  })
  log.info({ host: web.host, port: listener.port, url: web.publicUrl }, 'web listener')
  return listener
}

function approvalServiceOf({ service, passkeys }: OpenedApprovals, parts: WebParts): ApprovalService | undefined {
  const { config, approvalsConfig, preview } = parts
  const { approvals } = config
  if (approvals === undefined) return undefined
  return {
    desk: service.desk,
    withdraw: (id) => service.withdraw(id),
    stepUp: approvals.stepUp,
    maxMinutes: Math.floor(approvals.maxApproval / 60_000),
    passkeys,
    poolsOf: (principal) => poolsOf(approvalsConfig(), principal),
    preview,
  }
}

/** Of the holder of a token: on whose behalf it acts gives it no right to decide. */
function poolsOf(approvals: Config['approvals'], principal: Principal): ReadonlySet<string> {
  const pools = approvals?.pools ?? []
  return new Set(
    pools.flatMap(({ name, principals }) =>
      principals.some((match) => matchesPrincipal(match, principal)) ? [name] : [],
    ),
  )
}

function describe({ issuers }: Config, { publicUrl, signIn }: WebListenConfig, port: number): GatewayDescription {
  const issuer = issuers.find(({ name }) => name === signIn?.issuer)
  const clientId = signIn?.cliClientId
  return {
    version: VERSION,
    postgres: { host: new URL(publicUrl).hostname, port },
    ...(issuer === undefined || signIn === undefined || clientId === undefined
      ? {}
      : { signIn: { issuer: issuer.issuer, clientId, scopes: signIn.scopes } }),
  }
}

function signInOf({ config, credentials, verify, clock }: WebParts, web: WebListenConfig): SignIn | undefined {
  const { signIn, publicUrl } = web
  const issuer = config.issuers.find(({ name }) => name === signIn?.issuer)
  if (signIn === undefined || issuer === undefined) return undefined
  return new SignIn({
    issuer,
    settings: signIn,
    clientSecret: () => credentials.resolve(signIn.clientSecret),
    publicUrl,
    verify,
    clock,
  })
}
