import type { Config } from '../config/config.ts'
import { policyDocument, policyVersion } from '../config/policy-document.ts'
import { ChaperoneError } from '../lib/errors.ts'

/** The parts of a configuration that a document has: everything that decides, and no place of a secret. */
type Parts = Pick<Config, 'grants' | 'rules' | 'packs' | 'phi' | 'targets' | 'approvals' | 'activation'>

/**
 * The configuration of the file with another version of the policy in it: what decides is that of the document, secrets and the rest are
 * the file's.
 * @throws ChaperoneError CHP-CONFIG-INVALID when the version is not that of its document, or the file lacks what it needs
 */
export function withPolicy(config: Config, version: string, document: string): Config {
  if (policyVersion(document) !== version) throw unusable(version, 'its document is not the one that it is named after')
  const parts: Parts = JSON.parse(document)
  const missing = Object.keys(parts.targets).filter((name) => config.targets[name] === undefined)
  if (missing.length > 0) throw unusable(version, `the file has no target ${missing.join(', ')}`)
  const applied: Config = {
    ...config,
    grants: parts.grants,
    rules: parts.rules,
    packs: parts.packs,
    phi: phiOf(config, parts),
    targets: targetsOf(config, parts),
    approvals: approvalsOf(config, parts, version),
    activation: parts.activation,
    policyVersion: version,
  }
  // Nothing of the file may have slipped into what decides.
  if (policyVersion(policyDocument(applied)) !== version) throw unusable(version, 'this gateway reads it otherwise')
  return Object.freeze(applied)
}

function phiOf(config: Config, { phi }: Parts): Config['phi'] {
  const { http } = phi.detectors
  const authorization = config.phi.detectors.http?.authorization
  return {
    ...phi,
    pseudonymKey: config.phi.pseudonymKey,
    previousPseudonymKeys: config.phi.previousPseudonymKeys,
    tokens: { ...config.phi.tokens, lifetime: phi.tokens.lifetime },
    detectors: { ...phi.detectors, http: http === undefined ? undefined : { ...http, authorization } },
  }
}

function targetsOf(config: Config, { targets }: Parts): Config['targets'] {
  const applied: Record<string, Config['targets'][string]> = Object.create(null)
  for (const [name, target] of Object.entries(targets)) {
    const own = config.targets[name]
    if (own !== undefined) applied[name] = { ...target, credential: own.credential }
  }
  return Object.freeze(applied)
}

function approvalsOf(config: Config, { approvals }: Parts, version: string): Config['approvals'] {
  if (approvals === undefined) return undefined
  if (config.approvals === undefined) throw unusable(version, 'the file has no section "approvals"')
  return { ...config.approvals, ...approvals }
}

const unusable = (version: string, reason: string): ChaperoneError =>
  new ChaperoneError('CHP-CONFIG-INVALID', {
    message: `the version ${version} of the policy cannot be used with this configuration`,
    hint: 'See "chaperone policy versions" and docs/policy.md, managed activation.',
    reason,
  })
