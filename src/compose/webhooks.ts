import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import type { Clock } from '../lib/clock.ts'
import { memoryOutbox } from '../notify/memory-outbox.ts'
import { WebhookSender } from '../notify/webhook-sender.ts'
import type { Store } from '../store/open-store.ts'
import { webhookOutbox } from '../store/webhook-outbox.ts'
import type { Log } from './log.ts'

export interface WebhookParts {
  readonly config: Config
  /** Undefined: what is not delivered when the gateway stops is lost. */
  readonly store: Store | undefined
  readonly credentials: CredentialResolver
  readonly clock: Clock
  readonly log: Log
}

const MAX_WAITING = 1000

/** The sender for all webhooks of the configuration, whose names differ; undefined when there are none. */
export function openWebhooks({ config, store, credentials, clock, log }: WebhookParts): WebhookSender | undefined {
  const webhooks = [...(config.approvals?.webhooks ?? []), ...config.alerts.webhooks]
  if (webhooks.length === 0) return undefined
  return new WebhookSender({
    outbox: store === undefined ? memoryOutbox(MAX_WAITING) : webhookOutbox(store),
    webhooks: webhooks.map(({ name, url, secret, caFile }) => ({
      name,
      url,
      ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
      secret: async () => (await credentials.resolve(secret)) ?? '',
    })),
    clock,
    onFailure: (webhook, reason) =>
      log.warn({ webhook, reason }, 'a webhook does not take messages; they are tried again'),
    onGivenUp: (webhook, reason) => log.error({ webhook, reason }, 'a message to a webhook is lost'),
  })
}
