/** A passkey as the store has it. */
export interface StoredPasskey {
  /** In base64url, as WebAuthn has it. */
  readonly id: string
  /** `issuer/subject`. */
  readonly owner: string
  /** Public key and what else does not change, sealed: who can write to the store makes no passkeys. */
  readonly sealed: Buffer
  /** Of signatures; 0 from authenticators that do not count. */
  readonly counter: number
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
}

/** A ceremony that has begun. */
export interface StoredChallenge {
  /** In base64url. */
  readonly challenge: string
  readonly owner: string
  readonly purpose: string
  readonly nonce: string
  /** Milliseconds since the epoch, whole. */
  readonly expiresAt: number
}

/** Where passkeys are kept. Whatever it rejects with is a failure of the store. */
export interface PasskeyRepository {
  /** Oldest first. */
  passkeysOf(owner: string): Promise<readonly StoredPasskey[]>
  /** False when there is one with that id. */
  addPasskey(passkey: StoredPasskey): Promise<boolean>
  /**
   * Keeps the new count. False when the passkey is not there, or has counted so far already: then another copy of it, or another
   * answer, was there before.
   */
  countPasskey(id: string, counter: number, at: number): Promise<boolean>
  removePasskey(id: string, owner: string): Promise<boolean>
  addChallenge(challenge: StoredChallenge): Promise<void>
  /** Takes it away: nobody gets it a second time. Also forgets what is over. */
  takeChallenge(challenge: string): Promise<StoredChallenge | undefined>
}
