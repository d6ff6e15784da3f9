import { ProtocolViolation } from '../framing.ts'

/** SASL mechanism of RFC 7628, as PostgreSQL 18 speaks it (documentation, section 54.3.2). */
export const OAUTHBEARER = 'OAUTHBEARER'

/** Where clients that have no token learn how to get one. */
export interface OAuthDiscovery {
  /** URL of the issuer's discovery document; libpq compares it with its `oauth_issuer`. */
  readonly openidConfiguration: string
  /** Scopes to ask for, divided by blanks. */
  readonly scope: string
}

/** RFC 7628, section 3.1: divides the pairs and ends them. */
const SEPARATOR = '\u0001'
/** RFC 6750, section 2.1. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const PAIR = /^[A-Za-z]+=[\t\n\r -~]*$/

/**
 * The token in a client's first response: `n,,` (no channel binding, no other identity), then pairs, of which `auth` holds the
 * bearer token. Undefined: the client has none yet and asks how to get one.
 * @throws ProtocolViolation, which quotes nothing of it
 */
export function readBearerToken(response: Buffer): string | undefined {
  const text = response.toString('latin1')
  const [header = '', ...pairs] = text.split(SEPARATOR)
  if (header.startsWith('p=')) throw violation('channel binding is not possible with this mechanism')
  if (header !== 'n,,' && header !== 'y,,')
    throw violation('the header is not that of RFC 5801, or names another identity')
  // Two separators end the message, so that two empty pairs are behind the last one.
  if (pairs.length < 3 || pairs.at(-1) !== '' || pairs.at(-2) !== '') throw violation('the end is missing')
  const values = pairs.slice(0, -2)
  if (!values.every((pair) => PAIR.test(pair))) throw violation('a pair is malformed')
  const [auth, ...others] = values.filter((pair) => pair.startsWith('auth='))
  if (auth === undefined || others.length > 0) throw violation('there has to be one "auth"')
  const value = auth.slice('auth='.length)
  if (value === '') return undefined
  const token = BEARER.exec(value)?.[1]
  if (token === undefined) throw violation('"auth" is not a bearer token')
  return token
}

/** RFC 7628, section 3.2.2: the token is not good, and where to get one. */
export const oauthFailure = ({ openidConfiguration, scope }: OAuthDiscovery): Buffer =>
  Buffer.from(JSON.stringify({ status: 'invalid_token', 'openid-configuration': openidConfiguration, scope }))

const violation = (what: string): ProtocolViolation => new ProtocolViolation('frontend', `OAUTHBEARER: ${what}`)
