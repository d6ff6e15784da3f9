import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

/** Process ids are positive 31-bit numbers, like a server's, but chosen at random: they tell nothing. */
const MAX_PROCESS_ID = 2 ** 31 - 1
/** Protocol 3.0 has room for 4 bytes; 3.2 allows up to 256, of which PostgreSQL 18 uses 32. */
const KEY_BYTES = { 0: 4, 2: 32 } as const

export interface CancelKey {
  readonly processId: number
  readonly secretKey: Buffer
}

/** The cancel keys that the gateway has given to its clients. A target's own key never leaves the gateway. */
export class CancelRegistry {
  readonly #sessions = new Map<number, { readonly secretKey: Buffer; readonly cancel: () => void }>()

  issue(minor: 0 | 2, cancel: () => void): CancelKey {
    let processId = randomInt(1, MAX_PROCESS_ID)
    while (this.#sessions.has(processId)) processId = randomInt(1, MAX_PROCESS_ID)
    const secretKey = randomBytes(KEY_BYTES[minor])
    this.#sessions.set(processId, { secretKey, cancel })
    return { processId, secretKey }
  }

  revoke(key: CancelKey): void {
    this.#sessions.delete(key.processId)
  }

  /** As PostgreSQL does it, the client is told nothing: neither that the key was right nor that it was wrong. */
  cancel(processId: number, secretKey: Buffer): boolean {
    const session = this.#sessions.get(processId)
    if (session === undefined || session.secretKey.length !== secretKey.length) return false
    if (!timingSafeEqual(session.secretKey, secretKey)) return false
    session.cancel()
    return true
  }
}
