import { decodeJwt, decodeProtectedHeader } from 'jose'
import { IdentityRejected } from '../identity-rejected.ts'

/** What a token claims about itself before anything is verified: good for choosing a key, for nothing else. */
export interface UnverifiedToken {
  readonly algorithm: string
  readonly keyId: string | undefined
  readonly issuer: string
}

/** Tokens with many groups reach a few KiB; HTTP servers commonly stop at 8 or 16. */
export const MAX_TOKEN_CHARACTERS = 16 * 1024
const MAX_KEY_ID_CHARACTERS = 512

/** RFC 7519 section 5.1 and RFC 9068 section 2.1. Many issuers leave `typ` out. */
const ACCEPTED_TYPES = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'])

/**
 * Reads a token in JWS compact form (RFC 7515 section 7.1). Header fields that carry or point to a key (jwk, jku, x5c,
 * x5u) are not looked at: keys come from the issuer's own key set alone.
 * @throws IdentityRejected malformed, unsigned or claim-missing
 */
export function readUnverifiedToken(token: string): UnverifiedToken {
  if (token.length > MAX_TOKEN_CHARACTERS) throw new IdentityRejected('malformed')
  const parts = token.split('.')
  if (parts.length !== 3) throw new IdentityRejected('malformed')
  const { header, claims } = decode(token)
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw new IdentityRejected('malformed')
  if (alg.toLowerCase() === 'none' || parts[2] === '') throw new IdentityRejected('unsigned')
  // No extension is understood, so every critical one has to be refused (RFC 7515 section 4.1.11).
  if (header.crit !== undefined) throw new IdentityRejected('malformed')
  if (typ !== undefined && !(typeof typ === 'string' && ACCEPTED_TYPES.has(typ.toLowerCase()))) {
    throw new IdentityRejected('malformed')
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KEY_ID_CHARACTERS)) {
    throw new IdentityRejected('malformed')
  }
  if (claims.iss === undefined) throw new IdentityRejected('claim-missing')
  if (typeof claims.iss !== 'string') throw new IdentityRejected('malformed')
  return { algorithm: alg, keyId: kid, issuer: claims.iss }
}

function decode(token: string) {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    // What exactly is wrong with a token that nobody signed does not matter, and the message could quote it.
    throw new IdentityRejected('malformed')
  }
}
