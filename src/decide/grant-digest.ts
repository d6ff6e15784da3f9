import { hash } from 'node:crypto'
import type { GrantConfig } from '../config/config.ts'
import { canonicalJson } from '../lib/canonical-json.ts'

/**
 * SHA-256 (hex) of what a grant says, and of the purpose that it was asked for: an approved request for it holds as long as the grant stays
 * the same, and for that purpose. Without a purpose it holds for any that the grant allows.
 */
export const grantDigest = (grant: GrantConfig, purpose?: string): string =>
  hash('sha256', canonicalJson(purpose === undefined ? grant : { grant, purpose }), 'hex')
