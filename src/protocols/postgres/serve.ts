import { hash } from 'node:crypto'
import { asChaperoneError, type ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Wire } from '../../lib/wire.ts'
import type { Admission, DialedTarget, Gate, Identify, SessionControl, SessionEnd } from '../protocol.ts'
import type { ScramKeys } from './auth/scram-keys.ts'
import type { CancelRegistry } from './cancel-registry.ts'
import {
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeCancelRequest,
  encodeParameterStatus,
  encodeReadyForQuery,
} from './encode.ts'
import type { FrameLimits } from './limits.ts'
import { checkTarget } from './login-checks.ts'
import { type Login, login, LoginRefused, type LoginOptions } from './login.ts'
import type { BackendKeyData } from './messages.ts'
import { refusalResponse } from './refusal.ts'
import { Relay } from './relay.ts'
import { targetParameters } from './startup-parameters.ts'
import { type LoggedInTarget, loginToTarget, requestTls } from './target-login.ts'

/** What a PostgreSQL connection needs of the gateway. */
export interface PostgresHost {
  readonly identify: Identify
  dial(admission: Admission): Promise<DialedTarget>
  gate(admission: Admission): Gate
  /** Told when a session has begun; answers what to do when it has ended. */
  attach(admission: Admission, control: SessionControl): (end: SessionEnd) => void
  /** Told of an admitted session that never began. */
  abandoned(admission: Admission, error: ChaperoneError): void
  /** Told that a target could not be asked to cancel. */
  cancelFailed(admission: Admission, error: ChaperoneError): void
  /** Told of a connection that was turned away before it was admitted. */
  turnedAway(wire: Wire, error: ChaperoneError): void
  readonly cancels: CancelRegistry
  readonly waiting: Set<GatedWriter>
  readonly login: LoginOptions
  readonly limits: FrameLimits
  readonly scramKeys: ScramKeys
  readonly maxPipelined: number
  readonly maxNames: number
  readonly now: () => number
  /** From the first byte to the start of the session. */
  readonly handshakeTimeoutMs: number
}

/** How long a target has to take a cancel request, and the client who asked for it waits at most. */
const CANCEL_TIMEOUT_MS = 5000

type Session = Extract<Login, { kind: 'session' }>

/** The life of one client connection. Resolves when it is over; never rejects for what a peer does. */
export async function servePostgres(wire: Wire, host: PostgresHost): Promise<void> {
  let opened: Login
  const deadline = setTimeout(() => wire.stream.destroy(), host.handshakeTimeoutMs)
  try {
    opened = await login(wire, host.identify, host.login)
  } catch (thrown) {
    const refused = thrown instanceof LoginRefused ? thrown : new LoginRefused(wire, asChaperoneError(thrown))
    host.turnedAway(refused.wire, refused.error)
    await sayGoodbye(refused.wire, refused.error)
    return
  } finally {
    clearTimeout(deadline)
  }
  // A client takes the end of this connection for the sign that the signal was sent, and goes on with the next statement.
  if (opened.kind === 'cancel') await host.cancels.cancel(opened.processId, opened.secretKey)
  if (opened.kind === 'session') await serveSession(opened, host)
}

/** Tells a connection that there is no room for it, before TLS and without asking who it is: that would cost what is short. */
export async function turnAwayPostgres(wire: Wire, error: ChaperoneError): Promise<void> {
  await sayGoodbye(wire, error)
}

async function serveSession(session: Session, host: PostgresHost): Promise<void> {
  const { admission, wire } = session
  let dialed: DialedTarget
  let opened: OpenTarget
  let gate: Gate
  try {
    gate = host.gate(admission)
    dialed = await host.dial(admission)
    opened = await openTarget(session, dialed, gate, host)
  } catch (thrown) {
    const error = asChaperoneError(thrown)
    host.abandoned(admission, error)
    await sayGoodbye(wire, error)
    return
  }
  const { target } = opened
  const cancel = (): Promise<void> => {
    probeUnlessFailed(gate, 'cancel')
    return cancelAtTarget(host, admission, target.key)
  }
  const relay = new Relay({
    client: wire.stream,
    target: target.wire.stream,
    early: session.early,
    targetEarly: target.cursor.takeRest(),
    gate,
    waiting: host.waiting,
    limits: host.limits,
    maxPipelined: host.maxPipelined,
    maxNames: host.maxNames,
    now: host.now,
    cancelAtTarget: () => void cancel(),
  })
  const key = host.cancels.issue(session.minor, opened.backendPid, () =>
    relay.withdraw() ? Promise.resolve() : cancel(),
  )
  const ended = host.attach(admission, relay)
  try {
    wire.stream.write(greeting(session, target, key))
    ended(await relay.run())
    // The listener closes the socket when this has settled.
    await relay.lastWords
  } finally {
    host.cancels.revoke(key)
  }
}

