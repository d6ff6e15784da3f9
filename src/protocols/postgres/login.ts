import { ChunkReader } from '../../lib/chunk-reader.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { Wire } from '../../lib/wire.ts'
import type { Admission, Identify } from '../protocol.ts'
import type { OAuthDiscovery } from './auth/oauthbearer.ts'
import { decodeStartup } from './decode-startup.ts'
import { encodeNegotiateProtocolVersion } from './encode.ts'
import { ProtocolViolation } from './framing.ts'
import type { FrameLimits } from './limits.ts'
import { askForBearerToken, askForPassword, CLOSED, LoginMessages, tellOAuthFailure } from './login-token.ts'
import type { StartupPacket } from './messages.ts'
import { refusalResponse } from './refusal.ts'

export interface LoginOptions {
  readonly tlsAvailable: boolean
  /** Named for what it is in the configuration: `allowPlaintextPasswordOnLoopback`. */
  readonly allowPlaintextPasswordOnLoopback: boolean
  readonly limits: FrameLimits
  /** Clients that log in as this user bring their token by SASL OAUTHBEARER; undefined: nobody does. */
  readonly oauth?: (OAuthDiscovery & { readonly user: string }) | undefined
}

/** ContentType `handshake` (RFC 8446, section 5.1): TLS from the first byte (sslnegotiation=direct of PostgreSQL 17). */
const TLS_HANDSHAKE = 0x16
/** The name of the protocol for ALPN, registered by PostgreSQL. */
const ALPN_PROTOCOL = 'postgresql'
/** What a client is told in the words of OAuth: with another token it could go on. */
const ABOUT_THE_TOKEN: ReadonlySet<string> = new Set(['CHP-AUTH-FAILED', 'CHP-AUTH-REVOKED', 'CHP-AUTH-EXPIRED'])

export type Login =
  | { readonly kind: 'cancel'; readonly processId: number; readonly secretKey: Buffer }
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'session'
      /** The wire after TLS, if the client asked for it. */
      readonly wire: Wire
      readonly admission: Admission
      /** 0 or 2: the minor protocol version agreed on. */
      readonly minor: 0 | 2
      readonly user: string
      readonly parameters: ReadonlyMap<string, string>
      /** Bytes that the client sent behind its token. */
      readonly early: Buffer
    }

/** What was refused before a session began, with the wire on which to say so. */
export class LoginRefused extends Error {
  readonly wire: Wire
  readonly error: ChaperoneError

  constructor(wire: Wire, error: ChaperoneError) {
    super(error.message, { cause: error })
    this.name = 'LoginRefused'
    this.wire = wire
    this.error = error
  }
}

/**
 * From the first byte to a verified identity (PostgreSQL documentation, section 54.2.1): SSLRequest and GSSENCRequest, or TLS
 * at once, the version, and the token as a password or by OAUTHBEARER. A CancelRequest ends here, in clear or inside TLS.
 */
