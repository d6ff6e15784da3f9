import type { OutboxMessage } from '../notify/outbox.ts'
import type { BindingDigest, RequestState, Subject } from './approval-request.ts'
import type { RequestFilter } from './approvals.ts'

/** A request as the store has it: what it is found by, and the request itself, sealed. */
export interface StoredRequest {
  readonly id: string
  readonly digest: BindingDigest
  readonly kind: Subject['kind']
  /** See `chainKey`. */
  readonly chain: string
  /** `issuer/subject` of the chain. */
  readonly members: readonly string[]
  /** That decide about it. */
  readonly pools: readonly string[]
  readonly state: RequestState
  /** Milliseconds since the epoch, whole. */
  readonly createdAt: number
  readonly expiresAt: number
  /** Whether somebody who waited was told of the refusal. */
  readonly isTold: boolean
  readonly sealed: Buffer
  /** The exact statement, sealed; undefined when there is none, or none is needed any more. */
  readonly exact: Buffer | undefined
}

/** Within one transaction: all of it is stored, or none. */
export interface RequestRows {
  /** Of the store's clock or the gateway's, whichever is later; after locks were waited for. */
  readonly now: number
  add(request: StoredRequest): Promise<void>
  replace(request: StoredRequest): Promise<void>
  send(messages: readonly OutboxMessage[]): Promise<void>
}

/** Requests of one digest that can still mean something: pending, approved, and refused without anybody having been told. */
export interface OpenRequests {
  readonly requests: readonly StoredRequest[]
  /** How many of the chain are pending. */
  readonly pending: number
}

/** Where requests are kept. It knows no keys. Whatever it rejects with by itself is a failure of the store. */
export interface ApprovalRepository {
  find(id: string): Promise<StoredRequest | undefined>
  /** Newest first. */
  list(filter: RequestFilter): Promise<readonly StoredRequest[]>
  /** Those of the ids that are pending and not over. */
  pendingOf(ids: readonly string[]): Promise<readonly string[]>
  /** Nobody else changes the request meanwhile. Durable when it resolves. */
  withRequest<T>(id: string, work: (rows: RequestRows, request: StoredRequest | undefined) => Promise<T>): Promise<T>
  /** Nobody else changes those requests meanwhile, or makes one for the chain. Durable when it resolves. */
  withOpen<T>(
    digest: BindingDigest,
    chain: string,
    work: (rows: RequestRows, open: OpenRequests) => Promise<T>,
  ): Promise<T>
  /** Ids of what is to be done by the gateway itself: pending or approved and over; approved, and nobody else's to use. */
  due(limit: number): Promise<readonly string[]>
  /** Deletes requests that ended so long ago; how many there were. */
  removeOlderThan(ageMs: number, limit: number): Promise<number>
  /** Calls back with the id of every request that changes, at any gateway, as far as it can hear. */
  listen(onChanged: (id: string) => void): { close(): Promise<void> }
}
