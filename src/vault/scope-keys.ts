import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { TokenRequest } from '../phi/tokens/stand-ins.ts'
import { contextOf, KEY_BYTES, open, seal } from './key-ring.ts'
import type { ScopeKey } from './token-scope.ts'

/** The name of a scope in the store: SHA-256 over its parts, each with its length, so that no two scopes share one. */
export function digestOf(key: ScopeKey): Buffer {
  const hash = createHash('sha256')
  for (const part of [key.group, key.purpose, key.target]) {
    const bytes = Buffer.from(part)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  return hash.digest()
}

/** A token as far as the store has it in clear. As text: what comes from the store may be anything. */
export interface SealedUnder {
  readonly phiClass: string
  readonly form: string
  readonly token: string
}

/** What is done with the data key of one scope. Two keys are derived from it, so that none is used for two purposes. */
export class ScopeKeys {
  readonly #scopeId: string
  readonly #values: KeyObject
  readonly #index: KeyObject

  constructor(scopeId: string, dataKey: Buffer) {
    this.#scopeId = scopeId
    this.#values = derived(dataKey, scopeId, 'chaperone token value 1')
    this.#index = derived(dataKey, scopeId, 'chaperone token index 1')
  }

  /** By which the value is found in the store: a keyed digest of class, form and value. */
  indexOf({ phiClass, form, value }: TokenRequest): Buffer {
    return createHmac('sha256', this.#index).update(`${phiClass}\0${form}\0`).update(value).digest()
  }

  seal(value: string, under: SealedUnder): Buffer {
    return seal(this.#values, Buffer.from(value), this.#context(under))
  }

  /** Undefined when it was not sealed in this scope under this class, form and token. */
  open(sealed: Buffer, under: SealedUnder): string | undefined {
    return open(this.#values, sealed, this.#context(under))?.toString()
  }

  #context({ phiClass, form, token }: SealedUnder): string {
    return contextOf(this.#scopeId, phiClass, form, token)
  }
}

function derived(dataKey: Buffer, scopeId: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, scopeId, purpose, KEY_BYTES)))
}
