import type { PasskeyRepository, StoredChallenge, StoredPasskey } from './passkey-repository.ts'

/** What the store does, in memory. Tests look into it and change it. */
export class MemoryPasskeyRepository implements PasskeyRepository {
  readonly passkeys = new Map<string, StoredPasskey>()
  readonly challenges = new Map<string, StoredChallenge>()

  passkeysOf(owner: string): Promise<readonly StoredPasskey[]> {
    return Promise.resolve([...this.passkeys.values()].filter((one) => one.owner === owner))
  }

  addPasskey(passkey: StoredPasskey): Promise<boolean> {
    const isNew = !this.passkeys.has(passkey.id)
    if (isNew) this.passkeys.set(passkey.id, passkey)
    return Promise.resolve(isNew)
  }

  countPasskey(id: string, counter: number, at: number): Promise<boolean> {
    const passkey = this.passkeys.get(id)
    if (passkey === undefined) return Promise.resolve(false)
    const counts = passkey.counter < counter || (passkey.counter === 0 && counter === 0)
    if (counts) this.passkeys.set(id, { ...passkey, counter, lastUsedAt: at })
    return Promise.resolve(counts)
  }

  removePasskey(id: string, owner: string): Promise<boolean> {
    return Promise.resolve(this.passkeys.get(id)?.owner === owner && this.passkeys.delete(id))
  }

  addChallenge(challenge: StoredChallenge): Promise<void> {
    this.challenges.set(challenge.challenge, challenge)
    return Promise.resolve()
  }

  takeChallenge(challenge: string): Promise<StoredChallenge | undefined> {
    const taken = this.challenges.get(challenge)
    this.challenges.delete(challenge)
    return Promise.resolve(taken)
  }
}
