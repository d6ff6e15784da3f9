import type { Duplex } from 'node:stream'
import { ChunkReader } from '../../lib/chunk-reader.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import { OAUTHBEARER, type OAuthDiscovery, oauthFailure, readBearerToken } from './auth/oauthbearer.ts'
import { decodePassword, decodeSaslInitialResponse } from './decode-authentication.ts'
import {
  encodeAuthenticationCleartextPassword,
  encodeAuthenticationSasl,
  encodeAuthenticationSaslContinue,
} from './encode.ts'
import { FrameCursor } from './framing.ts'
import { type FrameLimits, limitsBeforeLogin } from './limits.ts'
import { FRONTEND } from './messages.ts'

/** The client has gone, or has said good-bye. */
export const CLOSED = Symbol('closed')

/** The messages of a client that nobody knows yet. */
export class LoginMessages {
  readonly #stream: Duplex
  readonly #cursor: FrameCursor
  readonly #reader: ChunkReader

  constructor(stream: Duplex, rest: Buffer, limits: FrameLimits) {
    this.#stream = stream
    this.#cursor = new FrameCursor('frontend', limitsBeforeLogin(limits))
    this.#cursor.feed(rest)
    this.#reader = new ChunkReader(stream)
  }

  /** Sends a request for authentication and returns the body of the answer to it. */
  async ask(request: Buffer): Promise<Buffer | typeof CLOSED> {
    this.#stream.write(request)
    const cursor = this.#cursor
    while (!cursor.next()) {
      // A connection that breaks is one that was closed: there is nobody left to tell.
      const chunk = await this.#reader.read().catch(() => null)
      if (chunk === null) return CLOSED
      cursor.feed(chunk)
    }
    if (cursor.type === FRONTEND.Terminate) return CLOSED
    if (cursor.type !== FRONTEND.AuthenticationResponse) throw new ChaperoneError('CHP-PROTOCOL-VIOLATION')
    return cursor.buffer.subarray(cursor.body, cursor.end)
  }

  /** What was sent behind the last message. */
  takeRest(): Buffer {
    return this.#cursor.takeRest()
  }
}

/** The token as a password: what every client can do. */
export async function askForPassword(messages: LoginMessages): Promise<string | typeof CLOSED> {
  const body = await messages.ask(encodeAuthenticationCleartextPassword())
  return body === CLOSED ? CLOSED : decodePassword(body, 0, body.length)
}

/** The token in the way that PostgreSQL 18 has for it; undefined: the client has none, and wants to know where to get one. */
export async function askForBearerToken(messages: LoginMessages): Promise<string | undefined | typeof CLOSED> {
  const body = await messages.ask(encodeAuthenticationSasl([OAUTHBEARER]))
  if (body === CLOSED) return CLOSED
  const { mechanism, response } = decodeSaslInitialResponse(body, 0, body.length)
  if (mechanism !== OAUTHBEARER) throw new ChaperoneError('CHP-PROTOCOL-VIOLATION')
  if (response !== null) return readBearerToken(body.subarray(response.start, response.end))
  // RFC 4422, section 3.3: an empty challenge for those who do not begin by themselves.
  const answer = await messages.ask(encodeAuthenticationSaslContinue(Buffer.alloc(0)))
  return answer === CLOSED ? CLOSED : readBearerToken(answer)
}

/** Tells a client that its token is not good in the words of the mechanism, and waits until it has taken note or gone. */
export async function tellOAuthFailure(messages: LoginMessages, discovery: OAuthDiscovery): Promise<void> {
  // What the client says to that changes nothing.
  await messages.ask(encodeAuthenticationSaslContinue(oauthFailure(discovery))).catch(() => undefined)
}
