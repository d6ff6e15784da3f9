import { ChaperoneError } from '../lib/errors.ts'
import { noticesOf } from './approval-notices.ts'
import type { ApprovalOptions } from './approval-options.ts'
import { type ApprovalRecord, changedRecord, requestedRecord } from './approval-records.ts'
import type { RequestRows, StoredRequest } from './approval-repository.ts'
import type { ApprovalRequest, NewRequest, RequestMember } from './approval-request.ts'
import { available } from './approval-unavailable.ts'
import { newRequestId } from './request-id.ts'
import { transition, withTime } from './request-state.ts'
import { openExact, openRequest, sealExact, sealRequest } from './sealed-request.ts'
import { type Sealing, sealing } from './sealing.ts'

type LedgerOptions = Pick<
  ApprovalOptions,
  | 'config'
  | 'publicUrl'
  | 'repository'
  | 'key'
  | 'recorder'
  | 'isRevoked'
  | 'onInvalid'
  | 'onBackgroundError'
  | 'onMessages'
  | 'clock'
>

const MAX_REMEMBERED = 1000
const MAX_SPENT = 100_000

/** Requests as they are kept: sealed, on record before they change, and with messages to the webhooks about their states. */
export class RequestLedger {
  readonly #options: LedgerOptions
  readonly #seal: Sealing
  /** That the operator was told of. */
  readonly #unreadable = new Set<string>()
  /** Approvals that ended here, until they would have ended anyway: a row that is put back, as from a backup, approves nothing. */
  readonly #spent = new Map<string, number>()
  #hasMessages = false

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#seal = sealing(options.key, 'requests')
  }

  urlOf(id: string): string {
    return `${this.#options.publicUrl}/approvals/${id}`
  }

  /** Undefined, and told to the operator, for what this gateway cannot read or has not written. */
  open(stored: StoredRequest | undefined): ApprovalRequest | undefined {
    if (stored === undefined) return undefined
    const request = openRequest(stored, this.#seal)
    const isPutBack = stored.state === 'approved' && this.#spent.has(stored.id)
    if (request !== undefined && !isPutBack) return request
    this.#tell(stored)
    return undefined
  }

  /** The exact statement of a request that is pending now. */
  openExact(stored: StoredRequest | undefined): string | undefined {
    const request = this.open(stored)
    if (stored?.exact === undefined || request === undefined) return undefined
    if (withTime(request, this.#options.clock()).state !== 'pending') return undefined
    return openExact(stored.exact, stored.id, this.#seal)
  }

  /** The requests as they are now; those that are over are ended. */
  async current(rows: RequestRows, requests: readonly StoredRequest[]): Promise<readonly ApprovalRequest[]> {
    const current: ApprovalRequest[] = []
    for (const stored of requests) {
      const request = await this.#currentOne(rows, stored)
      if (request !== undefined) current.push(request)
    }
    return current
  }

  async add(rows: RequestRows, { exact, ...wanted }: NewRequest): Promise<ApprovalRequest> {
    const id = newRequestId()
    const expiresAt = rows.now + this.#options.config.requestLifetime
    const request: ApprovalRequest = { ...wanted, id, createdAt: rows.now, expiresAt, state: 'pending', decisions: [] }
    await this.#options.recorder.record(requestedRecord(request))
    const sealed = exact === undefined ? undefined : sealExact(exact, id, this.#seal)
    await rows.add(sealRequest(request, this.#seal, { isTold: false, exact: sealed }))
    await this.#announce(rows, request)
    return request
  }

  /** On record first, then stored, with the messages about the state that it has come to. */
  async change(
    rows: RequestRows,
    before: Pick<StoredRequest, 'id' | 'state' | 'expiresAt'> & { readonly exact?: Buffer | undefined },
    after: ApprovalRequest,
    record: ApprovalRecord,
  ): Promise<void> {
    await this.#options.recorder.record(record)
    await rows.replace(sealRequest(after, this.#seal, { isTold: false, exact: before.exact }))
    if (before.state === 'approved' && after.state !== 'approved') this.#spend(before)
    if (before.state !== after.state) await this.#announce(rows, after)
  }

  /** Somebody who approved it and was revoked since: it is not to be used. */
  revokedApprover({ state, decisions }: ApprovalRequest): RequestMember | undefined {
    if (state !== 'approved') return undefined
    return decisions.find(({ by, at }) => this.#options.isRevoked(by, at))?.by
  }

  /** Uses an approval, which the caller has found under the same lock. */
  async use(rows: RequestRows, request: ApprovalRequest): Promise<ApprovalRequest> {
    const outcome = transition(request, { kind: 'use' }, rows.now, this.#options.config)
    if (outcome.kind === 'invalid') throw new Error('an approval cannot be used')
    await this.change(rows, request, outcome.request, changedRecord(outcome.request, 'used'))
    return outcome.request
  }

  /** Ends an approval of what cannot be brought about any more, or by somebody who was revoked. */
  async lapse(rows: RequestRows, request: ApprovalRequest): Promise<ApprovalRequest> {
    const outcome = transition(request, { kind: 'lapse' }, rows.now, this.#options.config)
    if (outcome.kind === 'invalid') return request
    await this.change(rows, request, outcome.request, changedRecord(outcome.request, 'expired'))
    const revoked = this.revokedApprover(request)
    if (revoked !== undefined) {
      this.#options.onInvalid(request.id, revoked, 'the approver was revoked before the approval was used')
    }
    return outcome.request
  }

  /** Work with the repository that may leave messages to be sent. */
  async told<T>(work: Promise<T>): Promise<T> {
    const result = await available(work)
    if (this.#hasMessages) {
      this.#hasMessages = false
      this.#options.onMessages()
    }
    return result
  }

  async #currentOne(rows: RequestRows, stored: StoredRequest): Promise<ApprovalRequest | undefined> {
    const sealed = this.open(stored)
    if (sealed === undefined) {
      // Only one request of a digest is pending: nobody can ask anew before this one is over.
      if (stored.state === 'pending' && stored.expiresAt > rows.now) throw unreadable(stored)
      await rows.replace({ ...stored, state: 'expired', isTold: true, exact: undefined })
      return undefined
    }
    const request = withTime(sealed, rows.now)
    if (this.revokedApprover(request) !== undefined) {
      await this.lapse(rows, request)
      return undefined
    }
    if (request.state === sealed.state) return request
    await this.change(rows, sealed, request, changedRecord(request, 'expired'))
    return undefined
  }

  /** Once about each: people look at lists all the time. */
  #tell(stored: StoredRequest): void {
    if (this.#unreadable.has(stored.id)) return
    if (this.#unreadable.size >= MAX_REMEMBERED) this.#unreadable.clear()
    this.#unreadable.add(stored.id)
    this.#options.onBackgroundError(unreadable(stored))
  }

  #spend({ id, expiresAt }: Pick<StoredRequest, 'id' | 'expiresAt'>): void {
    const now = this.#options.clock()
    if (this.#spent.size >= MAX_SPENT)
      for (const [known, until] of this.#spent) if (until <= now) this.#spent.delete(known)
    for (const known of this.#spent.keys()) {
      if (this.#spent.size < MAX_SPENT) break
      this.#spent.delete(known)
    }
    this.#spent.set(id, expiresAt)
  }

  async #announce(rows: RequestRows, request: ApprovalRequest): Promise<void> {
    const messages = noticesOf(request, this.urlOf(request.id), rows.now, this.#options.config.webhooks)
    if (messages.length === 0) return
    await rows.send(messages)
    this.#hasMessages = true
  }
}

function unreadable({ id }: StoredRequest): ChaperoneError {
  const reason = `the stored request ${id} was sealed with another key, or was changed or put back in the store`
  return new ChaperoneError('CHP-APPROVAL-UNAVAILABLE', { reason })
}
