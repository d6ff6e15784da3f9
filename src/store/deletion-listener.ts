import type { DeletionListener } from '../vault/repository.ts'
import type { Connections } from './connections.ts'
import { listenTo } from './notification-listener.ts'

/** The channel; payloads are digests of deleted scopes, in hexadecimal. */
export const NOTIFICATION = 'chaperone_scope_deleted'

const DIGEST = /^[0-9a-f]{64}$/

/** Listens until it is closed. */
export function listenForDeletions(connections: Connections, listener: DeletionListener): { close(): Promise<void> } {
  return listenTo(connections, {
    channel: NOTIFICATION,
    onHearing: () => listener.onHearing(),
    onDeaf: (error) => listener.onDeaf(error),
    onNotification: (payload) => {
      if (DIGEST.test(payload)) listener.onDeleted(payload)
    },
  })
}
