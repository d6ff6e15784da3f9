import { readFileSync } from 'node:fs'
import { startAdminApi } from './api/admin-api.ts'
import { recordedTokens } from './compose/administration.ts'
import { openDetector } from './compose/detector.ts'
import { closeJournal, openJournal } from './compose/journal.ts'
import type { Log } from './compose/log.ts'
import { postgresHost } from './compose/postgres-host.ts'
import { targetStates } from './compose/target-states.ts'
import { transformMaterial } from './compose/transform-material.ts'
import { openTokenVault } from './compose/vault.ts'
import type { Config } from './config/config.ts'
import { compilePolicy } from './decide/policy.ts'
import { CredentialResolver } from './forward/credential.ts'
import { OidcVerifier } from './identity/oidc/oidc-verifier.ts'
import { SqlInspector } from './inspect/sql/sql-inspector.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { ChaperoneError } from './lib/errors.ts'
import type { GatedWriter } from './lib/gated-writer.ts'
import { listen } from './listener/tcp-listener.ts'
import { servePostgres, turnAwayPostgres } from './protocols/postgres/serve.ts'
import { Doorman } from './session/doorman.ts'
import { LoginFailures } from './session/login-failures.ts'
import { SessionRegistry } from './session/session-registry.ts'
import { VERSION } from './version.ts'

export interface GatewayOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly clock?: Clock
}

export interface Gateway {
  /** The port that PostgreSQL clients connect to. */
  readonly port: number
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

/** What is open, to be closed in reverse: a start that fails leaves nothing behind, least of all a server of its own. */
type Closing = (() => Promise<void> | void)[]

/** One that fails does not keep the others open. */
async function closeAll(closing: Closing): Promise<void> {
  const failures: unknown[] = []
  for (const close of closing.splice(0).toReversed()) {
    try {
      await close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

async function start(config: Config, options: GatewayOptions, closing: Closing): Promise<Gateway> {
  const { environment, log } = options
  const clock = options.clock ?? systemClock
  const policy = compilePolicy(config)
  const material = transformMaterial(config, environment)
  const { limits, tls, host } = config.listen.postgres
  const credentials = new CredentialResolver(environment, clock)
  const journal = await openJournal(config, clock, log)
  closing.push(() => closeJournal(journal))
  const tokens = await openTokenVault({ config, environment, credentials, log })
  if (tokens !== undefined) closing.push(() => tokens.close())
  const detector = await openDetector(config, credentials, clock)
  if (detector !== undefined) closing.push(() => detector.close())
  const inspector = new SqlInspector({ maxStatementBytes: Math.min(limits.maxQueryBytes, 1024 * 1024) })
  closing.push(() => inspector.close())
  const verifier = new OidcVerifier(config.issuers, {
    clock,
    onWarning: (warning) => log.warn(warning, 'identity provider'),
  })
  closing.push(() => verifier.close())
  const waiting = new Set<GatedWriter>()
  const failures = new LoginFailures(journal, clock)
  const targets = targetStates({ config, material, inspector, journal, credentials, log, clock })
  closing.push(() => targets.stop())
  const registry = new SessionRegistry({
    idleTimeoutMs: limits.idleTimeout,
    statementTimeoutMs: (name) => {
      const own = config.targets[name]?.statementTimeout
      return own === undefined ? limits.statementTimeout : Math.min(own, limits.statementTimeout)
    },
  })
  const doorman = new Doorman({
    verify: (token) => verifier.verify(token),
    policy,
    targets: targets.states,
    minimumGroupSize: config.phi.minimumGroupSize,
    vault: tokens?.vault,
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

  journal.onCommit(() => {
    for (const writer of waiting) writer.release()
  })
  const failed = new Promise<ChaperoneError>((resolve) => {
    journal.onFailure((error) => {
      log.error({ code: error.code, reason: error.reason }, 'the journal cannot be written; every session ends')
      registry.terminateAll(error)
      resolve(error)
    })
  })

  const protocol = postgresHost({ config, doorman, registry, journal, failures, credentials, waiting, log, clock })
  await Promise.all([verifier.start(), inspector.warm()])
  const api = await startAdminApi(config.admin, {
    registry,
    journalDirectory: config.journal.directory,
    tokens: tokens === undefined ? undefined : recordedTokens(tokens.vault, journal),
    store: () => tokens?.state(),
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
  log.info({ host, port: listener.port, policy: config.policyVersion, version: VERSION }, 'listening')
  return { port: listener.port, failed, stop: () => closeAll(closing) }
}
