import { readFileSync } from 'node:fs'
import { startAdminApi } from './api/admin-api.ts'
import { recordedTokens } from './compose/administration.ts'
import { sessionApprovals } from './compose/approvals.ts'
import { openBudgets } from './compose/budgets.ts'
import { type Closing, closeAll } from './compose/closing.ts'
import { recordedControl } from './compose/control.ts'
import { type ControlPlane, openControlPlane } from './compose/control-plane.ts'
import { openDetector } from './compose/detector.ts'
import { closeJournal, openJournal } from './compose/journal.ts'
import type { Log } from './compose/log.ts'
import { policyAdministration } from './compose/policy-service.ts'
import { postgresHost } from './compose/postgres-host.ts'
import { openQuestions } from './compose/target-questions.ts'
import { targetStates } from './compose/target-states.ts'
import { transformMaterial } from './compose/transform-material.ts'
import { openTokenVault } from './compose/vault.ts'
import { openWeb } from './compose/web.ts'
import type { Config } from './config/config.ts'
import { CredentialResolver } from './forward/credential.ts'
import { SqlInspector } from './inspect/sql/sql-inspector.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { ChaperoneError } from './lib/errors.ts'
import type { GatedWriter } from './lib/gated-writer.ts'
import { steadyClock } from './lib/steady-clock.ts'
import { listen } from './listener/tcp-listener.ts'
import { servePostgres, turnAwayPostgres } from './protocols/postgres/serve.ts'
import type { Journal } from './record/journal.ts'
import { Doorman } from './session/doorman.ts'
import { LoginFailures } from './session/login-failures.ts'
import { VERSION } from './version.ts'

export interface GatewayOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly clock?: Clock
}

export interface Gateway {
  /** The port that PostgreSQL clients connect to. */
  readonly port: number
  /** The port of the web listener, where there is one. */
  readonly webPort: number | undefined
  /** Resolves when the gateway has stopped by itself, with the reason: the journal can't be written any more. */
  readonly failed: Promise<ChaperoneError>
  /** Ends every session in order and releases everything. */
  stop(): Promise<void>
}

const SWEEP_MS = 1000
/** How long sessions get to take their last message when the gateway stops. */
const STOP_GRACE_MS = 2000

/** The composition root: builds the rooms, connects them, and starts to listen. */
export async function startGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const closing: Closing = []
  try {
    return await start(config, options, closing)
  } catch (error) {
    await closeAll(closing).catch(() => undefined)
    throw error
  }
}

async function start(config: Config, options: GatewayOptions, closing: Closing): Promise<Gateway> {
  const { environment, log } = options
  // A clock that is set back must not make tokens, grants and schedules last longer.
  const clock = options.clock ?? steadyClock(systemClock)
  const credentials = new CredentialResolver(environment, clock)
  const journal = await openJournal(config, clock, log)
  closing.push(() => closeJournal(journal))
  const plane = await openControlPlane({ config, environment, credentials, journal, clock, log, closing })
  return serve(plane.config, options, { ...plane, credentials, journal, clock, closing })
}

interface Served extends ControlPlane {
  readonly credentials: CredentialResolver
  readonly journal: Journal
  readonly clock: Clock
  readonly closing: Closing
}

