import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { startAdminApi } from './api/admin-api.ts'
import type { Config, TargetConfig } from './config/config.ts'
import { readPseudonymKey } from './config/pseudonym-key.ts'
import { weakerSettings } from './config/weaker-settings.ts'
import { compilePolicy } from './decide/policy.ts'
import { CredentialResolver } from './forward/credential.ts'
import { dialPostgres } from './forward/postgres-target.ts'
import { IdentityRejected } from './identity/identity-rejected.ts'
import { OidcVerifier } from './identity/oidc/oidc-verifier.ts'
import { SqlInspector } from './inspect/sql/sql-inspector.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { asChaperoneError, ChaperoneError } from './lib/errors.ts'
import type { GatedWriter } from './lib/gated-writer.ts'
import { listen } from './listener/tcp-listener.ts'
import { labelSetOf } from './label-set.ts'
import { ScramKeys } from './protocols/postgres/auth/scram-keys.ts'
import { CancelRegistry } from './protocols/postgres/cancel-registry.ts'
import { readCatalog } from './protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from './protocols/postgres/limits.ts'
import { type PostgresHost, servePostgres, turnAwayPostgres } from './protocols/postgres/serve.ts'
import { fragment } from './record/canonical.ts'
import { NO_SESSION } from './record/format.ts'
import { Journal } from './record/journal.ts'
import { Doorman } from './session/doorman.ts'
import { LoginFailures } from './session/login-failures.ts'
import { SessionRegistry } from './session/session-registry.ts'
import { TargetState } from './session/target-state.ts'
import { VERSION } from './version.ts'

/** The part of a logger that the gateway uses; pino's has it. Fields never hold PHI, tokens or secrets. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

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
  const { environment, log } = options
  const clock = options.clock ?? systemClock
  const policy = compilePolicy(config)
  const pseudonymKey = readPseudonymKey(config.phi.pseudonymKey, environment)
  const { limits } = config.listen.postgres
  const journal = await openJournal(config, clock, log)
  const inspector = new SqlInspector({ maxStatementBytes: Math.min(limits.maxQueryBytes, 1024 * 1024) })
  const verifier = new OidcVerifier(config.issuers, {
    clock,
    onWarning: (warning) => log.warn(warning, 'identity provider'),
  })
  const credentials = new CredentialResolver(environment, clock)
  const cancels = new CancelRegistry()
  const waiting = new Set<GatedWriter>()
  const failures = new LoginFailures(journal, clock)

  const frameLimits = {
    ...DEFAULT_FRAME_LIMITS,
    maxQueryBytes: limits.maxQueryBytes,
    maxBindBytes: limits.maxRowBytes,
    maxCopyDataBytes: limits.maxRowBytes,
    maxDataRowBytes: limits.maxRowBytes,
  }
  const targets = new Map<string, TargetState>()
  const timers: NodeJS.Timeout[] = []
  for (const target of Object.values(config.targets)) {
    const state = new TargetState({
      target: target.name,
      labels: labelSetOf(config.phi, target.name, pseudonymKey),
      unlabelledColumns: target.unlabelledColumns,
      trustedFunctions: config.phi.trustedFunctions[target.name] ?? [],
      catalogCheck: target.catalogCheck,
      inspector,
      clock,
      load: () => {
        recordProbe(journal, target.name)
        return readCatalog(() => dialPostgres(target, credentials), frameLimits)
      },
    })
    targets.set(target.name, state)
    timers.push(every(target.catalogRefresh, () => refreshInBackground(state, target, log)))
  }

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
    targets,
    minimumGroupSize: config.phi.minimumGroupSize,
    inspector,
    journal,
    clock,
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

  const host: PostgresHost = {
    identify: (attempt) => doorman.admit(attempt),
    dial: (admission) => dialPostgres(targetOf(config, admission.target), credentials),
    gate: (admission) => doorman.sessionOf(admission).gate,
    attach: (admission, control) => {
      const session = doorman.sessionOf(admission)
      session.control = control
      registry.add(session)
      log.info(
        { session: session.id, target: session.target, subject: session.identity.principal.subject },
        'session started',
      )
      return (end) => {
        registry.remove(session)
        const fields = { session: session.id, reason: end.reason, code: end.error?.code, detail: end.error?.reason }
        log.info(fields, 'session ended')
        if (journal.state === 'open' || journal.state === 'ending') {
          session.recorder.ended(end.reason, end.error?.code, session.gate.operations)
        }
      }
    },
    abandoned: (admission, error) => {
      const session = doorman.sessionOf(admission)
      log.warn(
        { session: session.id, target: session.target, code: error.code, reason: error.reason },
        'session not opened',
      )
      if (session.control === undefined && journal.state === 'open') session.recorder.ended('failed', error.code, 0)
    },
    cancelFailed: (admission, error) => {
      log.warn(
        { session: admission.sessionId, code: error.code, reason: error.reason },
        'a statement could not be cancelled',
      )
    },
    turnedAway: (wire, error) => {
      const reason = error instanceof IdentityRejected ? error.reason : (error.reason ?? error.code)
      log.warn({ address: wire.peer.address, code: error.code, reason }, 'connection turned away')
      if (journal.state === 'open') {
        failures.record({ code: error.code, reason: error.code, peer: wire.peer, target: undefined })
      }
    },
    cancels,
    waiting,
    login: {
      tlsAvailable: config.listen.postgres.tls !== undefined,
      allowPlaintextPasswordOnLoopback: config.listen.postgres.allowPlaintextPasswordOnLoopback,
      limits: frameLimits,
    },
    limits: frameLimits,
    scramKeys: new ScramKeys(),
    maxPipelined: limits.maxPipelined,
    maxNames: limits.maxPreparedStatements,
    now: clock,
    handshakeTimeoutMs: limits.handshakeTimeout,
  }

  await Promise.all([verifier.start(), inspector.warm()])
  const { tls } = config.listen.postgres
  const listener = await listen(
    {
      host: config.listen.postgres.host,
      port: config.listen.postgres.port,
      tls:
        tls === undefined
          ? undefined
          : { certificate: readFileSync(tls.certificateFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') },
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      onError: (error) => log.error({ reason: error.message }, 'a connection could not be accepted'),
    },
    (wire) => servePostgres(wire, host),
    (wire) => turnAwayPostgres(wire, new ChaperoneError('CHP-LIMIT-CONNECTIONS')),
  )
  const api = await startAdminApi(config.admin, { registry, journalDirectory: config.journal.directory })
  timers.push(
    every(SWEEP_MS, () => {
      registry.sweep(clock())
      if (journal.state === 'open') failures.settle()
    }),
  )
  log.info(
    { host: config.listen.postgres.host, port: listener.port, policy: config.policyVersion, version: VERSION },
    'listening',
  )

  return {
    port: listener.port,
    failed,
    stop: async () => {
      for (const timer of timers) clearInterval(timer)
      const closed = listener.close()
      registry.terminateAll(new ChaperoneError('CHP-SESSION-TERMINATED', { message: 'the gateway is shutting down' }))
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, STOP_GRACE_MS).unref())])
      await api.close()
      verifier.close()
      await inspector.close()
      if (journal.state === 'open' || journal.state === 'ending') {
        journal.append({ kind: 'gateway-stop', session: NO_SESSION, op: 0, what: fragment({}), who: fragment({}) })
      }
      await journal.close()
    },
  }
}

/** Admissions are given for configured targets only. */
function targetOf(config: Config, name: string): TargetConfig {
  const target = config.targets[name]
  if (target === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'an admission for no target' })
  return target
}

