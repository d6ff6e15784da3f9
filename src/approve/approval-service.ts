import { ChaperoneError } from '../lib/errors.ts'
import type { ApprovalOptions } from './approval-options.ts'
import { changedRecord } from './approval-records.ts'
import type { ApprovalRequest, NewRequest } from './approval-request.ts'
import { approvalUnavailable, available } from './approval-unavailable.ts'
import type { Approvals, ApproverDesk, Coverage } from './approvals.ts'
import { approverDesk } from './approver-desk.ts'
import { RequestLedger } from './request-ledger.ts'
import { transition, withTime } from './request-state.ts'
import { Settlements } from './settlements.ts'

const SWEEP_MS = 5000
const SWEEP_BATCH = 200
/** The journal keeps what happened; this is for people who look back. */
const KEEP_MS = 30 * 86_400_000

/**
 * Requests to humans. Everything is durable and on record before it is answered; what cannot be told is CHP-APPROVAL-UNAVAILABLE.
 * No state of it is in memory but who waits.
 */
export class ApprovalService implements Approvals {
  readonly desk: ApproverDesk
  readonly #options: ApprovalOptions
  readonly #ledger: RequestLedger
  readonly #settlements: Settlements
  readonly #timer: NodeJS.Timeout
  #sweeping: Promise<void> | undefined

  constructor(options: ApprovalOptions) {
    this.#options = options
    this.#ledger = new RequestLedger(options)
    this.desk = approverDesk(options, this.#ledger, (request) => this.#bringAbout(request))
    const { repository, pollMs } = options
    this.#settlements = new Settlements({
      repository,
      read: (id) => this.#read(id),
      ...(pollMs === undefined ? {} : { pollMs }),
    })
    this.#timer = setInterval(() => void this.sweep(), options.sweepMs ?? SWEEP_MS).unref()
  }

  urlOf(id: string): string {
    return this.#ledger.urlOf(id)
  }

  async ask(request: NewRequest): Promise<Coverage> {
    const ledger = this.#ledger
    return ledger.told(
      this.#options.repository.withOpen(request.digest, request.chainKey, async (rows, open) => {
        const current = await ledger.current(rows, open.requests)
        // Digests of different kinds never meet; if they did, one would still not stand for the other.
        const known = current.filter(({ subject }) => subject.kind === request.subject.kind)
        const approved = known.find(({ state }) => state === 'approved')
        if (approved !== undefined) {
          // What is no operation is used by the gateway itself, when it has brought it about.
          const isOperation = approved.subject.kind === 'operation'
          return { kind: 'covered', request: isOperation ? await ledger.use(rows, approved) : approved }
        }
        const pending = known.find(({ state }) => state === 'pending')
        if (pending !== undefined) return { kind: 'pending', request: pending }
        const refused = known.find(({ state, expiresAt }) => state === 'refused' && expiresAt > rows.now)
        const stored = open.requests.find(({ id }) => id === refused?.id)
        if (refused !== undefined && stored !== undefined) {
          await rows.replace({ ...stored, isTold: true })
          return { kind: 'refused', request: refused }
        }
        this.#checkPending(open.pending)
        return { kind: 'pending', request: await ledger.add(rows, request) }
      }),
    )
  }

  async settled(id: string, signal: AbortSignal): Promise<ApprovalRequest> {
    const request = await available(this.#settlements.wait(id, signal))
    if (request.state === 'refused') {
      // Told twice is better than not at all.
      await this.#markTold(id).catch((error: unknown) => this.#options.onBackgroundError(approvalUnavailable(error)))
    }
    return request
  }

  async withdraw(id: string): Promise<void> {
    if (this.#settlements.waitingFor(id) > 0) return
    const { repository, config } = this.#options
    await this.#ledger.told(
      repository.withRequest(id, async (rows, stored) => {
        const request = this.#ledger.open(stored)
        if (request === undefined) return
        const outcome = transition(request, { kind: 'withdraw' }, rows.now, config)
        if (outcome.kind === 'invalid') return
        await this.#ledger.change(rows, request, outcome.request, changedRecord(outcome.request, 'withdrawn'))
      }),
    )
  }

  /** Ends what is over, brings about what is approved, and forgets what is old. Never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => this.#options.onBackgroundError(approvalUnavailable(error)))
      .finally(() => {
        this.#sweeping = undefined
      })
    return this.#sweeping
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#settlements.close()
    await this.#sweeping
  }

  #checkPending(pending: number): void {
    if (pending < this.#options.config.maxPending) return
    throw new ChaperoneError('CHP-LIMIT-EXCEEDED', {
      message: `this identity waits for ${pending} approvals already`,
      hint: 'Wait until some of them are decided, or withdraw them.',
    })
  }

  async #sweep(): Promise<void> {
    const { repository } = this.#options
    for (const id of await repository.due(SWEEP_BATCH)) {
      const request = await this.#ledger.told(
        repository.withRequest(id, async (rows, stored) => {
          const [current] = stored === undefined ? [] : await this.#ledger.current(rows, [stored])
          return current
        }),
      )
      if (request?.state === 'approved') await this.#bringAbout(request)
    }
    await repository.removeOlderThan(KEEP_MS, SWEEP_BATCH)
  }

  /** What was approved, if it is no operation; then the approval is used up. What fails is tried again by `sweep`. */
  async #bringAbout(request: ApprovalRequest): Promise<ApprovalRequest> {
    const { kind } = request.subject
    if (kind === 'operation') return request
    try {
      const stands = this.#ledger.revokedApprover(request) === undefined
      const isDone = stands && (await this.#options.effects[kind](request))
      return await this.#ledger.told(
        this.#options.repository.withRequest(request.id, async (rows, stored) => {
          const now = this.#ledger.open(stored)
          if (now?.state !== 'approved') return now ?? request
          return isDone ? this.#ledger.use(rows, now) : this.#ledger.lapse(rows, now)
        }),
      )
    } catch (error) {
      this.#options.onBackgroundError(approvalUnavailable(error))
      return request
    }
  }

  async #read(id: string): Promise<ApprovalRequest> {
    const request = this.#ledger.open(await this.#options.repository.find(id))
    if (request === undefined) throw new Error('a request is not there any more, or cannot be read')
    return withTime(request, this.#options.clock())
  }

  #markTold(id: string): Promise<void> {
    return this.#options.repository.withRequest(id, async (rows, stored) => {
      if (stored?.state === 'refused' && !stored.isTold) await rows.replace({ ...stored, isTold: true })
    })
  }
}
