import type { PasskeyRepository, StoredChallenge, StoredPasskey } from '../../src/approve/passkey-repository.ts'

/** What the store does with passkeys, in memory. */
export class MemoryPasskeys implements PasskeyRepository {
  readonly #passkeys = new Map<string, StoredPasskey>()
  readonly #challenges = new Map<string, StoredChallenge>()

  async passkeysOf(owner: string): Promise<readonly StoredPasskey[]> {
    return [...this.#passkeys.values()].filter((one) => one.owner === owner)
  }

  async addPasskey(passkey: StoredPasskey): Promise<boolean> {
    if (this.#passkeys.has(passkey.id)) return false
    this.#passkeys.set(passkey.id, passkey)
    return true
  }

  async countPasskey(id: string, counter: number, at: number): Promise<boolean> {
    const passkey = this.#passkeys.get(id)
    if (passkey === undefined || (counter !== 0 && counter <= passkey.counter)) return false
    this.#passkeys.set(id, { ...passkey, counter, lastUsedAt: at })
    return true
  }

  async removePasskey(id: string): Promise<boolean> {
    return this.#passkeys.delete(id)
  }

  async addChallenge(challenge: StoredChallenge): Promise<void> {
    this.#challenges.set(challenge.challenge, challenge)
  }

  async takeChallenge(challenge: string): Promise<StoredChallenge | undefined> {
    const found = this.#challenges.get(challenge)
    this.#challenges.delete(challenge)
    return found
  }
}
