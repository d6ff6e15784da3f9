import { createHash } from 'node:crypto'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { BindingDigest } from './approval-request.ts'

/** First words of what is hashed, so that no digest can be taken for one of another purpose. */
const DOMAIN = 'chaperone operation/1'

/**
 * All that an approval of an operation is bound to (DESIGN, I7). Two operations that differ in any of it are different
 * operations; what is not in here must not be able to change what an operation does.
 */
export interface OperationBinding {
  readonly target: string
  /** As the client has sent it, stand-ins and all. */
  readonly statement: string
  readonly parameters: readonly BoundParameter[]
  /** Everything of the session that can change what the statement does: `search_path`, `role`, and whatever else is tracked. */
  readonly settings: Readonly<Record<string, string>>
  /** Digest of what of the catalog the analysis rests on. */
  readonly catalog: string
  /** See `chainKey`. */
  readonly chain: string
  readonly purpose: string | undefined
  readonly run: string | undefined
  readonly patients: readonly string[] | undefined
  /** Version of the policy. */
  readonly policy: string
  /** See `Access.key`. */
  readonly access: string
}

export interface BoundParameter {
  /** pg_type.oid; 0 when the target chooses it. */
  readonly typeOid: number
  /** 0 text, 1 binary. */
  readonly format: number
  /** In base64, as the client has sent it, stand-ins and all; null is SQL's. */
  readonly value: string | null
}

/** SHA-256 (hex) over the canonical JSON of the whole binding. */
export function operationDigest({ patients, ...rest }: OperationBinding): BindingDigest {
  // A list of patients is a set.
  const allowed = patients === undefined ? undefined : [...new Set(patients)].toSorted()
  return createHash('sha256')
    .update(canonicalJson({ domain: DOMAIN, ...rest, patients: allowed }))
    .digest('hex')
}
