/** A message for one webhook. */
export interface OutboxMessage {
  /** The same for every attempt, so that receivers can tell a repetition: `webhook-id`. */
  readonly id: string
  /** Name of the webhook in the configuration. */
  readonly webhook: string
  /** JSON, free of PHI. */
  readonly body: string
}

/** A message whose delivery this gateway has taken on. */
export interface ClaimedMessage extends OutboxMessage {
  /** Attempts before this one. */
  readonly attempts: number
  /** Since it was added. */
  readonly ageMs: number
}

/** What is still to be delivered. Nothing is lost from it before it is delivered or given up: a message may be delivered twice. */
export interface Outbox {
  add(messages: readonly OutboxMessage[]): Promise<void>
  /** Takes on what is due, oldest first. Whoever does not say how it went within `leaseMs` has it taken from them. */
  claim(webhook: string, limit: number, leaseMs: number): Promise<readonly ClaimedMessage[]>
  delivered(id: string): Promise<void>
  /** To be tried again after this time. */
  retry(id: string, afterMs: number): Promise<void>
  giveUp(id: string): Promise<void>
  /** Forgets what is older than any message that is still tried: of webhooks that are configured no more. */
  forgetOld(): Promise<void>
}
