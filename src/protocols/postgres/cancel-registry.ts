import { randomBytes, timingSafeEqual } from 'node:crypto'

/** Protocol 3.0 has room for 4 bytes; 3.2 allows up to 256, of which PostgreSQL 18 uses 32. */
const KEY_BYTES = { 0: 4, 2: 32 } as const

export interface CancelKey {
  /**
   * Of the target's server process, as pg_backend_pid() and notifications say it; processes of several targets can have the
   * same.
   */
  readonly processId: number
  readonly secretKey: Buffer
}

/** Asks the target; resolves when it has sent the signal, or will not. */
type Cancel = () => Promise<void>

interface Session {
  readonly secretKey: Buffer
  readonly cancel: Cancel
}

/** The cancel keys that the gateway has given to its clients. A target's own secret never leaves the gateway. */
export class CancelRegistry {
  readonly #sessions = new Map<number, readonly Session[]>()
  readonly #makeSecret: (bytes: number) => Buffer

  constructor(makeSecret: (bytes: number) => Buffer = randomBytes) {
    this.#makeSecret = makeSecret
  }

  issue(minor: 0 | 2, processId: number, cancel: Cancel): CancelKey {
    const others = this.#sessions.get(processId) ?? []
    const fresh = () => this.#makeSecret(KEY_BYTES[minor])
    let secretKey = fresh()
    while (others.some((other) => other.secretKey.equals(secretKey))) secretKey = fresh()
    this.#sessions.set(processId, [...others, { secretKey, cancel }])
    return { processId, secretKey }
  }

  revoke({ processId, secretKey }: CancelKey): void {
    const others = this.#sessions.get(processId)?.filter((session) => !session.secretKey.equals(secretKey)) ?? []
    if (others.length === 0) this.#sessions.delete(processId)
    else this.#sessions.set(processId, others)
  }

  /** As PostgreSQL does it, the client is told nothing: neither that the key was right nor that it was wrong. */
  async cancel(processId: number, secretKey: Buffer): Promise<void> {
    const sessions = this.#sessions.get(processId) ?? []
    await sessions.find((session) => isSame(session.secretKey, secretKey))?.cancel()
  }
}

const isSame = (one: Buffer, other: Buffer): boolean => one.length === other.length && timingSafeEqual(one, other)
