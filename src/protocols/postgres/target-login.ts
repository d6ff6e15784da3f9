import { ChunkReader } from '../../lib/chunk-reader.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { Wire } from '../../lib/wire.ts'
import type { DialedTarget, TargetAccount } from '../protocol.ts'
import { serverEndPointBinding } from './auth/channel-binding.ts'
import { md5Password } from './auth/md5.ts'
import { ScramClient } from './auth/scram.ts'
import { ScramKeys } from './auth/scram-keys.ts'
import { decodeAuthentication } from './decode-authentication.ts'
import { decodeBackendKeyData, decodeErrorFields, decodeParameterStatus } from './decode.ts'
import {
  encodePassword,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeSslRequest,
  encodeStartup,
} from './encode.ts'
import { FrameCursor, ProtocolViolation } from './framing.ts'
import type { FrameLimits } from './limits.ts'
import { type Authentication, BACKEND, type BackendKeyData } from './messages.ts'
import { readFrom, reportedError, TargetClient } from './target-client.ts'

/** SQLSTATE protocol_violation. */
const PROTOCOL_VIOLATION = '08P01'
export const POOLER = 'there is a connection pooler between the gateway and the target'

const LOGIN_TIMEOUT_MS = 10_000

export interface LoggedInTarget {
  readonly wire: Wire
  readonly client: TargetClient
  readonly cursor: FrameCursor
  /** ParameterStatus as reported at login. */
  readonly status: Map<string, string>
  readonly key: BackendKeyData
}

/**
 * Logs in to a target (PostgreSQL documentation, section 54.2.1): TLS if the target's configuration asks for it, protocol
 * 3.2 or what the server offers instead, and the strongest method that the server offers and the configuration accepts.
 * Rejects with CHP-TARGET-UNREACHABLE, -REFUSED or -LOST; reasons name the method, never the secret.
 */
export async function loginToTarget(
  dialed: DialedTarget,
  parameters: ReadonlyMap<string, string>,
  limits: FrameLimits,
  scramKeys: ScramKeys = new ScramKeys(),
): Promise<LoggedInTarget> {
  let late = false
  const deadline = setTimeout(() => {
    late = true
    dialed.wire.stream.destroy()
  }, dialed.loginTimeoutMs ?? LOGIN_TIMEOUT_MS)
  try {
    return await exchange(dialed, parameters, limits, scramKeys)
  } catch (thrown) {
    if (late)
      throw new ChaperoneError('CHP-TARGET-UNREACHABLE', { reason: 'timed out while logging in', cause: thrown })
    throw thrown instanceof ProtocolViolation ? refused(thrown.message) : thrown
  } finally {
    clearTimeout(deadline)
  }
}

async function exchange(
  dialed: DialedTarget,
  parameters: ReadonlyMap<string, string>,
  limits: FrameLimits,
  scramKeys: ScramKeys,
): Promise<LoggedInTarget> {
  const { account } = dialed
  const wire = account.tls === 'required' ? await requestTls(dialed.wire) : dialed.wire
  const cursor = new FrameCursor('backend', limits)
  const client = new TargetClient(wire.stream, cursor)
  client.send(
    encodeStartup({
      // Older poolers break on 3.2; a target that accepts one gets 3.0, and the short cancel key that comes with it.
      minor: account.acceptedRisks.includes('session-pooler') ? 0 : 2,
      parameters: new Map([['user', account.user], ['database', account.database], ...parameters]),
    }),
  )
  await authenticate(client, wire, account, scramKeys)
  const status = new Map<string, string>()
  let key: BackendKeyData | undefined
  for (;;) {
    const { type, buffer, body, end } = await client.next()
    if (type === BACKEND.ParameterStatus) {
      const { name, value } = decodeParameterStatus(buffer, body, end)
      status.set(name, value)
    } else if (type === BACKEND.BackendKeyData) key = decodeBackendKeyData(buffer, body, end)
    else if (type === BACKEND.ErrorResponse) {
      throw reportedError('CHP-TARGET-UNREACHABLE', decodeErrorFields(buffer, body, end))
    } else if (type === BACKEND.ReadyForQuery) break
  }
  if (key === undefined) throw refused('the target gave no cancel key')
  if (status.get('client_encoding') !== 'UTF8') throw refused('the target did not accept client_encoding UTF8')
  if (status.get('standard_conforming_strings') !== 'on') {
    throw refused('the target did not accept standard_conforming_strings on')
  }
  return { wire, client, cursor, status, key }
}

