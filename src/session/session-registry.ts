import { ChaperoneError } from '../lib/errors.ts'
import type { LiveSession } from './live-session.ts'

export interface SessionTimeouts {
  readonly idleTimeoutMs: number
  /** By target, because a target may have a limit of its own. */
  readonly statementTimeoutMs: (target: string) => number
}

/** An operation that runs when its token expires may go on for this long. */
const DRAIN_MS = 60_000
/** A statement that was asked to stop is given this long before its session is ended. */
const CANCEL_GRACE_MS = 10_000

/** Between the admission of a client and its session lies at most the login at the target. */
const LONGEST_OPENING_MS = 10 * 60_000

/** An operator ends sessions. */
export interface Kill {
  readonly matches: (session: LiveSession) => boolean
  readonly error: ChaperoneError
  /** Milliseconds of the gateway's clock. */
  readonly at: number
}

/** The sessions that are alive, and the clockwork that ends them. */
export class SessionRegistry {
  readonly #sessions = new Map<string, LiveSession>()
  readonly #timeouts: SessionTimeouts
  readonly #cancelled = new WeakMap<LiveSession, number>()
  /** Those that may still meet a session that was admitted before. */
  #kills: readonly Kill[] = []

  constructor(timeouts: SessionTimeouts) {
    this.#timeouts = timeouts
  }

  get size(): number {
    return this.#sessions.size
  }

  add(session: LiveSession): void {
    this.#sessions.set(session.id, session)
    const kill = this.#kills.find(({ matches, at }) => session.startedAt <= at && matches(session))
    if (kill !== undefined) session.control?.terminate(kill.error)
  }

  remove(session: LiveSession): void {
    if (this.#sessions.delete(session.id)) session.limits?.end()
  }

  get(id: string): LiveSession | undefined {
    return this.#sessions.get(id)
  }

  list(): readonly LiveSession[] {
    return [...this.#sessions.values()]
  }

  terminateAll(error: ChaperoneError): void {
    this.#each((session) => session.control?.terminate(error))
  }

  /** Ends the sessions that match, and gives how many; those that were admitted by now and are not there yet end as they come. */
  kill(kill: Kill): number {
    this.#kills = [...this.#kills, kill]
    let count = 0
    this.#each((session) => {
      if (!kill.matches(session)) return
      count++
      session.control?.terminate(kill.error)
    })
    return count
  }

  /** Applies the time limits. Called about once a second; `now` is the gateway's clock. */
  sweep(now: number): void {
    if (this.#kills.length > 0) this.#kills = this.#kills.filter(({ at }) => now - at < LONGEST_OPENING_MS)
    this.#each((session) => {
      const { control } = session
      if (control !== undefined) this.#sweepOne(session, control, now)
    })
  }

  /** A session that cannot be dealt with is an error, and no reason to leave the others alone. */
  #each(act: (session: LiveSession) => void): void {
    const errors: unknown[] = []
    for (const session of this.list()) {
      try {
        act(session)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }

  #sweepOne(session: LiveSession, control: NonNullable<LiveSession['control']>, now: number): void {
    const { state, since } = control
    const { expiresAt } = session.identity
    if (now >= expiresAt && (state !== 'active' || now >= expiresAt + DRAIN_MS)) {
      control.terminate(new ChaperoneError('CHP-AUTH-EXPIRED'))
      return
    }
    const lost = now >= expiresAt ? undefined : session.reconsider(now)
    if (lost !== undefined) {
      control.terminate(lost)
      return
    }
    if (state !== 'active') {
      this.#cancelled.delete(session)
      // How long a client waits for people is limited by itself.
      if (state !== 'held' && now - since >= this.#timeouts.idleTimeoutMs)
        control.terminate(new ChaperoneError('CHP-TIMEOUT-IDLE'))
      return
    }
    if (now - since < this.#timeouts.statementTimeoutMs(session.target)) return
    const cancelledAt = this.#cancelled.get(session)
    if (cancelledAt === undefined || cancelledAt < since) {
      // The target's own answer to a cancel (57014) leaves the session usable.
      this.#cancelled.set(session, now)
      control.cancel()
    } else if (now - cancelledAt >= CANCEL_GRACE_MS) control.terminate(new ChaperoneError('CHP-TIMEOUT-STATEMENT'))
  }
}
