/** A count that sessions of all gateways share. */
export interface SharedAccount {
  /** SHA-256 of who is counted and what. */
  readonly account: Buffer
  /** Whether what is older than an hour counts no more. */
  readonly isWindow: boolean
}

/** What was taken of a budget, and when: to give back what was not used. */
export interface Taken {
  readonly amount: number
  /** Of the store's clock; 0 without a window. */
  readonly minute: number
}

/** Shared counts. Everything rejects while the store is down; what it has taken by then stays taken. */
export interface BudgetStore {
  /** Takes up to `amount`, so that no more than `limit` are taken in all. */
  take(account: SharedAccount, amount: number, limit: number): Promise<Taken>
  giveBack(account: SharedAccount, taken: Taken): Promise<void>
  /**
   * Counts patients that have not been counted yet, in their order and as long as there is room, then rows that name none. Says
   * how many of each are counted now.
   */
  takePatients(
    account: SharedAccount,
    patients: readonly Buffer[],
    unnamed: number,
    limit: number,
  ): Promise<{ readonly accepted: number; readonly unnamed: number }>
  /** Of 32 bytes, the same for all gateways: made when it is asked for first. */
  digestKey(): Promise<Buffer>
  /** Deletes what counts no more. */
  sweep(): Promise<void>
}