/** A connection of the gateway's own to a target, on nobody's behalf. */
function recordProbe(journal: Journal, target: string): void {
  const what = fragment({ purpose: 'catalog', target })
  journal.append({ kind: 'probe', session: NO_SESSION, op: 0, what, who: fragment({}) })
}

async function openJournal(config: Config, clock: Clock, log: Log): Promise<Journal> {
  const { journal: settings } = config
  const journal = await Journal.open({
    directory: settings.directory,
    durability: settings.durability,
    segmentBytes: settings.segmentSize,
    bodyKey: readOrMakeKey(settings.bodyKeyFile, log),
    sealRecipients: settings.sealTo,
    minimumFreeBytes: settings.minimumFreeSpace,
    reserveBytes: settings.reserveSpace,
    origin: 'chaperone',
    clock,
    onWarning: (warning) => log.warn(warning, 'journal'),
  })
  const weaker = weakerSettings(config)
  if (weaker.length > 0) log.warn({ settings: weaker }, 'weaker settings are in force')
  const what = fragment({ policy: config.policyVersion, version: VERSION, weakerSettings: weaker })
  journal.append({ kind: 'gateway-start', session: NO_SESSION, op: 0, what, who: fragment({}) })
  return journal
}

/** 32 bytes in hexadecimal. Made on the first start, readable by the gateway's own user only. */
function readOrMakeKey(file: string, log: Log): Buffer {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
    log.info({ file }, 'made a key for the journal bodies; keep a copy of it in a safe place')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `the key file ${file} cannot be made`, cause: error })
    }
  }
  const text = readFileSync(file, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the key file ${file} does not hold 64 hexadecimal digits`,
    })
  }
  return Buffer.from(text, 'hex')
}

function refreshInBackground(state: TargetState, target: TargetConfig, log: Log): void {
  // A target that nobody has used yet is read when somebody does.
  if (state.latest === undefined) return
  state.refresh().catch((thrown: unknown) => {
    const error = asChaperoneError(thrown)
    log.warn({ target: target.name, code: error.code, reason: error.reason }, 'the catalog could not be read again')
  })
}

function every(milliseconds: number, act: () => void): NodeJS.Timeout {
  return setInterval(act, milliseconds).unref()
}
