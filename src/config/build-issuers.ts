import { bare } from './bare.ts'
import type { AbsolutePath } from './build-credential.ts'
import type { IssuerConfig, KeySource, KindMapping, PrincipalMatch } from './config.ts'
import type { ParsedConfig } from './schema.ts'

type ParsedIssuer = ParsedConfig['issuers'][number]

/** `matches`: everything that principals are compared with, for the claims that have to be kept. */
export function buildIssuer(
  issuer: ParsedIssuer,
  matches: readonly PrincipalMatch[],
  absolute: AbsolutePath,
): IssuerConfig {
  const { name, claims, jwks, ca, actors } = issuer
  const wanted = matches.flatMap((match) =>
    match.issuer === undefined || match.issuer === name ? Object.keys(match.claim ?? {}) : [],
  )
  return {
    name,
    issuer: issuer.issuer,
    allowInsecureLoopback: issuer.allowInsecureLoopbackIssuer,
    audiences: issuer.audience,
    algorithms: issuer.algorithms,
    clockSkewSeconds: issuer.clockSkew / 1000,
    maxLifetimeSeconds: issuer.maxTokenLifetime / 1000,
    claims: {
      subject: claims.subject,
      groups: claims.groups,
      name: claims.name,
      purpose: claims.purpose,
      kind: buildKind(claims.kind),
    },
    requiredClaims: bare(issuer.requireClaims, (value) => value),
    keySource: buildKeySource(jwks, absolute),
    caFile: ca === undefined ? undefined : absolute(ca),
    actors: actors === undefined ? undefined : { issuers: actors.issuers, kind: bare(actors.kind, (kind) => kind) },
    keepClaims: [...new Set(wanted)].toSorted(),
    jwksCacheSeconds: jwks.cacheFor / 1000,
    jwksStaleSeconds: jwks.keepDuringOutage / 1000,
    jwksCooldownSeconds: jwks.minimumInterval / 1000,
    fetchTimeoutSeconds: jwks.timeout / 1000,
  }
}

function buildKeySource({ url, file }: ParsedIssuer['jwks'], absolute: AbsolutePath): KeySource {
  if (file !== undefined) return { kind: 'file', file: absolute(file) }
  return url === undefined ? { kind: 'discovery' } : { kind: 'url', url }
}

function buildKind(kind: ParsedIssuer['claims']['kind']): KindMapping {
  if (kind.fixed !== undefined) return { fixed: kind.fixed }
  // Without a claim name or values nothing matches, so every token would be refused; cross-checks exclude it anyway.
  return { claim: kind.claim ?? '', values: bare(kind.values ?? {}, (value) => value) }
}
