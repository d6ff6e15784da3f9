import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Notification } from 'pg'
import type { Connections } from './connections.ts'

export interface NotificationListener {
  /** What LISTEN names: a lower-case word of ours. */
  readonly channel: string
  /** From now on every notification is heard. */
  onHearing(): void
  /** Notifications may have been missed; they are not heard until `onHearing`. */
  onDeaf(error: unknown): void
  /** Payload of a notification, of this gateway's own as well. As text: whoever can reach the store can send one. */
  onNotification(payload: string): void
}

const GREETING = 'hello '
/** A connection that nobody hears anything from may be a dead one. */
const HEARTBEAT_MS = 1000
const GREETING_MS = 5000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2000

/** Listens until it is closed; connects again when the connection is lost. */
export function listenTo(connections: Connections, listener: NotificationListener): { close(): Promise<void> } {
  if (!/^[a-z_]+$/.test(listener.channel)) throw new TypeError('a channel is a lower-case word')
  const stop = new AbortController()
  const done = keepListening(connections, listener, stop.signal)
  return {
    close: async () => {
      stop.abort()
      await done
    },
  }
}

async function keepListening(
  connections: Connections,
  listener: NotificationListener,
  stop: AbortSignal,
): Promise<void> {
  let wait = FIRST_RETRY_MS
  while (!stop.aborted) {
    let client: Client | undefined
    try {
      client = await connections.dedicated()
      await hear(connections, client, listener, stop, () => {
        wait = FIRST_RETRY_MS
      })
    } catch (error) {
      if (!stop.aborted) listener.onDeaf(error)
    } finally {
      // The server may be gone; an orderly end could take as long as it likes.
      void client?.end().catch(() => undefined)
    }
    await pause(wait, stop)
    wait = Math.min(wait * 2, LAST_RETRY_MS)
  }
}

/** Resolves when it is stopped, rejects when the connection is lost. */
async function hear(
  connections: Connections,
  client: Client,
  listener: NotificationListener,
  stop: AbortSignal,
  onHearing: () => void,
): Promise<void> {
  const greeting = `${GREETING}${randomUUID()}`
  const greeted = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<never>()
  client.on('error', lost.reject)
  client.on('end', () => lost.reject(new Error('the connection has ended')))
  client.on('notification', ({ payload = '' }: Notification) => {
    if (payload === greeting) greeted.resolve()
    if (!payload.startsWith(GREETING)) listener.onNotification(payload)
  })
  // Nobody may be waiting for it when it happens.
  lost.promise.catch(() => undefined)
  await Promise.race([client.query(`LISTEN ${listener.channel}`), lost.promise])
  await greet(connections, listener.channel, greeting)
  // A pooler between here and the server accepts LISTEN and delivers nothing.
  const late = delay(GREETING_MS, undefined, { ref: false }).then(() => {
    throw new Error('notifications do not arrive; the store needs a direct connection or a pool of sessions')
  })
  late.catch(() => undefined)
  await Promise.race([greeted.promise, late, lost.promise])
  onHearing()
  listener.onHearing()
  while (!stop.aborted) {
    await Promise.race([pause(HEARTBEAT_MS, stop), lost.promise])
    if (!stop.aborted) await Promise.race([client.query('SELECT'), lost.promise])
  }
}

/** By another connection, as the notifications that matter come. */
async function greet(connections: Connections, channel: string, greeting: string): Promise<void> {
  const other = await connections.connect()
  try {
    await other.query('SELECT pg_notify($1, $2)', [channel, greeting])
  } finally {
    other.release()
  }
}

async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal: stop })
  } catch (error) {
    if (!stop.aborted) throw error
  }
}
