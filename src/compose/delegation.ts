import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { makeKeyFile } from '../config/key-file.ts'
import { readKey } from '../config/secret-key.ts'
import { mayReach } from '../decide/access.ts'
import type { Policy } from '../decide/policy.ts'
import { BegunRuns } from '../identity/gateway-tokens/begun-runs.ts'
import { exchange, type Exchanged } from '../identity/gateway-tokens/exchange.ts'
import { OAuthRefusal } from '../identity/gateway-tokens/exchange-request.ts'
import { GatewayKeys } from '../identity/gateway-tokens/gateway-keys.ts'
import { gatewayIssuer } from '../identity/gateway-tokens/gateway-token.ts'
import { authorizationServerMetadata } from '../identity/gateway-tokens/metadata.ts'
import type { TrustedIssuer } from '../identity/oidc/trusted-issuer.ts'
import { chainKey } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { Clock } from '../lib/clock.ts'
import type { DelegationService } from '../web/web-services.ts'
import type { RecordAction } from './administration.ts'
import type { Log } from './log.ts'

/** The gateway as an issuer of tokens of its own. */
export interface GatewayIssuer {
  readonly keys: GatewayKeys
  readonly issuer: TrustedIssuer
}

/**
 * Undefined where no tokens are exchanged. A gateway makes the key file of its own where there is none; for others, who only look,
 * it has issued nothing yet.
 */
export async function openGatewayIssuer(
  config: Config,
  environment: Environment,
  isServing: boolean,
): Promise<GatewayIssuer | undefined> {
  const { delegation, listen, issuers } = config
  if (delegation === undefined || listen.web === undefined) return undefined
  const { signingKey, keyIsOwn, previousSigningKeys, lifetime, maxChain } = delegation
  if (keyIsOwn && signingKey.kind === 'file') {
    if (isServing) makeKeyFile(signingKey.file, 'base64')
    else if (!existsSync(signingKey.file)) return undefined
  }
  const keys = await GatewayKeys.from(
    readKey(signingKey, 'delegation.signingKey', environment),
    previousSigningKeys.map((key, index) => readKey(key, `delegation.previousSigningKeys[${index}]`, environment)),
  )
  const issuer = gatewayIssuer({
    publicUrl: listen.web.publicUrl,
    keys,
    lifetimeSeconds: lifetime / 1000,
    maxChain,
    issuerNames: issuers.map(({ name }) => name),
  })
  return { keys, issuer }
}

export interface DelegationParts {
  readonly config: Config
  readonly gateway: GatewayIssuer
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  readonly policy: () => Policy
  readonly record: RecordAction
  readonly clock: Clock
  readonly log: Log
}

/** Token exchange for the web listener: what is issued is on record, durably, before it is handed out. */
export function delegationService(parts: DelegationParts): DelegationService | undefined {
  const { config, gateway, verify, policy, record, clock, log } = parts
  const { delegation } = config
  if (delegation === undefined) return undefined
  const publicUrl = gateway.issuer.issuer
  const options = {
    publicUrl,
    keys: gateway.keys,
    lifetime: delegation.lifetime,
    maxChain: delegation.maxChain,
    targets: Object.keys(config.targets),
    verify,
    mayReach: (principal: VerifiedIdentity['principal'], target: string) =>
      mayReach(policy(), principal, target, clock()),
    runs: new BegunRuns(),
    clock,
  }
  return {
    exchange: async (parameters) => {
      try {
        const exchanged = await exchange(parameters, options)
        await record(recordOf(exchanged))
        return { kind: 'token', body: exchanged.response }
      } catch (error) {
        if (!(error instanceof OAuthRefusal)) throw error
        log.warn({ error: error.code, reason: error.reason ?? error.message }, 'a token exchange was refused')
        return { kind: 'error', error: error.code, description: error.message }
      }
    },
    jwks: () => gateway.keys.jwks,
    metadata: () => authorizationServerMetadata(publicUrl),
  }
}

/** Keys of patients are no matter for a header; how many there are is. */
function recordOf({ content, tokenDigest }: Exchanged): Readonly<Record<string, string>> {
  const { principal, expiresAt, sources, tokenId } = content
  return {
    action: 'delegation.exchange',
    chain: chainKey(principal),
    expires: new Date(expiresAt).toISOString(),
    patients: principal.patients === undefined ? 'any' : String(principal.patients.length),
    purpose: principal.purpose ?? '',
    run: principal.run ?? '',
    sources: sources.join(' '),
    targets: principal.targets?.join(' ') ?? 'any',
    token: tokenDigest,
    tokenId,
  }
}
