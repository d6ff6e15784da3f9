import { createHash } from 'node:crypto'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { BindingDigest, ShownAccess } from './approval-request.ts'

/** What an approval of access is bound to. */
export interface AccessBinding {
  readonly access: ShownAccess
  /** See `chainKey`. */
  readonly chain: string
  readonly purpose: string | undefined
  readonly run: string | undefined
  readonly policyVersion: string
}

/** SHA-256 (hex) over the canonical JSON of the binding. */
export function accessDigest(binding: AccessBinding): BindingDigest {
  return digest({ domain: 'chaperone access/1', ...binding })
}

/** What an approval of a version of the policy is bound to: this change from that version, and who asks for it. */
export interface PolicyBinding {
  readonly version: string
  readonly active: string
  readonly chain: string
}

export function policyDigest(binding: PolicyBinding): BindingDigest {
  return digest({ domain: 'chaperone policy/1', ...binding })
}

function digest(value: object): BindingDigest {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
