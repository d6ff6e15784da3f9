import { dirname, join } from 'node:path'
import { bare } from './bare.ts'
import { buildAlerts, buildApprovals, buildDelegation, buildListenTls, buildWeb } from './build-approvals.ts'
import { type AbsolutePath, buildCredential, buildTls } from './build-credential.ts'
import { buildIssuer } from './build-issuers.ts'
import { buildPhi } from './build-phi.ts'
import { allMatches, buildActivation, buildGrant, buildRule } from './build-policy.ts'
import { buildStore } from './build-store.ts'
import { absolutePath } from './check-context.ts'
import type { AdminConfig, Config, JournalConfig, TargetConfig } from './config.ts'
import { deepFreeze } from './deep-freeze.ts'
import { policyDocument, policyVersion } from './policy-document.ts'
import type { ParsedConfig } from './schema.ts'

/** The configuration of a file that has no problems. */
export function buildConfig(parsed: ParsedConfig, file: string, positionOf: Config['positionOf']): Config {
  const absolute: AbsolutePath = (path) => absolutePath(dirname(file), path)
  const state = absolute(parsed.state)
  const { postgres } = parsed.listen
  const approvals = buildApprovals(parsed.approvals, state, absolute)
  const grants = parsed.grants.map((grant) => buildGrant(grant, approvals))
  const matches = allMatches(grants, approvals)
  const policy = {
    grants,
    rules: parsed.rules.map((rule) => buildRule(rule, approvals)),
    packs: parsed.packs,
    phi: buildPhi(parsed.phi, state, absolute),
    targets: bare(parsed.targets, (target, name) => buildTarget(name, target, absolute)),
    approvals,
    activation: buildActivation(parsed.policy.activation),
  }
  return deepFreeze<Config>({
    file,
    listen: {
      postgres: { ...postgres, tls: buildListenTls(postgres.tls, absolute) },
      web: buildWeb(parsed.listen.web, absolute),
    },
    admin: buildAdmin(parsed.admin, state, absolute),
    state,
    journal: buildJournal(parsed.journal, state, absolute),
    store: buildStore(parsed.store, state, absolute),
    issuers: parsed.issuers.map((issuer) => buildIssuer(issuer, matches, absolute)),
    ...policy,
    delegation: buildDelegation(parsed.delegation, state, absolute),
    alerts: buildAlerts(parsed.alerts, absolute),
    policyVersion: policyVersion(policyDocument(policy)),
    positionOf,
  })
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