async function serve(config: Config, { environment, log }: GatewayOptions, served: Served): Promise<Gateway> {
  const { credentials, journal, clock, closing, shared, verifier, revocations, desk, policy, alerting, approvals } =
    served
  const material = transformMaterial(config, environment)
  const { limits, tls, host } = config.listen.postgres
  const vault = await openTokenVault({ config, environment, shared, log })
  if (vault !== undefined) closing.push(() => vault.close())
  const detector = await openDetector(config, credentials, clock)
  if (detector !== undefined) closing.push(() => detector.close())
  const inspector = new SqlInspector({ maxStatementBytes: Math.min(limits.maxQueryBytes, 1024 * 1024) })
  closing.push(() => inspector.close())
  const waiting = new Set<GatedWriter>()
  const failures = new LoginFailures(journal, clock)
  const targets = targetStates({ config, material, inspector, journal, credentials, log, clock })
  closing.push(() => targets.stop())
  const budgets = openBudgets(shared?.store, config.alerts, log)
  closing.push(() => budgets.close())
  const questions = openQuestions({
    config,
    credentials,
    journal,
    targets: targets.states,
    inspector,
    policy,
    desk: approvals?.service.desk,
    clock,
    log,
  })
  closing.push(() => questions.close())
  const doorman = new Doorman({
    verify: (token) => verifier.verify(token),
    policy: () => policy.inForce.policy,
    activated: () => policy.inForce.activated,
    isRevoked: (identity) => revocations.of(identity) !== undefined,
    approvals: sessionApprovals(config, approvals),
    estimateRows: questions.estimateRows,
    limits: budgets.limits,
    raise: alerting.raise,
    targets: targets.states,
    minimumGroupSize: config.phi.minimumGroupSize,
    vault,
    detector,
    remembersValues: config.phi.detectors.knownValues === 'session',
    inspector,
    journal,
    clock,
    onAlert: (session, alert) => log.warn({ session, ...alert }, 'alert'),
    onPolicyError: (session, error) => {
      const fields = { session, code: error.code, rule: error.rule, reason: error.reason }
      log.error(fields, 'a rule could not be evaluated; the statement was refused')
    },
  })
  const { registry } = served

  journal.onCommit(() => {
    for (const writer of waiting) writer.release()
  })
  const failed = new Promise<ChaperoneError>((resolve) => {
    journal.onFailure((error) => {
      log.error({ code: error.code, reason: error.reason }, 'the journal cannot be written; every session ends')
      registry.terminateAll(error)
      alerting.raise({ kind: 'record-failed' }, { chain: [], at: clock() })
      resolve(error)
    })
  })

  const parts = {
    config,
    doorman,
    registry,
    journal,
    failures,
    raise: alerting.raise,
    credentials,
    waiting,
    log,
    clock,
  }
  const protocol = postgresHost(parts)
  await Promise.all([verifier.start(), inspector.warm(), desk.start()])
  const api = await startAdminApi(config.admin, {
    registry,
    journalDirectory: config.journal.directory,
    tokens: vault === undefined ? undefined : recordedTokens(vault, served.record),
    control: recordedControl({ registry, desk, record: served.record, raise: alerting.raise, clock }),
    policy: policyAdministration(policy, approvals?.service, environment),
    passkeys: approvals?.passkeys,
    store: () => shared?.store.state,
  })
  closing.push(() => api.close())
  const listener = await listen(
    {
      host,
      port: config.listen.postgres.port,
      tls:
        tls === undefined
          ? undefined
          : { certificate: readFileSync(tls.certificateFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') },
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      onError: (error) => log.error({ reason: error.message }, 'a connection could not be accepted'),
    },
    (wire) => servePostgres(wire, protocol),
    (wire) => turnAwayPostgres(wire, new ChaperoneError('CHP-LIMIT-CONNECTIONS')),
  )
  const sweep = setInterval(() => {
    registry.sweep(clock())
    if (journal.state === 'open') failures.settle()
  }, SWEEP_MS).unref()
  closing.push(async () => {
    clearInterval(sweep)
    const closed = listener.close()
    registry.terminateAll(new ChaperoneError('CHP-SESSION-TERMINATED', { message: 'the gateway is shutting down' }))
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, STOP_GRACE_MS).unref())])
  })
  const web = await openWeb({
    config,
    credentials,
    verify: (token) => verifier.verify(token),
    delegation: served.delegation,
    approvals,
    preview: (request, identity) => questions.preview(request, identity),
    policy: () => policy.inForce.policy,
    approvalsConfig: () => policy.inForce.config.approvals,
    postgresPort: listener.port,
    clock,
    log,
  })
  if (web !== undefined) closing.push(() => web.close())
  log.info({ host, port: listener.port, policy: config.policyVersion, version: VERSION }, 'listening')
  return { port: listener.port, webPort: web?.port, failed, stop: () => closeAll(closing) }
}
