import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { takeRandom } from './random-supply.ts'

/** Of a key, in bytes. */
export const KEY_BYTES = 32

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Encrypts with AES-256-GCM under a random nonce: nonce, ciphertext, tag. `context` has to be the same when it is opened. */
export function seal(key: KeyObject, plain: Buffer, context: string): Buffer {
  const nonce = takeRandom(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined when it was not sealed with this key and context. */
export function open(key: KeyObject, sealed: Buffer, context: string): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()])
  } catch {
    return undefined
  }
}

/** Joins what a context is made of. None of the parts may hold a NUL, so that no two contexts are the same. */
export function contextOf(...parts: readonly string[]): string {
  if (parts.some((part) => part.includes('\0'))) throw new TypeError('a part of a context holds a NUL')
  return parts.join('\0')
}

/** The keys that wrap the data keys of scopes: the current one, and those that may still be in use. */
export class KeyRing {
  readonly currentId: string
  readonly #keys: ReadonlyMap<string, KeyObject>

  /** Each of 32 bytes. */
  constructor(current: Buffer, previous: readonly Buffer[]) {
    this.currentId = keyId(current)
    this.#keys = new Map([...previous, current].map((key) => [keyId(key), createSecretKey(key)]))
  }

  /** Wraps with the current key. */
  wrap(dataKey: Buffer, scopeId: string, digest: Buffer): Buffer {
    return seal(this.#keyOf(this.currentId), dataKey, wrapContext(this.currentId, scopeId, digest))
  }

  /** @throws Error when the key is not in the ring, or does not fit. */
  unwrap(wrapped: Buffer, id: string, scopeId: string, digest: Buffer): Buffer {
    const dataKey = open(this.#keyOf(id), wrapped, wrapContext(id, scopeId, digest))
    if (dataKey?.length !== KEY_BYTES) throw new Error(`the key of a scope cannot be unwrapped with the key ${id}`)
    return dataKey
  }

  has(id: string): boolean {
    return this.#keys.has(id)
  }

  #keyOf(id: string): KeyObject {
    const key = this.#keys.get(id)
    if (key === undefined) throw new Error(`the key ${id} is not configured`)
    return key
  }
}

function wrapContext(id: string, scopeId: string, digest: Buffer): string {
  return contextOf('chaperone scope key 1', id, scopeId, digest.toString('hex'))
}

/** Tells keys apart and says nothing of them. */
function keyId(key: Buffer): string {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`)
  return createHmac('sha256', key).update('chaperone key id 1').digest('hex').slice(0, 16)
}
