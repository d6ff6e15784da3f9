import { createHash } from 'node:crypto'
import { bare } from './bare.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { Config } from './config.ts'

type Parts = Pick<Config, 'grants' | 'rules' | 'packs' | 'phi' | 'targets' | 'approvals' | 'activation'>

/**
 * What decides, as canonical JSON (RFC 8785): grants, rules, packs, PHI, targets, and who approves. Order of keys, comments and the
 * places of secrets do not matter, and are not in it.
 */
export function policyDocument({ grants, rules, packs, phi, targets, approvals, activation }: Parts): string {
  const { http } = phi.detectors
  return canonicalJson({
    grants,
    rules,
    packs,
    phi: {
      ...phi,
      pseudonymKey: undefined,
      previousPseudonymKeys: undefined,
      tokens: { lifetime: phi.tokens.lifetime },
      detectors: { ...phi.detectors, http: http === undefined ? undefined : { ...http, authorization: undefined } },
    },
    targets: bare(targets, (target) => ({ ...target, credential: undefined })),
    approvals: approvals && {
      pools: approvals.pools,
      default: approvals.default,
      stepUp: approvals.stepUp,
      maxApproval: approvals.maxApproval,
    },
    activation,
  })
}

/** `sha256:` and 64 hexadecimal digits. */
export const policyVersion = (document: string): string =>
  `sha256:${createHash('sha256').update(document).digest('hex')}`
