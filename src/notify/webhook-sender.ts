import type { Clock } from '../lib/clock.ts'
import type { ClaimedMessage, Outbox, OutboxMessage } from './outbox.ts'
import { retryDelay } from './retry-delay.ts'
import { type WebhookRequests, webhookRequests } from './webhook-request.ts'
import { parseSecret, signedHeaders } from './webhook-signature.ts'

export interface WebhookTarget {
  readonly name: string
  readonly url: string
  /** PEM; undefined: the certificate authorities that the runtime trusts. */
  readonly ca: string | undefined
  /** `whsec_…`; asked for each time, so that it can be changed without a restart. */
  readonly secret: () => Promise<string>
}

export interface WebhookSenderOptions {
  readonly outbox: Outbox
  readonly webhooks: readonly WebhookTarget[]
  readonly clock: Clock
  /** A message was not delivered in a day, or the receiver does not want it; it is lost. Free of values. */
  readonly onGivenUp: (webhook: string, reason: string) => void
  /** What is tried again. Free of values. */
  readonly onFailure: (webhook: string, reason: string) => void
  /** Of one request. Unset: 10 s. */
  readonly timeoutMs?: number
  /** Between looks at what is due. Unset: 5 s. */
  readonly pollMs?: number
  /** Unset: see `retry-delay.ts`. */
  readonly retryAfter?: typeof retryDelay
}

const TIMEOUT_MS = 10_000
const POLL_MS = 5000
const AT_ONCE = 4
const FORGET_MS = 3_600_000

/** Delivers what is in the outbox: every message at least once, several at a time to each webhook, and slow ones in nobody's way. */
export class WebhookSender {
  readonly #options: WebhookSenderOptions
  readonly #lanes: readonly Lane[]
  readonly #stop = new AbortController()
  readonly #timer: NodeJS.Timeout
  #forgotten = 0

  constructor(options: WebhookSenderOptions) {
    this.#options = options
    this.#lanes = options.webhooks.map((webhook) => new Lane(webhook, options, this.#stop.signal))
    this.#timer = setInterval(() => this.#poll(), options.pollMs ?? POLL_MS).unref()
  }

  /** Stores the messages, and begins to deliver them. Rejects when they could not be stored. */
  async send(messages: readonly OutboxMessage[]): Promise<void> {
    if (messages.length === 0) return
    await this.#options.outbox.add(messages)
    this.wake()
  }

  /** There may be something to deliver. */
  wake(): void {
    for (const lane of this.#lanes) lane.wake()
  }

  /** What is not delivered stays in the outbox. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await Promise.all(this.#lanes.map((lane) => lane.close()))
  }

  #poll(): void {
    this.wake()
    const now = this.#options.clock()
    if (now - this.#forgotten < FORGET_MS) return
    this.#forgotten = now
    this.#options.outbox.forgetOld().catch(() => undefined)
  }
}

/** The deliveries to one webhook. */
class Lane {
  readonly #webhook: WebhookTarget
  readonly #options: WebhookSenderOptions
  readonly #requests: WebhookRequests
  readonly #signal: AbortSignal
  readonly #timeoutMs: number
  #running: Promise<void> | undefined
  #isWoken = false

  constructor(webhook: WebhookTarget, options: WebhookSenderOptions, signal: AbortSignal) {
    this.#webhook = webhook
    this.#options = options
    this.#signal = signal
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    const { url, ca } = webhook
    this.#requests = webhookRequests({ url, ca, timeoutMs: this.#timeoutMs, connections: AT_ONCE })
  }

  wake(): void {
    this.#isWoken = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // Woken after the last look.
      if (this.#isWoken && !this.#signal.aborted) this.wake()
    })
  }

  async close(): Promise<void> {
    await this.#running
    this.#requests.close()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#isWoken && !this.#signal.aborted) {
      this.#isWoken = false
      try {
        const { outbox } = this.#options
        // Whoever dies with a message gives it back a while after the last moment at which it could have been answered.
        const messages = await outbox.claim(this.#webhook.name, AT_ONCE, 2 * this.#timeoutMs)
        await Promise.all(messages.map((message) => this.#deliver(message)))
        if (messages.length === AT_ONCE) this.#isWoken = true
      } catch (error) {
        this.#options.onFailure(this.#webhook.name, error instanceof Error ? error.message : typeof error)
      }
    }
  }

  async #deliver(message: ClaimedMessage): Promise<void> {
    const { outbox, onGivenUp, onFailure, retryAfter = retryDelay } = this.#options
    const { name } = this.#webhook
    const delivery = await this.#post(message)
    if (delivery.kind === 'delivered') return outbox.delivered(message.id)
    if (this.#signal.aborted) return outbox.retry(message.id, 0)
    const after = delivery.kind === 'gone' ? undefined : retryAfter(message.attempts, message.ageMs)
    if (after === undefined) {
      await outbox.giveUp(message.id)
      onGivenUp(name, delivery.reason)
    } else {
      await outbox.retry(message.id, after)
      onFailure(name, delivery.reason)
    }
    return undefined
  }

  async #post({ id, body }: ClaimedMessage) {
    const secret = await this.#secret()
    if (secret === undefined) return { kind: 'failed', reason: 'the secret cannot be read, or is none' } as const
    return this.#requests.post(body, signedHeaders(secret, id, body, this.#options.clock()), this.#signal)
  }

  async #secret(): Promise<Buffer | undefined> {
    try {
      return parseSecret(await this.#webhook.secret())
    } catch {
      return undefined
    }
  }
}
