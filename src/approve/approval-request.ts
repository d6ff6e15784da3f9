/** One member of a chain, as approvers see it. */
export interface RequestMember {
  readonly issuer: string
  readonly subject: string
  readonly kind: 'human' | 'agent' | 'service'
  readonly name?: string
}

/** So many distinct humans of the pools together. Groups are pools, not votes: two groups of one person are one person. */
export interface ApprovalNeed {
  /** Names of pools in the configuration, sorted. */
  readonly pools: readonly string[]
  readonly quorum: number
  /** The rule, grant or setting that asks for it. */
  readonly rule: string
}

/** What approvers see of a held operation. Free of PHI: literals are masked, names come from the catalog. */
export interface ShownOperation {
  readonly target: string
  readonly protocol: 'postgres'
  /** The statement without its literals. */
  readonly statement: string
  readonly commands: readonly string[]
  readonly effects: readonly string[]
  /** `action schema.name`, as in the journal. */
  readonly relations: readonly string[]
  /** PHI classes that are touched, sorted. */
  readonly classes: readonly string[]
  readonly parameters: number
  /** Of the planner; undefined when it cannot be asked. */
  readonly estimatedRows?: number
  /** Why it is held: messages of the rules. */
  readonly reasons: readonly { readonly rule: string; readonly message: string }[]
  /** Whether `preview` of the service can show the rows that would be touched. */
  readonly hasPreview: boolean
}

/** Time-boxed use of a grant that is given on request only. */
export interface ShownAccess {
  readonly grant: string
  readonly targets: readonly string[]
  readonly clearance: string
  readonly durationMs: number
  readonly justification: string
}

/** A new version of the policy. */
export interface ShownPolicy {
  readonly version: string
  readonly active: string
  /** Lines of a diff of the policy text. */
  readonly diff: readonly string[]
}

export type Subject =
  | { readonly kind: 'operation'; readonly shown: ShownOperation }
  | { readonly kind: 'access'; readonly shown: ShownAccess }
  | { readonly kind: 'policy'; readonly shown: ShownPolicy }

/**
 * What an approval is bound to (DESIGN, I7), as SHA-256 (hex) over the canonical JSON of all of it: statement, parameters, settings,
 * catalog, chain, target, policy version. See `operation-digest.ts`.
 */
export type BindingDigest = string

export interface NewRequest {
  readonly digest: BindingDigest
  readonly subject: Subject
  /** The current actor first. */
  readonly chain: readonly RequestMember[]
  readonly chainKey: string
  readonly purpose?: string
  readonly run?: string
  readonly session?: string
  readonly needs: readonly ApprovalNeed[]
  /** The exact statement and parameters (JSON), for the preview; kept encrypted. Absent for what has none. */
  readonly exact?: string
}

/** refuse: one is enough. `once` is used up by one execution; `timed` covers the same operation again until it ends. */
export type Verdict =
  | { readonly kind: 'approve-once' }
  | { readonly kind: 'approve-timed'; readonly minutes: number }
  | { readonly kind: 'refuse' }

export interface Decision {
  readonly by: RequestMember
  /** That the approver was in when deciding, sorted. */
  readonly pools: readonly string[]
  readonly verdict: Verdict
  readonly rationale: string
  readonly at: number
  /** How it was stepped up: the id of the passkey, or the named weaker setting. */
  readonly stepUp: { readonly kind: 'passkey'; readonly credential: string } | { readonly kind: 'token-only' }
}

export type RequestState =
  | 'pending'
  /** The quorum is there. */
  | 'approved'
  | 'refused'
  /** Nobody, or too few, decided in time. */
  | 'expired'
  | 'withdrawn'
  /** Approved once, and used. */
  | 'used'

export interface ApprovalRequest extends Omit<NewRequest, 'exact'> {
  /** Shown to people: `apr-` and 12 characters of Crockford's base32. */
  readonly id: string
  readonly createdAt: number
  /** Undecided until then: expired. Approved: the approval ends then. */
  readonly expiresAt: number
  readonly state: RequestState
  /** One use, or any number until `expiresAt`; undefined until it is approved. */
  readonly holds?: 'once' | 'timed'
  readonly decisions: readonly Decision[]
}
