import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { RevocationOrder, RevocationOutcome } from '../api/control-routes.ts'
import type { Revocation, Revocations } from '../identity/revocations.ts'
import type { Clock } from '../lib/clock.ts'
import { asChaperoneError, ChaperoneError } from '../lib/errors.ts'
import { reasonOf } from '../store/store-failure.ts'
import type { SharedRevocations } from '../store/revocation-repository.ts'
import type { Log } from './log.ts'
import type { KeptRevocation, RevocationFile } from './revocation-file.ts'

export interface RevocationDeskOptions {
  readonly revocations: Revocations
  readonly file: RevocationFile
  /** Undefined: this gateway has no store. */
  readonly shared: SharedRevocations | undefined
  readonly clock: Clock
  readonly log: Log
  /** Ends the sessions that are revoked now. */
  readonly onChange: () => void
}

/** Others learn of a change within this time and a sweep. */
const POLL_MS = 500

/**
 * Who is revoked, across restarts and gateways. What this gateway is told counts at once here; a store that does not answer is told
 * as soon as it does.
 */
export class RevocationDesk {
  readonly #options: RevocationDeskOptions
  #known: ReadonlyMap<string, KeptRevocation>
  #version: string | undefined
  #isDeaf = false
  /** What is asked of the store goes one after the other, so that no list that was read before a change comes after it. */
  #lane: Promise<unknown> = Promise.resolve()
  readonly #stop = new AbortController()
  #polling: Promise<void> = Promise.resolve()

  constructor(options: RevocationDeskOptions) {
    this.#options = options
    this.#known = byId(options.file.read())
    options.revocations.replace([...this.#known.values()])
  }

  /** Reads what the store has, if it answers, and goes on doing so. */
  async start(): Promise<void> {
    if (this.#options.shared === undefined) return
    await this.#inLane(() => this.#sync())
    this.#polling = this.#poll()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#polling
    await this.#lane
  }

  list(): readonly KeptRevocation[] {
    const now = this.#options.clock()
    return [...this.#known.values()].filter(({ until }) => until === undefined || now < until)
  }

  async revoke(order: RevocationOrder): Promise<RevocationOutcome> {
    const revocation: Revocation = { id: `rev-${randomUUID()}`, ...order, createdAt: this.#options.clock() }
    const isWritten = this.#become([...this.#known.values(), { ...revocation, isShared: false }])
    await this.#inLane(() => this.#sync())
    const isShared = this.#known.get(revocation.id)?.isShared === true
    return { revocation, isShared, isKept: isWritten || isShared }
  }

  /** False when there is none. Rejects with CHP-STORE-UNAVAILABLE when the store has it and does not answer: it stays in force. */
  async lift(id: string): Promise<boolean> {
    const kept = this.#known.get(id)
    if (kept === undefined) return false
    const { shared } = this.#options
    if (shared !== undefined && kept.isShared) await this.#inLane(() => liftShared(shared, id))
    this.#become([...this.#known.values()].filter((one) => one.id !== id))
    return true
  }

  #inLane<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lane.then(work)
    this.#lane = result.catch(() => undefined)
    return result
  }

  async #poll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
      if (!this.#stop.signal.aborted) await this.#inLane(() => this.#sync())
    }
  }

  /** Tells the store what it does not know, and reads what others have told it. Never rejects. */
  async #sync(): Promise<void> {
    const { shared, log } = this.#options
    if (shared === undefined) return
    try {
      for (const kept of this.#known.values()) if (!kept.isShared) await this.#share(shared, kept)
      const version = await shared.version()
      if (version !== this.#version) {
        const loaded = await shared.load()
        const own = [...this.#known.values()].filter(({ isShared }) => !isShared)
        this.#become([...loaded.map((revocation) => ({ ...revocation, isShared: true })), ...own])
        this.#version = version
      }
      this.#isDeaf = false
    } catch (error) {
      if (this.#isDeaf) return
      this.#isDeaf = true
      const fields = { reason: reasonOf(error) }
      log.error(fields, 'revocations of other gateways cannot be read; those that are known stay in force')
    }
  }

  async #share(shared: SharedRevocations, kept: KeptRevocation): Promise<void> {
    await shared.add(kept)
    this.#known = new Map(this.#known).set(kept.id, { ...kept, isShared: true })
  }

  /** False when the list could not be written. */
  #become(list: readonly KeptRevocation[]): boolean {
    const { revocations, file, log, onChange } = this.#options
    this.#known = byId(list)
    revocations.replace(list)
    try {
      file.write(list)
      return true
    } catch (error) {
      const { reason, message } = asChaperoneError(error)
      log.error({ reason: reason ?? message }, 'the list of revocations cannot be written; a restart would forget them')
      return false
    } finally {
      onChange()
    }
  }
}

const byId = (list: readonly KeptRevocation[]): ReadonlyMap<string, KeptRevocation> =>
  new Map(list.map((revocation) => [revocation.id, revocation]))

async function liftShared(shared: SharedRevocations, id: string): Promise<void> {
  try {
    await shared.lift(id)
  } catch (error) {
    throw new ChaperoneError('CHP-STORE-UNAVAILABLE', { reason: reasonOf(error) })
  }
}
