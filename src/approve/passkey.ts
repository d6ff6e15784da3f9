import { canonicalJson } from '../lib/canonical-json.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { StoredPasskey } from './passkey-repository.ts'
import type { Sealing } from './sealing.ts'

/** A passkey as it was registered, and how far it has counted. */
export interface Passkey extends Omit<StoredPasskey, 'sealed'> {
  /** What its owner calls it. */
  readonly name: string
  /** COSE_Key. */
  readonly publicKey: Buffer
  /** How a browser may reach the authenticator; hints only. */
  readonly transports: readonly string[]
}

interface SealedPart {
  readonly name: string
  readonly publicKey: string
  readonly transports: readonly string[]
}

const PASSKEY = 'passkey'

export function sealPasskey({ name, publicKey, transports, ...stored }: Passkey, seal: Sealing): StoredPasskey {
  const part: SealedPart = { name, publicKey: publicKey.toString('base64url'), transports }
  return { ...stored, sealed: seal.seal(canonicalJson(part), PASSKEY, stored.id, stored.owner) }
}

/** Undefined for what this gateway has not sealed for this owner. */
export function openPasskey({ sealed, ...stored }: StoredPasskey, seal: Sealing): Passkey | undefined {
  const text = seal.open(sealed, PASSKEY, stored.id, stored.owner)
  if (text === undefined) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- authenticated: it is what `sealPasskey` has written
  const { name, publicKey, transports } = JSON.parse(text) as SealedPart
  return { ...stored, name, transports, publicKey: Buffer.from(publicKey, 'base64url') }
}

/** What an approver is told when a ceremony fails. The reason is free of values. */
export function passkeyInvalid(reason: string, cause?: unknown): ChaperoneError {
  return new ChaperoneError('CHP-APPROVAL-INVALID', { message: `the passkey does not count: ${reason}`, reason, cause })
}
