import type { ClaimedMessage, Outbox, OutboxMessage } from './outbox.ts'

interface Kept {
  readonly message: OutboxMessage
  readonly added: number
  attempts: number
  next: number
}

/**
 * For a gateway without a store: what is not delivered when it stops is lost, and so is the oldest message when there are too many.
 *
 * @param monotonic milliseconds since any moment; never goes back.
 */
export function memoryOutbox(maxMessages: number, monotonic: () => number = () => performance.now()): Outbox {
  const kept = new Map<string, Kept>()
  const remove = (id: string): Promise<void> => {
    kept.delete(id)
    return Promise.resolve()
  }
  return {
    add: (messages) => {
      const now = monotonic()
      for (const message of messages) kept.set(message.id, { message, added: now, attempts: 0, next: now })
      for (const id of kept.keys()) if (kept.size > maxMessages) kept.delete(id)
      return Promise.resolve()
    },
    claim: (webhook, limit, leaseMs) => {
      const now = monotonic()
      const due = [...kept.values()].filter(({ message, next }) => message.webhook === webhook && next <= now)
      const claimed = due.slice(0, limit).map((one): ClaimedMessage => {
        one.next = now + leaseMs
        one.attempts += 1
        return { ...one.message, attempts: one.attempts - 1, ageMs: now - one.added }
      })
      return Promise.resolve(claimed)
    },
    delivered: remove,
    giveUp: remove,
    retry: (id, afterMs) => {
      const one = kept.get(id)
      if (one !== undefined) one.next = monotonic() + afterMs
      return Promise.resolve()
    },
    // There are never more than `maxMessages`.
    forgetOld: () => Promise.resolve(),
  }
}
