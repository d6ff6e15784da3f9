/** Who is remembered: a chain, as a digest, at one target. */
export interface RememberedChain {
  /** SHA-256 of the chain. */
  readonly chain: Buffer
  readonly target: string
}

export interface Volume {
  readonly thisHour: number
  /** Of the hours with any rows in the days before today; undefined: there were none. */
  readonly mean: number | undefined
}

export interface PatientNews {
  /** How many of them the chain had not seen before. */
  readonly first: number
  /** Whether it had seen any. */
  readonly hadAny: boolean
}

/** What alerts compare with, across restarts and gateways. Everything rejects while the store is down. */
export interface AlertMemory {
  /** Those of the relations that the chain had not used before, sorted; they are remembered now. */
  firstUses(who: RememberedChain, relations: readonly string[]): Promise<readonly string[]>
  /** The same of patients, by their keyed digests (hex). */
  firstPatients(who: RememberedChain, digests: readonly string[]): Promise<PatientNews>
  /** Counts rows of an hour. */
  addRows(who: RememberedChain, rows: number, at: number): Promise<Volume>
  /** Deletes what is not compared with any more. */
  forget(at: number): Promise<void>
}
