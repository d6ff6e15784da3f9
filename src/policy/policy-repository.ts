import type { ActivatedGrant } from '../decide/decision.ts'

/** A version that somebody has written. */
export interface PolicyVersion {
  /** `sha256:` and 64 hexadecimal digits of the document. */
  readonly version: string
  /** Canonical JSON of what decides. */
  readonly document: string
  readonly createdAt: number
  /** Who wrote it, for people to read. */
  readonly createdBy: string
  readonly note: string
}

/** That a version was put into force. */
export interface PolicyActivation {
  readonly version: string
  readonly at: number
  readonly by: string
  /** The approved request; undefined: the first start. */
  readonly request: string | undefined
}

export interface NewActivation extends Omit<PolicyActivation, 'at'> {
  /** The version that has to be in force until then; undefined: none. */
  readonly from: string | undefined
}

export interface GivenGrant extends ActivatedGrant {
  readonly request: string
}

/** What the store keeps of policies. Everything rejects when it cannot be reached. */
export interface PolicyRepository {
  /** Once; a version that is there stays as it is. */
  add(version: Omit<PolicyVersion, 'createdAt'>): Promise<void>
  get(version: string): Promise<PolicyVersion | undefined>
  /** Newest first. */
  list(limit: number): Promise<readonly Omit<PolicyVersion, 'document'>[]>
  /** Newest first: the first one is in force. */
  activations(limit: number): Promise<readonly PolicyActivation[]>
  /** False: another version was put into force meanwhile. A request that was carried out before is true, and changes nothing. */
  activate(activation: NewActivation): Promise<boolean>
  /** Once for each request. */
  give(grant: GivenGrant): Promise<void>
  /** What has not ended by the store's clock. */
  given(): Promise<readonly ActivatedGrant[]>
  /** Deletes what has ended so long ago, by the store's clock, that only people would look for it; the journal has it. */
  forgetGiven(endedForMs: number): Promise<void>
  /** Another one after every activation and every grant that is given. */
  change(): Promise<string>
}
