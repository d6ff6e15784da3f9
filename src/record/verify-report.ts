/** What a verification found. Holds no PHI, depends on the files alone, and is JSON as it stands. */
export interface VerifyReport {
  readonly format: string
  /** Identity of the gateway that wrote the journal, as the first segment says. */
  readonly origin: string | null
  readonly segments: number
  readonly records: number
  readonly firstSeq: number | null
  readonly lastSeq: number | null
  readonly firstTime: string | null
  readonly lastTime: string | null
  /** How often a record has an earlier time than the one before: clocks that were set. */
  readonly clockSteps: number
  /** The chain after the last complete batch. Note it elsewhere: nothing inside shows that a whole tail was cut off. */
  readonly head: { readonly segment: string; readonly seq: number; readonly chain: string } | null
  readonly ok: boolean
  /** The first hundred, in the order of the files. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
  readonly tail: {
    readonly segment: string | null
    /** Bytes after the last complete batch: a write that was cut short, or one that is going on. Not verified. */
    readonly tornBytes: number
    /** Kind of the last complete record; 'gateway-stop' after an orderly end. */
    readonly lastKind: string | null
  }
  /** Torn tails that openings after a crash moved aside. */
  readonly recovered: readonly { readonly segment: string; readonly tornBytes: number }[]
  readonly bodies: {
    /** Records whose header commits to a body. */
    readonly committed: number
    /** Opened and found to match; 0 without a key. */
    readonly opened: number
    /** Deleted, or their key was. */
    readonly missing: number
    /** Present, but no key was given or it is another one. */
    readonly unopened: number
  }
  /** Batches with exact statements, and how many of those blocks were deleted (or their key was). */
  readonly sealed: { readonly batches: number; readonly missing: number }
  readonly intentsWithoutOutcome: Dangling<{ readonly seq: number; readonly session: string; readonly op: number }>
  readonly sessionsWithoutEnd: Dangling<{ readonly seq: number; readonly session: string }>
}

export interface Dangling<Example> {
  readonly count: number
  readonly first: readonly Example[]
}

export type ProblemCode =
  | 'directory' // a name or number of a segment that does not fit
  | 'segment-head' // the first line of a segment
  | 'segment-link' // a segment does not follow from the one before
  | 'segment-torn' // a segment that is not the last ends within a batch
  | 'line-invalid'
  | 'line-order'
  | 'header-form' // not canonical JSON
  | 'header-shape' // members or their types
  | 'sequence'
  | 'chain'
  | 'block-altered'
  | 'key-altered'
  | 'body-altered'

/** What is wrong with a line or file that the caller knows. */
export interface Finding {
  readonly code: ProblemCode
  readonly message: string
}

export interface Problem extends Finding {
  readonly segment: string
  /** Counts from 1; 0 when no line is meant. */
  readonly line: number
}
