import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { connectBy } from './client.ts'
import { PEOPLE } from './database.ts'
import type { Leg, LegName } from './leg.ts'
import type { Sample } from './measure.ts'
import type { RunningLeg } from './pgbouncer.ts'
import { residentBytes } from './process-usage.ts'

/** Starts another instance of a leg's process, one that has not served anybody yet. */
export type StartFresh = (leg: LegName) => Promise<RunningLeg>

const CONNECTING_AT_A_TIME = 8
/** From the last statement to the measurement: time for what is only needed while connecting to be given back. */
const SETTLE_MS = 3000
/** What every session has done before it is idle: a statement whose result is masked. */
const STATEMENT = `select id, name, ssn, phone, amount from ${PEOPLE} where id = 1`

/**
 * The memory that a process has more of when it holds so many sessions, each of which has run a statement. The process
 * is new, and has served one session before it is measured first, so that what is loaded once does not count.
 */
export async function measureIdle(
  name: LegName,
  startFresh: StartFresh,
  sessions: number,
  signal: AbortSignal,
): Promise<Sample> {
  const running = await startFresh(name)
  const { leg } = running
  const clients: Client[] = []
  try {
    clients.push(await openSession(leg))
    await delay(SETTLE_MS, undefined, { signal })
    const before = residentBytes(leg.pid ?? 0)
    let left = sessions
    const open = async () => {
      while (left > 0 && !signal.aborted) {
        // Counted before it waits, so that the others do not open one too many.
        left--
        clients.push(await openSession(leg))
      }
    }
    await Promise.all(Array.from({ length: CONNECTING_AT_A_TIME }, open))
    signal.throwIfAborted()
    await delay(SETTLE_MS, undefined, { signal })
    const after = residentBytes(leg.pid ?? 0)
    return {
      value: (after - before) / 1024 / sessions,
      details: { beforeMiB: before / 1024 ** 2, afterMiB: after / 1024 ** 2 },
    }
  } finally {
    await Promise.allSettled(clients.map((client) => client.end()))
    await running.stop()
  }
}

async function openSession(leg: Leg): Promise<Client> {
  const client = await connectBy(leg)
  await client.query(STATEMENT)
  return client
}
