import type { OutboxMessage } from '../notify/outbox.ts'
import type { ApprovalRepository, OpenRequests, RequestRows, StoredRequest } from './approval-repository.ts'
import type { RequestFilter } from './approvals.ts'

const isOpen = ({ state, isTold }: StoredRequest): boolean =>
  state === 'pending' || state === 'approved' || (state === 'refused' && !isTold)

/** What the store does, in memory. Tests move its clock, look into it, change it and let it fail. */
export class MemoryApprovalRepository implements ApprovalRepository {
  now = 1_800_000_000_000
  requests: ReadonlyMap<string, StoredRequest> = new Map()
  messages: readonly OutboxMessage[] = []
  failure: Error | undefined
  /** Of the next commit, after everything was done. */
  commitFailure: Error | undefined
  /** Whether changes are told. */
  notifies = true
  readonly #listeners = new Set<(id: string) => void>()
  #last: Promise<unknown> = Promise.resolve()

  async find(id: string): Promise<StoredRequest | undefined> {
    await this.#ask()
    return this.requests.get(id)
  }

  async list({ state, limit, visibleTo }: RequestFilter): Promise<readonly StoredRequest[]> {
    await this.#ask()
    return [...this.requests.values()]
      .filter((one) => state === undefined || one.state === state)
      .filter(
        ({ members, pools }) =>
          visibleTo === undefined ||
          members.includes(visibleTo.member) ||
          visibleTo.pools.some((pool) => pools.includes(pool)),
      )
      .toSorted((left, right) => right.createdAt - left.createdAt)
      .slice(0, limit)
  }

  async pendingOf(ids: readonly string[]): Promise<readonly string[]> {
    await this.#ask()
    return ids.filter((id) => {
      const request = this.requests.get(id)
      return request?.state === 'pending' && request.expiresAt > this.now
    })
  }

  withRequest<T>(id: string, work: (rows: RequestRows, request: StoredRequest | undefined) => Promise<T>): Promise<T> {
    return this.#transaction((rows) => work(rows, this.requests.get(id)))
  }

  withOpen<T>(digest: string, chain: string, work: (rows: RequestRows, open: OpenRequests) => Promise<T>): Promise<T> {
    return this.#transaction((rows) => {
      const all = [...this.requests.values()]
      const pending = all.filter(
        (one) => one.chain === chain && one.state === 'pending' && one.expiresAt > this.now,
      ).length
      return work(rows, { requests: all.filter((one) => one.digest === digest && isOpen(one)), pending })
    })
  }

  async due(limit: number): Promise<readonly string[]> {
    await this.#ask()
    return [...this.requests.values()]
      .filter(({ state }) => state === 'pending' || state === 'approved')
      .filter(({ state, kind, expiresAt }) => expiresAt <= this.now || (state === 'approved' && kind !== 'operation'))
      .slice(0, limit)
      .map(({ id }) => id)
  }

  async removeOlderThan(ageMs: number): Promise<number> {
    await this.#ask()
    const kept = [...this.requests].filter(([, one]) => isOpen(one) || one.expiresAt > this.now - ageMs)
    const removed = this.requests.size - kept.length
    this.requests = new Map(kept)
    return removed
  }

  listen(onChanged: (id: string) => void): { close(): Promise<void> } {
    this.#listeners.add(onChanged)
    return {
      close: () => {
        this.#listeners.delete(onChanged)
        return Promise.resolve()
      },
    }
  }

  /** One at a time; nothing of one that fails is kept. */
  #transaction<T>(work: (rows: RequestRows) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#run(work))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #run<T>(work: (rows: RequestRows) => Promise<T>): Promise<T> {
    await this.#ask()
    const requests = new Map(this.requests)
    const messages = [...this.messages]
    const changed: string[] = []
    const keep = (request: StoredRequest): Promise<void> => {
      requests.set(request.id, request)
      changed.push(request.id)
      return Promise.resolve()
    }
    const result = await work({
      now: this.now,
      add: keep,
      replace: keep,
      send: (more) => {
        messages.push(...more)
        return Promise.resolve()
      },
    })
    const failure = this.commitFailure
    this.commitFailure = undefined
    if (failure !== undefined) throw failure
    await this.#ask()
    this.requests = requests
    this.messages = messages
    if (this.notifies) for (const id of changed) for (const listener of this.#listeners) listener(id)
    return result
  }

  async #ask(): Promise<void> {
    await Promise.resolve()
    if (this.failure !== undefined) throw this.failure
  }
}
