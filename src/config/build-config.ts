import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { canonicalJson } from './canonical-json.ts'
import { bare } from './bare.ts'
import { type AbsolutePath, buildCredential, buildTls } from './build-credential.ts'
import { buildPhi } from './build-phi.ts'
import { buildStore } from './build-store.ts'
import { absolutePath } from './check-context.ts'
import type {
  AdminConfig,
  Config,
  GrantConfig,
  IssuerConfig,
  JournalConfig,
  KindMapping,
  TargetConfig,
} from './config.ts'
import { deepFreeze } from './deep-freeze.ts'
import type { ParsedConfig } from './schema.ts'

/** The configuration of a file that has no problems. */
export function buildConfig(parsed: ParsedConfig, file: string, positionOf: Config['positionOf']): Config {
  const absolute: AbsolutePath = (path) => absolutePath(dirname(file), path)
  const state = absolute(parsed.state)
  const { tls, ...postgres } = parsed.listen.postgres
  const targets = bare(parsed.targets, (target, name) => buildTarget(name, target, absolute))
  const phi = buildPhi(parsed.phi, state, absolute)
  const grants = parsed.grants.map(buildGrant)
  const rules = parsed.rules.map(({ name, when, effect, message, hint }) => ({ name, when, effect, message, hint }))
  const { packs } = parsed
  return deepFreeze<Config>({
    file,
    listen: {
      postgres: {
        ...postgres,
        tls: tls === undefined ? undefined : { certificateFile: absolute(tls.certificate), keyFile: absolute(tls.key) },
      },
    },
    admin: buildAdmin(parsed.admin, state, absolute),
    state,
    journal: buildJournal(parsed.journal, state, absolute),
    store: buildStore(parsed.store, state, absolute),
    issuers: parsed.issuers.map((issuer) => buildIssuer(issuer, grants)),
    targets,
    phi,
    grants,
    rules,
    packs,
    policyVersion: policyVersion({ grants, rules, packs, phi, targets }),
    positionOf,
  })
}

/** Covers what decides, in the form that decides: order of keys, comments and secrets do not matter. */
function policyVersion(policy: Pick<Config, 'grants' | 'rules' | 'packs' | 'phi' | 'targets'>): string {
  const targets = bare(policy.targets, (target) => ({ ...target, credential: undefined }))
  const { lifetime } = policy.phi.tokens
  const { http } = policy.phi.detectors
  const detectors = {
    ...policy.phi.detectors,
    http: http === undefined ? undefined : { ...http, authorization: undefined },
  }
  const phi = {
    ...policy.phi,
    pseudonymKey: undefined,
    previousPseudonymKeys: undefined,
    tokens: { lifetime },
    detectors,
  }
  return `sha256:${createHash('sha256')
    .update(canonicalJson({ ...policy, phi, targets }))
    .digest('hex')}`
}

function buildAdmin(admin: ParsedConfig['admin'], state: string, absolute: AbsolutePath): AdminConfig {
  if (admin.loopbackPort !== undefined) return { kind: 'loopback', port: admin.loopbackPort }
  return { kind: 'socket', path: admin.socket === undefined ? join(state, 'admin.sock') : absolute(admin.socket) }
}

function buildJournal(journal: ParsedConfig['journal'], state: string, absolute: AbsolutePath): JournalConfig {
  return {
    directory: journal.directory === undefined ? join(state, 'journal') : absolute(journal.directory),
    durability: journal.durability,
    segmentSize: journal.segmentSize,
    bodyKeyFile: journal.bodyKey === undefined ? join(state, 'body.key') : absolute(journal.bodyKey.file),
    sealTo: journal.sealTo ?? [],
    statementsAreNotSealed: journal.statementsAreNotSealed,
    minimumFreeSpace: journal.minimumFreeSpace,
    reserveSpace: journal.reserveSpace,
  }
}

function buildIssuer(issuer: ParsedConfig['issuers'][number], grants: readonly GrantConfig[]): IssuerConfig {
  const { name, claims, jwks } = issuer
  const wanted = grants.flatMap(({ principals }) =>
    principals.flatMap((match) =>
      match.issuer === undefined || match.issuer === name ? Object.keys(match.claim ?? {}) : [],
    ),
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
    keepClaims: [...new Set(wanted)].toSorted(),
    jwksCacheSeconds: jwks.cacheFor / 1000,
    jwksStaleSeconds: jwks.keepDuringOutage / 1000,
    jwksCooldownSeconds: jwks.minimumInterval / 1000,
    fetchTimeoutSeconds: jwks.timeout / 1000,
  }
}

function buildKind(kind: ParsedConfig['issuers'][number]['claims']['kind']): KindMapping {
  if (kind.fixed !== undefined) return { fixed: kind.fixed }
  // Without a claim name or values nothing matches, so every token would be refused; cross-checks exclude it anyway.
  return { claim: kind.claim ?? '', values: bare(kind.values ?? {}, (value) => value) }
}

function buildTarget(name: string, target: ParsedConfig['targets'][string], absolute: AbsolutePath): TargetConfig {
  const { tls } = target
  return {
    ...target,
    name,
    database: target.database ?? name,
    statementTimeout: target.statementTimeout,
    credential: buildCredential(target.credential, absolute),
    tls: buildTls(tls, absolute),
  }
}

function buildGrant(grant: ParsedConfig['grants'][number]): GrantConfig {
  return {
    name: grant.name,
    principals: grant.principals.map(({ issuer, subject, group, kind, claim }) => {
      return { issuer, subject, group, kind, claim: claim && bare(claim, (value) => value) }
    }),
    targets: grant.targets,
    tokenScope: grant.tokenScope ?? grant.name,
    clearance: {
      default: grant.clearance.default,
      classes: bare(grant.clearance.classes, (level) => level ?? grant.clearance.default),
    },
  }
}
