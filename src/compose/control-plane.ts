import { join } from 'node:path'
import type { RaiseAlert } from '../alert/alert-event.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { OidcVerifier } from '../identity/oidc/oidc-verifier.ts'
import { Revocations } from '../identity/revocations.ts'
import type { Clock } from '../lib/clock.ts'
import type { Journal } from '../record/journal.ts'
import { SessionRegistry } from '../session/session-registry.ts'
import { revocationRepository } from '../store/revocation-repository.ts'
import type { DelegationService } from '../web/web-services.ts'
import { actionRecords, type RecordAction } from './administration.ts'
import { type Alerting, openAlerts } from './alerts.ts'
import { type OpenedApprovals, openApprovals } from './approvals.ts'
import type { Closing } from './closing.ts'
import { delegationService, openGatewayIssuer } from './delegation.ts'
import { durableAppends } from './durable-records.ts'
import { recordStart } from './journal.ts'
import type { Log } from './log.ts'
import { type OpenedPolicy, openPolicy, policyEffects } from './policy-service.ts'
import { RevocationDesk } from './revocation-desk.ts'
import { RevocationFile } from './revocation-file.ts'
import { openSharedStore, type SharedStore } from './store.ts'
import { openWebhooks } from './webhooks.ts'

export interface ControlPlaneParts {
  readonly config: Config
  readonly environment: Environment
  readonly credentials: CredentialResolver
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Log
  readonly closing: Closing
}

/** What decides about sessions, and those who may: everything but the data path. */
export interface ControlPlane {
  /** With the version of the policy that is in force. */
  readonly config: Config
  readonly shared: SharedStore | undefined
  readonly record: RecordAction
  readonly verifier: OidcVerifier
  readonly registry: SessionRegistry
  readonly revocations: Revocations
  readonly desk: RevocationDesk
  readonly policy: OpenedPolicy
  readonly alerting: Alerting
  readonly approvals: OpenedApprovals | undefined
  readonly delegation: DelegationService | undefined
}

/** Until alerts are there. */
const NOBODY_IS_TOLD: RaiseAlert = () => undefined

/** Opens it, and pushes what is open. */
export async function openControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const { config: file, environment, credentials, journal, clock, log, closing } = parts
  const append = durableAppends(journal)
  const record = actionRecords(append)
  let raise: RaiseAlert = NOBODY_IS_TOLD
  const onDown = () => raise({ kind: 'store-down' }, { chain: [], at: clock() })
  const shared = await openSharedStore({ config: file, credentials, log, onDown })
  if (shared !== undefined) closing.push(() => shared.store.close())
  const store = shared?.store
  const policy = await openPolicy(file, store, log)
  closing.push(() => policy.inForce.close())
  const { config } = policy
  recordStart(journal, config, log)
  const webhooks = openWebhooks({ config, store, credentials, clock, log })
  if (webhooks !== undefined) closing.push(() => webhooks.close())
  const alerting = openAlerts({ config, store, journal, webhooks, log })
  closing.push(() => alerting.close())
  raise = alerting.raise
  const registry = registryOf(config)
  const revocations = new Revocations(clock)
  const desk = new RevocationDesk({
    revocations,
    file: new RevocationFile(join(config.state, 'revocations.json')),
    shared: store && revocationRepository(store),
    clock,
    log,
    onChange: () => registry.sweep(clock()),
  })
  closing.push(() => desk.close())
  const gateway = await openGatewayIssuer(config, environment, true)
  const verifier = new OidcVerifier(config.issuers, {
    clock,
    onWarning: (warning) => log.warn(warning, 'identity provider'),
    gateway: gateway?.issuer,
    revocations,
  })
  closing.push(() => verifier.close())
  const approvals = openApprovals({
    config,
    environment,
    store,
    webhooks,
    append,
    effects: policyEffects(policy, log),
    revocations,
    raise,
    log,
  })
  if (approvals !== undefined) closing.push(() => approvals.service.close())
  const delegation =
    gateway &&
    delegationService({
      config,
      gateway,
      verify: (token) => verifier.verify(token),
      policy: () => policy.inForce.policy,
      record,
      clock,
      log,
    })
  return { config, shared, record, verifier, registry, revocations, desk, policy, alerting, approvals, delegation }
}

function registryOf({ listen, targets }: Config): SessionRegistry {
  const { limits } = listen.postgres
  return new SessionRegistry({
    idleTimeoutMs: limits.idleTimeout,
    statementTimeoutMs: (name) => {
      const own = targets[name]?.statementTimeout
      return own === undefined ? limits.statementTimeout : Math.min(own, limits.statementTimeout)
    },
  })
}
