import type { ApprovalRequest } from './approval-request.ts'
import type { ApprovalRepository } from './approval-repository.ts'

export interface SettlementsOptions {
  readonly repository: Pick<ApprovalRepository, 'pendingOf' | 'listen'>
  /** The request as it is now. Rejects when it cannot be told. */
  readonly read: (id: string) => Promise<ApprovalRequest>
  /** Between looks at the store, for when notifications do not arrive. Unset: 2 s. */
  readonly pollMs?: number
}

interface Waiter {
  readonly resolve: (request: ApprovalRequest) => void
  readonly reject: (error: unknown) => void
}

const POLL_MS = 2000
/** A store that is restarted is back by then. Nothing runs meanwhile, and most clients do not wait for longer. */
const FAILURES = 15

/** Those who wait for decisions, however many, ask the store together: one question for all of them. */
export class Settlements {
  readonly #options: SettlementsOptions
  readonly #waiters = new Map<string, Set<Waiter>>()
  readonly #listening: { close(): Promise<void> }
  #timer: NodeJS.Timeout | undefined
  #failures = 0

  constructor(options: SettlementsOptions) {
    this.#options = options
    this.#listening = options.repository.listen((id) => void this.#look(id))
  }

  /** How many wait for this request. */
  waitingFor(id: string): number {
    return this.#waiters.get(id)?.size ?? 0
  }

  /** Resolves when the request is not pending any more, or the signal aborts. */
  async wait(id: string, signal: AbortSignal): Promise<ApprovalRequest> {
    const { promise, resolve, reject } = Promise.withResolvers<ApprovalRequest>()
    const waiter: Waiter = { resolve, reject }
    const onAbort = () => {
      // At once: who has gone does not wait, see `waitingFor`.
      this.#leave(id, waiter)
      void this.#options.read(id).then(resolve, reject)
    }
    this.#waiters.set(id, (this.#waiters.get(id) ?? new Set<Waiter>()).add(waiter))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    this.#schedule()
    // It may have been decided before somebody waited.
    void this.#look(id)
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#leave(id, waiter)
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const waiters of this.#waiters.values()) {
      for (const { reject } of waiters) reject(new Error('approvals are closed'))
    }
    this.#waiters.clear()
    await this.#listening.close()
  }

  #leave(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id)
    if (waiters?.delete(waiter) === true && waiters.size === 0) this.#waiters.delete(id)
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      void this.#poll()
    }, this.#options.pollMs ?? POLL_MS).unref()
  }

  async #poll(): Promise<void> {
    const ids = [...this.#waiters.keys()]
    try {
      const pending = new Set(await this.#options.repository.pendingOf(ids))
      this.#failures = 0
      await Promise.all(ids.filter((id) => !pending.has(id)).map((id) => this.#look(id)))
    } catch (error) {
      this.#failures += 1
      if (this.#failures >= FAILURES) this.#fail(error)
    }
    this.#timer = undefined
    if (this.#waiters.size > 0) this.#schedule()
  }

  async #look(id: string): Promise<void> {
    if (!this.#waiters.has(id)) return
    try {
      const request = await this.#options.read(id)
      if (request.state === 'pending') return
      for (const { resolve } of this.#waiters.get(id) ?? []) resolve(request)
    } catch {
      // The next look may succeed; after several that did not, #poll tells.
    }
  }

  #fail(error: unknown): void {
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(error)
  }
}