export async function login(wire: Wire, identify: Identify, options: LoginOptions): Promise<Login> {
  const opened = await readStartup(wire, options)
  if (opened.kind !== 'startup') return opened
  const { message } = opened
  try {
    return await authenticate(opened.wire, message, opened.rest, identify, options)
  } catch (error) {
    if (error instanceof ChaperoneError) throw new LoginRefused(opened.wire, error)
    if (error instanceof ProtocolViolation) {
      throw new LoginRefused(opened.wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION', { reason: error.message }))
    }
    throw error
  }
}

type StartupMessage = Extract<StartupPacket, { kind: 'StartupMessage' }>
type Opened =
  | { readonly kind: 'startup'; readonly wire: Wire; readonly message: StartupMessage; readonly rest: Buffer }
  | Extract<Login, { kind: 'cancel' | 'closed' }>

async function readStartup(first: Wire, options: LoginOptions): Promise<Opened> {
  let wire = first
  let reader = new ChunkReader(wire.stream)
  let buffer: Buffer = Buffer.alloc(0)
  // A client that begins with TLS has nothing to ask for.
  let mayAsk = true
  // A client asks for each kind of encryption once at most; more rounds than that is somebody playing.
  for (let requests = 0; requests < 4; ) {
    if (requests === 0 && mayAsk && buffer[0] === TLS_HANDSHAKE && options.tlsAvailable && !wire.encrypted) {
      wire = await secured(wire, buffer)
      reader = new ChunkReader(wire.stream)
      buffer = Buffer.alloc(0)
      mayAsk = false
    }
    const packet = decodeStartupOn(wire, buffer)
    if (packet === undefined) {
      const chunk = await readFrom(reader)
      if (chunk === null) return { kind: 'closed' }
      buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
      continue
    }
    const { message, consumed } = packet
    buffer = buffer.subarray(consumed)
    switch (message.kind) {
      case 'SSLRequest': {
        requests++
        if (!mayAsk) throw new LoginRefused(wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION'))
        // Bytes behind the request were sent in clear and would be taken for bytes inside TLS (CVE-2021-23222).
        if (buffer.length > 0) throw new LoginRefused(wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION'))
        const accept = options.tlsAvailable && !wire.encrypted
        wire.stream.write(accept ? 'S' : 'N')
        if (accept) {
          wire = await secured(wire)
          reader = new ChunkReader(wire.stream)
        }
        break
      }
      case 'GSSENCRequest':
        requests++
        if (!mayAsk || buffer.length > 0) throw new LoginRefused(wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION'))
        wire.stream.write('N')
        break
      case 'CancelRequest':
        return { kind: 'cancel', processId: message.processId, secretKey: message.secretKey }
      case 'UnsupportedVersion':
        throw new LoginRefused(
          wire,
          new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED', {
            message: `protocol ${message.major}.${message.minor} is not spoken here`,
          }),
        )
      case 'StartupMessage':
        return { kind: 'startup', wire, message, rest: buffer }
    }
  }
  throw new LoginRefused(wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION'))
}

/** `received`: the beginning of a handshake that was not asked for. */
async function secured(wire: Wire, received?: Buffer): Promise<Wire> {
  try {
    return await wire.startTls({
      protocol: ALPN_PROTOCOL,
      mustBeNamed: received !== undefined,
      received: received ?? Buffer.alloc(0),
    })
  } catch (cause) {
    // Most often a client that does not trust our certificate.
    const reason = cause instanceof Error ? `TLS: ${cause.message}` : 'TLS'
    throw new LoginRefused(wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION', { reason, cause }))
  }
}

/** A connection that breaks is one that was closed: there is nobody left to tell. */
const readFrom = (reader: ChunkReader): Promise<Buffer | null> => reader.read().catch(() => null)

function decodeStartupOn(wire: Wire, buffer: Buffer): ReturnType<typeof decodeStartup> {
  try {
    return decodeStartup(buffer)
  } catch (error) {
    const reason = error instanceof Error ? error.message : undefined
    throw new LoginRefused(wire, new ChaperoneError('CHP-PROTOCOL-VIOLATION', reason === undefined ? {} : { reason }))
  }
}

async function authenticate(
  wire: Wire,
  message: StartupMessage,
  rest: Buffer,
  identify: Identify,
  options: LoginOptions,
): Promise<Login> {
  if (!wire.encrypted && !(options.allowPlaintextPasswordOnLoopback && wire.peer.loopback)) {
    throw new ChaperoneError('CHP-AUTH-PLAINTEXT')
  }
  const user = message.parameters.get('user')
  if (user === undefined || user === '') throw new ChaperoneError('CHP-PROTOCOL-VIOLATION')
  const minor = message.minor >= 2 ? 2 : 0
  if ((message.minor !== 0 && message.minor !== 2) || message.protocolOptions.length > 0) {
    wire.stream.write(
      encodeNegotiateProtocolVersion({ newestMinor: minor, unrecognisedOptions: message.protocolOptions }),
    )
  }
  const messages = new LoginMessages(wire.stream, rest, options.limits)
  const oauth = user === options.oauth?.user ? options.oauth : undefined
  const token = await (oauth === undefined ? askForPassword(messages) : askForBearerToken(messages))
  if (token === CLOSED) return { kind: 'closed' }
  if (token === undefined) return sendAway(messages, wire, oauth)
  try {
    const admission = await identify({
      token,
      target: message.parameters.get('database') ?? user,
      user,
      applicationName: message.parameters.get('application_name') ?? '',
      peer: wire.peer,
      encrypted: wire.encrypted,
    })
    return { kind: 'session', wire, admission, minor, user, parameters: message.parameters, early: messages.takeRest() }
  } catch (error) {
    if (oauth !== undefined && error instanceof ChaperoneError && ABOUT_THE_TOKEN.has(error.code)) {
      // Whether the client listens or not: the error is the same, and is counted.
      await tellOAuthFailure(messages, oauth)
    }
    throw error
  }
}

/**
 * A client that only asks how to get a token has not tried to log in, so that nobody counts a failure: libpq asks like that each
 * time before it comes back with one. It expects an error at the end.
 */
async function sendAway(messages: LoginMessages, wire: Wire, discovery: OAuthDiscovery | undefined): Promise<Login> {
  if (discovery !== undefined) await tellOAuthFailure(messages, discovery)
  const error = new ChaperoneError('CHP-AUTH-FAILED', { message: 'no identity token was sent' })
  if (!wire.stream.destroyed) wire.stream.write(refusalResponse(error, 'FATAL'))
  return { kind: 'closed' }
}
