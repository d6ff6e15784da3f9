import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { ChaperoneError } from '../../lib/errors.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import type { VerificationKeys } from '../oidc/trusted-issuer.ts'

/** RFC 8037; the JOSE name of Ed25519 that every library knows. */
export const GATEWAY_TOKEN_ALGORITHM = 'EdDSA'

/** Of the gateway's own tokens, for logs. */
export const GATEWAY_ISSUER_NAME = 'gateway'

/** PrivateKeyInfo of RFC 8410, section 7, up to the 32 bytes of the key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

interface SigningKey {
  readonly privateKey: KeyObject
  readonly publicJwk: JWK & { readonly kid: string }
  readonly publicKey: CryptoKey | Uint8Array
}

/** The keys of the gateway's own tokens (Ed25519): the first one signs, all verify. */
export class GatewayKeys implements VerificationKeys {
  readonly #keys: readonly [SigningKey, ...SigningKey[]]

  private constructor(keys: readonly [SigningKey, ...SigningKey[]]) {
    this.#keys = keys
  }

  /** From the 32 secret bytes of each: that of the key that signs, and those of keys that did before it. */
  static async from(secret: Uint8Array, previous: readonly Uint8Array[] = []): Promise<GatewayKeys> {
    const first = await signingKey(secret)
    const others = await Promise.all(previous.map(signingKey))
    const ids = [first, ...others].map(({ publicJwk }) => publicJwk.kid)
    if (new Set(ids).size !== ids.length) {
      throw new ChaperoneError('CHP-CONFIG-INVALID', {
        message: 'a previous signing key is the current one, or there twice',
      })
    }
    return new GatewayKeys([first, ...others])
  }

  get signing(): { readonly key: KeyObject; readonly keyId: string } {
    const [{ privateKey, publicJwk }] = this.#keys
    return { key: privateKey, keyId: publicJwk.kid }
  }

  /** The public keys, for others to verify the tokens with (RFC 7517, section 5). */
  get jwks(): { readonly keys: readonly JWK[] } {
    return { keys: this.#keys.map(({ publicJwk }) => publicJwk) }
  }

  async load(): Promise<void> {}

  async find(algorithm: string, keyId: string | undefined): Promise<readonly CryptoKey[]> {
    const found = this.#keys.find(({ publicJwk }) => publicJwk.kid === keyId)?.publicKey
    if (algorithm !== GATEWAY_TOKEN_ALGORITHM || found === undefined || found instanceof Uint8Array) {
      throw new IdentityRejected('key-unknown', GATEWAY_ISSUER_NAME)
    }
    return [found]
  }

  close(): void {}
}

async function signingKey(secret: Uint8Array): Promise<SigningKey> {
  if (secret.length !== 32) throw new ChaperoneError('CHP-CONFIG-INVALID', { message: 'a signing key is not 32 bytes' })
  const der = Buffer.concat([PKCS8_PREFIX, secret])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x, use: 'sig', alg: GATEWAY_TOKEN_ALGORITHM, kid: thumbprint(x) }
  return { privateKey, publicJwk, publicKey: await importJWK(publicJwk) }
}

/** RFC 7638 with the members of RFC 8037, in their order. */
const thumbprint = (x: string): string =>
  createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url')
