import type { RaiseAlert } from '../alert/alert-event.ts'
import type { Config, TargetConfig } from '../config/config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { dialPostgres } from '../forward/postgres-target.ts'
import { IdentityRejected } from '../identity/identity-rejected.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { GatedWriter } from '../lib/gated-writer.ts'
import { ScramKeys } from '../protocols/postgres/auth/scram-keys.ts'
import { CancelRegistry } from '../protocols/postgres/cancel-registry.ts'
import { DEFAULT_FRAME_LIMITS, type FrameLimits } from '../protocols/postgres/limits.ts'
import type { PostgresHost } from '../protocols/postgres/serve.ts'
import type { Journal } from '../record/journal.ts'
import type { Doorman } from '../session/doorman.ts'
import type { LoginFailures } from '../session/login-failures.ts'
import type { SessionRegistry } from '../session/session-registry.ts'
import type { Log } from './log.ts'

export interface HostParts {
  readonly config: Config
  readonly doorman: Doorman
  readonly registry: SessionRegistry
  readonly journal: Journal
  readonly failures: LoginFailures
  readonly raise: RaiseAlert
  readonly credentials: CredentialResolver
  /** Writers that wait for the journal. */
  readonly waiting: Set<GatedWriter>
  readonly log: Log
  readonly clock: Clock
}

/** Bounds of the messages of clients and targets. */
export function frameLimits({ listen }: Config): FrameLimits {
  const { maxQueryBytes, maxRowBytes } = listen.postgres.limits
  return {
    ...DEFAULT_FRAME_LIMITS,
    maxQueryBytes,
    maxBindBytes: maxRowBytes,
    maxCopyDataBytes: maxRowBytes,
    maxDataRowBytes: maxRowBytes,
  }
}

/** What the PostgreSQL protocol asks of the rooms behind it, and what the log is told of its connections. */
export function postgresHost(parts: HostParts): PostgresHost {
  const { config, doorman, registry, journal, failures, raise, credentials, waiting, log, clock } = parts
  const { limits: bounds, tls, allowPlaintextPasswordOnLoopback } = config.listen.postgres
  const limits = frameLimits(config)
  return {
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
      raise({ kind: 'login-failed', reason: error.code }, { chain: [], at: clock() })
      if (journal.state === 'open') {
        failures.record({ code: error.code, reason: error.code, peer: wire.peer, target: undefined })
      }
    },
    cancels: new CancelRegistry(),
    waiting,
    login: { tlsAvailable: tls !== undefined, allowPlaintextPasswordOnLoopback, limits, oauth: oauthLogin(config) },
    limits,
    scramKeys: new ScramKeys(),
    maxPipelined: bounds.maxPipelined,
    maxNames: bounds.maxPreparedStatements,
    now: clock,
    handshakeTimeoutMs: bounds.handshakeTimeout,
  }
}

/** Where clients that bring their token by OAUTHBEARER get one: at the issuer that people sign in at, or else at the first. */
function oauthLogin({ listen, issuers }: Config): PostgresHost['login']['oauth'] {
  const signIn = listen.web?.signIn
  const issuer = issuers.find(({ name }) => name === signIn?.issuer) ?? issuers[0]
  if (issuer === undefined) return undefined
  return {
    user: listen.postgres.oauthUser,
    openidConfiguration: `${issuer.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    scope: (signIn?.scopes ?? ['openid']).join(' '),
  }
}

/** Admissions are given for configured targets only. */
function targetOf(config: Config, name: string): TargetConfig {
  const target = config.targets[name]
  if (target === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'an admission for no target' })
  return target
}
