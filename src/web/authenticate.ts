import { IdentityRejected } from '../identity/identity-rejected.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { BrowserSession, RandomlyNamed } from './browser-sessions.ts'
import { HttpError } from './problem.ts'
import type { Caller } from './route.ts'

/** `__Host-`: only https (or this machine) may set it, for this host alone (RFC 6265bis, section 4.1.3.2). */
export const SESSION_COOKIE = '__Host-chaperone'
export const SIGN_IN_COOKIE = '__Host-chaperone-sign-in'

/** What of a request says who sends it, and from where. */
export interface Asking {
  readonly method: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly sessionCookie: string | undefined
}

export interface AuthenticateOptions {
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  readonly sessions: RandomlyNamed<BrowserSession>
  /** Of the page: scheme, host and port. */
  readonly origin: string
}

/**
 * A browser says where a request comes from; from another site none is taken, whatever it carries (cross-site request forgery).
 * Programs send neither header.
 */
export function refuseForeign({ method, headers }: Asking, origin: string): void {
  const site = headers['sec-fetch-site']
  const isForeign =
    (headers['origin'] !== undefined && headers['origin'] !== origin) ||
    (method !== 'GET' && site !== undefined && site !== 'same-origin')
  if (isForeign)
    throw new ChaperoneError('CHP-REQUEST-FORBIDDEN', { message: 'requests from other sites are not accepted' })
}

/** @throws ChaperoneError CHP-AUTH-FAILED when nobody has signed in; CHP-REQUEST-FORBIDDEN for a foreign origin */
export async function authenticate(asking: Asking, options: AuthenticateOptions): Promise<Caller> {
  const { method, headers, sessionCookie } = asking
  refuseForeign(asking, options.origin)
  const authorization = headers['authorization']
  if (authorization !== undefined) {
    // RFC 6750, section 2.1; the scheme in any case (RFC 9110, section 11.1).
    const [, token] = /^bearer +([\w.~+/=-]+)$/i.exec(String(authorization)) ?? []
    if (token === undefined) throw new IdentityRejected('malformed')
    return { identity: await options.verify(token), via: 'token', authenticatedAt: undefined }
  }
  const session = sessionCookie === undefined ? undefined : options.sessions.get(sessionCookie)
  if (sessionCookie === undefined || session === undefined)
    throw new HttpError(401, 'CHP-AUTH-FAILED', 'nobody is signed in')
  // Browsers send it with every request that changes something.
  if (method !== 'GET' && headers['origin'] === undefined) {
    throw new ChaperoneError('CHP-REQUEST-FORBIDDEN', { message: 'the page sends its origin' })
  }
  try {
    // Asked again each time: the token may have been revoked, or its issuer's keys may have changed.
    return { identity: await options.verify(session.token), via: 'page', authenticatedAt: session.authenticatedAt }
  } catch (error) {
    options.sessions.take(sessionCookie)
    throw error
  }
}
