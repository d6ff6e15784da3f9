import { createCipheriv, createSecretKey, hash, type KeyObject, randomBytes } from 'node:crypto'
import { Encrypter } from 'age-encryption'
import { ChaperoneError } from '../lib/errors.ts'
import { fragment } from './canonical.ts'
import { BODY_KEY_DOMAIN, BODY_KEY_ID_DOMAIN, CIPHER, KEY_BYTES, NONCE_BYTES } from './format.ts'

/**
 * Encrypts the blocks of one segment (AES-256-GCM, NIST SP 800-38D). The key lives for one segment of one process and
 * the nonce is the sequence number of the block's first record, so no nonce is used twice under a key.
 */
export class BlockCipher {
  readonly #key: KeyObject
  readonly #nonce = Buffer.alloc(NONCE_BYTES)

  constructor(key: Buffer) {
    this.#key = createSecretKey(key)
  }

  /** Base64 of ciphertext and tag. */
  encrypt(plain: Buffer, first: number, associated: string): string {
    this.#nonce.writeUIntBE(first, NONCE_BYTES - 6, 6)
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonce)
    cipher.setAAD(Buffer.from(associated))
    const encrypted = cipher.update(plain)
    cipher.final()
    return Buffer.concat([encrypted, cipher.getAuthTag()]).toString('base64')
  }
}

/** A key for exact statements, already encrypted to the organisation's recipients. */
export interface SealKey {
  readonly cipher: BlockCipher
  /** The third line of a segment. */
  readonly line: string
}

/**
 * Makes a seal key. Only the recipients' identities open it again; the gateway keeps it in memory while its segment is
 * written. No recipients means that exact statements are not kept.
 * @throws ChaperoneError CHP-CONFIG-INVALID when a recipient is not one that age knows.
 */
export async function makeSealKey(recipients: readonly string[]): Promise<SealKey | undefined> {
  if (recipients.length === 0) return undefined
  const encrypter = new Encrypter()
  for (const [index, recipient] of recipients.entries()) {
    try {
      encrypter.addRecipient(recipient)
    } catch (cause) {
      const message = `entry ${index + 1} of the seal recipients is not an age recipient (age1…)`
      throw new ChaperoneError('CHP-CONFIG-INVALID', { message, cause })
    }
  }
  const key = randomBytes(KEY_BYTES)
  const sealed = Buffer.from(await encrypter.encrypt(key)).toString('base64')
  const cipher = new BlockCipher(key)
  key.fill(0)
  return { cipher, line: fragment({ sealedKey: sealed }) }
}

/** A key for bodies and the second line of the segment, which holds it wrapped. Deleting the line shreds the bodies. */
export function makeBodiesKey(
  bodyKey: Buffer,
  origin: string,
  segment: number,
): { readonly cipher: BlockCipher; readonly line: string } {
  const key = randomBytes(KEY_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const wrap = createCipheriv(CIPHER, bodyKey, nonce)
  wrap.setAAD(Buffer.from(`${BODY_KEY_DOMAIN}\n${origin}\n${segment}\n`))
  const wrapped = Buffer.concat([nonce, wrap.update(key), wrap.final(), wrap.getAuthTag()]).toString('base64')
  const cipher = new BlockCipher(key)
  key.fill(0)
  return { cipher, line: fragment({ bodiesKey: { id: bodyKeyId(bodyKey), wrapped } }) }
}

/** Tells a wrong key from a damaged journal; says nothing about the key. */
function bodyKeyId(bodyKey: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${BODY_KEY_ID_DOMAIN}\n`), bodyKey]), 'hex').slice(0, 16)
}
