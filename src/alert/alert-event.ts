/** What has happened, as rooms report it. Free of values. */
export type AlertEvent =
  | { readonly kind: 'refusal'; readonly code: string; readonly rule: string | undefined }
  | { readonly kind: 'rule-alert'; readonly rule: string; readonly message: string }
  | { readonly kind: 'relations-used'; readonly relations: readonly string[] }
  /** Keyed digests, the same in all sessions, bounded; `count` has those that are not listed, and rows that name nobody. */
  | { readonly kind: 'patients-seen'; readonly digests: readonly string[]; readonly count: number }
  | { readonly kind: 'rows-released'; readonly rows: number; readonly patients: number }
  | { readonly kind: 'session-started' }
  | { readonly kind: 'token-unknown' | 'token-malformed' | 'write-back'; readonly classes: readonly string[] }
  | { readonly kind: 'login-failed'; readonly reason: string }
  | { readonly kind: 'approval-invalid'; readonly request: string; readonly reason: string }
  | { readonly kind: 'passkey-registered' }
  | { readonly kind: 'budget-exceeded'; readonly span: string; readonly unit: string }
  | { readonly kind: 'killed' | 'revoked'; readonly what: string; readonly by: string }
  | { readonly kind: 'policy-error'; readonly rule: string | undefined }
  | { readonly kind: 'record-failed' }
  | { readonly kind: 'store-down' }

/** Whose doing it is; undefined parts are not known. */
export interface AlertSource {
  readonly session?: string
  /** `memberKey` of the chain, the current actor first. */
  readonly chain: readonly string[]
  readonly target?: string
  readonly at: number
}

/** Takes events; never waits, never throws. */
export type RaiseAlert = (event: AlertEvent, source: AlertSource) => void
