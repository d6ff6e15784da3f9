import { z } from 'zod'
import { duration } from './quantities.ts'
import { claimValues, filePath, oneOrMore, shortName } from './schema-parts.ts'

/** Signatures only: `none` and the shared-secret HS* family are not on offer. RFC 7518, RFC 8037, RFC 9864. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

export const principalKind = z.enum(['human', 'agent', 'service'])

const kind = z
  .strictObject({
    fixed: principalKind.optional().describe('Every token of this issuer is of this kind.'),
    claim: z.string().min(1).optional().describe('The claim that tells.'),
    values: z
      .record(z.string(), principalKind)
      .optional()
      .describe('Value of the claim → kind. A token with another value is refused.'),
  })
  .describe('Either fixed, or claim and values.')

const claims = z.strictObject({
  subject: z.string().min(1).default('sub'),
  groups: z.string().min(1).default('groups'),
  name: z.string().min(1).optional().describe('A claim with a readable name, for the journal and messages.'),
  purpose: z.string().min(1).optional().describe('A claim that says what the access is for. Tokens differ by it.'),
  kind,
})

const jwks = z
  .strictObject({
    cacheFor: duration('10m', '10s', '24h', 'Keys are fetched again after this time.'),
    keepDuringOutage: duration('1h', '0s', '7d', 'Keys that cannot be fetched again stay in use this long.'),
    minimumInterval: duration('30s', '1s', '1h', 'At most one fetch in this time, whatever tokens arrive.'),
    timeout: duration('5s', '100ms', '1m', 'For one HTTP request.'),
    url: z.string().optional().describe('Where the keys are, when not where the discovery document says.'),
    file: filePath.optional().describe('A key set (JWKS) on disk instead; read again when it changes.'),
  })
  .prefault({})

/** What goes together, `check-issuers.ts` knows. */
const actors = z.strictObject({
  issuers: z.array(shortName).min(1).describe('Names of issuers that an actor may be of.'),
  kind: z.record(shortName, principalKind).describe('Issuer → what its actors are.'),
})

const issuer = z.strictObject({
  name: shortName.describe('For grants and messages.'),
  issuer: z.string().describe('The iss claim, exactly; its discovery document is fetched from there. https.'),
  allowInsecureLoopbackIssuer: z.boolean().default(false).describe('Accept an http issuer on a loopback address.'),
  audience: oneOrMore(z.string().min(1)).describe('One of these must be in the aud claim.'),
  algorithms: z
    .array(z.enum(TOKEN_ALGORITHMS))
    .min(1)
    .default(['RS256', 'ES256', 'EdDSA', 'PS256'])
    .describe('Signature algorithms.'),
  clockSkew: duration('30s', '0s', '5m', 'Tolerance for exp, nbf and iat.'),
  maxTokenLifetime: duration('24h', '1m', '7d', 'Longest accepted time from iat to exp.'),
  claims,
  requireClaims: claimValues.default({}).describe('Claims that must have these values.'),
  jwks,
  ca: filePath.optional().describe('PEM, for the https of the issuer; the authorities of the runtime unless given.'),
  actors: actors
    .optional()
    .describe('How the members of an act claim (RFC 8693) are taken. Default: a token with one is refused.'),
})

export const issuersSchema = z.array(issuer).min(1)