interface OpenTarget {
  readonly target: LoggedInTarget
  readonly backendPid: number
}

async function openTarget(session: Session, dialed: DialedTarget, gate: Gate, host: PostgresHost): Promise<OpenTarget> {
  // A target that takes the login and answers nothing more; the login has a time-out of its own.
  const deadline = setTimeout(
    () => dialed.wire.stream.destroy(),
    host.handshakeTimeoutMs + (dialed.loginTimeoutMs ?? 0),
  )
  try {
    gate.probe('login checks')
    const parameters = targetParameters(session.parameters, {
      extra: dialed.account.extraStartupParameters,
      masked: gate.masked,
      sessionId: session.admission.sessionId,
    })
    const target = await loginToTarget(dialed, parameters, host.limits, host.scramKeys)
    const checked = await checkTarget(target, dialed.account)
    gate.opened({
      backendPid: checked.backendPid,
      serverVersion: target.status.get('server_version') ?? '',
      searchPath: checked.searchPath,
      searchPathSetting: checked.searchPathSetting,
      role: checked.role,
      settings: hash('sha256', JSON.stringify([checked.settings, extraOf(parameters, dialed.account)]), 'hex'),
    })
    return { target, backendPid: checked.backendPid }
  } catch (error) {
    dialed.wire.stream.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
  }
}

/** Parameters that the target's configuration allows besides: the target lists none that no module of its has made known. */
const extraOf = (parameters: ReadonlyMap<string, string>, { extraStartupParameters }: DialedTarget['account']) =>
  extraStartupParameters.map((name) => [name, parameters.get(name.toLowerCase()) ?? null])

/** What a server sends between the password and the first query (PostgreSQL documentation, section 54.2.1). */
function greeting(
  session: Session,
  target: LoggedInTarget,
  key: BackendKeyData | Omit<BackendKeyData, 'kind'>,
): Buffer {
  const status = new Map(target.status)
  // The target knows the session by the gateway's name for it; the client by its own.
  status.set('application_name', session.parameters.get('application_name') ?? '')
  status.set('session_authorization', session.user)
  status.set('is_superuser', 'off')
  return Buffer.concat([
    encodeAuthenticationOk(),
    ...[...status].map(([name, value]) => encodeParameterStatus({ name, value })),
    encodeBackendKeyData({ processId: key.processId, secretKey: key.secretKey }),
    encodeReadyForQuery('I'),
  ])
}

/** Where the journal has failed, stopping what runs matters more than recording that it was stopped. */
function probeUnlessFailed(gate: Gate, purpose: string): void {
  try {
    gate.probe(purpose)
  } catch (error) {
    if (asChaperoneError(error).code !== 'CHP-RECORD-FAILED') throw error
  }
}

/** Resolves when the target has closed the connection, which it does once it has sent the signal; or when that takes too long. */
async function cancelAtTarget(host: PostgresHost, admission: Admission, key: BackendKeyData): Promise<void> {
  try {
    const { wire, account } = await host.dial(admission)
    const deadline = setTimeout(() => wire.stream.destroy(), CANCEL_TIMEOUT_MS)
    wire.stream.once('close', () => clearTimeout(deadline))
    const { stream } = account.tls === 'required' ? await requestTls(wire) : wire
    const closed = new Promise<void>((resolve) => stream.once('close', resolve))
    // A connection that breaks is over as well.
    stream.on('error', () => stream.destroy()).once('end', () => stream.end())
    stream.write(encodeCancelRequest({ processId: key.processId, secretKey: key.secretKey }))
    // The target answers nothing and closes.
    stream.resume()
    await closed
  } catch (thrown) {
    // The statement goes on and ends by itself or by its time-out.
    host.cancelFailed(admission, asChaperoneError(thrown))
  }
}

function sayGoodbye(wire: Wire, error: ChaperoneError): Promise<void> {
  return new Promise((resolve) => {
    if (wire.stream.destroyed) {
      resolve()
      return
    }
    wire.stream.once('close', resolve)
    wire.stream.once('error', () => resolve())
    wire.stream.end(refusalResponse(error, 'FATAL'), () => resolve())
  })
}