/** Asks for TLS (SSLRequest) and starts it; CHP-TARGET-REFUSED where the target does not offer it. */
export async function requestTls(wire: Wire): Promise<Wire> {
  wire.stream.write(encodeSslRequest())
  const answer = await readFrom(new ChunkReader(wire.stream))
  // More than the one byte would be bytes sent in clear that a careless reader takes for bytes inside TLS.
  if (answer === null || answer.length !== 1) throw refused('the target did not answer the request for TLS properly')
  if (answer[0] !== 0x53) throw refused('the target does not offer TLS')
  return wire.startTls()
}

async function authenticate(
  client: TargetClient,
  wire: Wire,
  account: TargetAccount,
  scramKeys: ScramKeys,
): Promise<void> {
  let password = ''
  let scram: ScramClient | undefined
  for (;;) {
    const { type, buffer, body, end } = await client.next()
    if (type === BACKEND.NegotiateProtocolVersion || type === BACKEND.NoticeResponse) continue
    if (type === BACKEND.ErrorResponse) {
      const fields = decodeErrorFields(buffer, body, end)
      // Every supported server negotiates protocol 3.2 down; what breaks on it is something in between.
      if (fields.get('C') === PROTOCOL_VIOLATION) throw refused(`${POOLER} (accept with acceptRisks: [session-pooler])`)
      throw reportedError('CHP-TARGET-UNREACHABLE', fields)
    }
    if (type !== BACKEND.Authentication) throw refused('the target sent a message that does not belong to a login')
    const message: Authentication = decodeAuthentication(buffer, body, end)
    switch (message.kind) {
      case 'AuthenticationOk':
        if (scram !== undefined && !scram.verified) throw refused('the target did not prove that it knows the password')
        return
      case 'AuthenticationSASL': {
        password = await requirePassword(account)
        scram = startScram(message.mechanisms, wire)
        const { mechanism, response } = scram.start()
        client.send(encodeSaslInitialResponse({ mechanism, response }))
        break
      }
      case 'AuthenticationSASLContinue':
        if (scram === undefined) throw refused('the target continued a SASL exchange that was not begun')
        client.send(
          await continueScram(scram, password, buffer.subarray(message.data.start, message.data.end), scramKeys),
        )
        break
      case 'AuthenticationSASLFinal':
        if (scram === undefined) throw refused('the target ended a SASL exchange that was not begun')
        scram.finish(buffer.subarray(message.data.start, message.data.end))
        break
      case 'AuthenticationMD5Password':
        if (!account.acceptsMd5)
          throw refused('the target asks for an MD5 password, which its configuration does not accept')
        client.send(encodePassword(md5Password(account.user, await requirePassword(account), message.salt)))
        break
      case 'AuthenticationCleartextPassword':
        if (!wire.encrypted) throw refused('the target asks for the password in clear outside TLS')
        client.send(encodePassword(await requirePassword(account)))
        break
      case 'AuthenticationKerberosV5':
      case 'AuthenticationGSS':
      case 'AuthenticationGSSContinue':
      case 'AuthenticationSSPI':
        throw refused(`the target asks for ${message.kind.slice('Authentication'.length)}, which is not available`)
    }
  }
}

async function continueScram(scram: ScramClient, password: string, data: Buffer, keys: ScramKeys): Promise<Buffer> {
  const salted = await keys.saltedPassword(password, scram.challenge(data))
  return encodeSaslResponse(scram.respond(salted))
}

function startScram(mechanisms: readonly string[], wire: Wire): ScramClient {
  const { peerCertificate } = wire
  if (mechanisms.includes('SCRAM-SHA-256-PLUS') && peerCertificate !== undefined) {
    return new ScramClient({ channelBinding: serverEndPointBinding(peerCertificate) })
  }
  if (mechanisms.includes('SCRAM-SHA-256')) return new ScramClient({ bindingNotOffered: peerCertificate !== undefined })
  throw refused('the target offers no SASL mechanism that the gateway speaks')
}

async function requirePassword(account: TargetAccount): Promise<string> {
  const password = await account.password()
  if (password === undefined) throw refused('the target asks for a password, and none is configured')
  return password
}

const refused = (reason: string): ChaperoneError => new ChaperoneError('CHP-TARGET-REFUSED', { reason })
