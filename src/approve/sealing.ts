import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts and authenticates what the store keeps of approvals, so that who can read the store reads nothing that people wrote, and
 * who can write to it approves nothing.
 */
export interface Sealing {
  /** `context` has to be the same when it is opened; none of its parts may hold a NUL. */
  seal(plain: string, ...context: readonly string[]): Buffer
  /** Undefined when it was not sealed with this key and context. */
  open(sealed: Buffer, ...context: readonly string[]): string | undefined
}

/** `key`: 32 bytes, shared by the gateways of one store. Another one is derived from it, so that none is used for two purposes. */
export function sealing(key: Buffer, purpose: string): Sealing {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`)
  const derived = createSecretKey(
    Buffer.from(hkdfSync('sha256', key, '', `chaperone approvals ${purpose} 1`, KEY_BYTES)),
  )
  return {
    seal: (plain, ...context) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, derived, nonce, { authTagLength: TAG_BYTES }).setAAD(aad(context))
      return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed, ...context) => {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
      const end = sealed.length - TAG_BYTES
      const decipher = createDecipheriv(CIPHER, derived, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(aad(context))
        .setAuthTag(sealed.subarray(end))
      try {
        return decipher.update(sealed.subarray(NONCE_BYTES, end), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        return undefined
      }
    },
  }
}

function aad(context: readonly string[]): Buffer {
  if (context.some((part) => part.includes('\0'))) throw new TypeError('a part of a context holds a NUL')
  return Buffer.from(context.join('\0'))
}
