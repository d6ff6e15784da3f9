import { Worker } from 'node:worker_threads'
import { ChaperoneError } from '../../lib/errors.ts'
import { FairQueue } from './fair-queue.ts'
import type { InspectorLimits } from './limits.ts'
import type { Verdict, WorkerReply, WorkerRequest } from './worker-messages.ts'

// These are threads, not windows: there is no origin to name.
/* oxlint-disable unicorn/require-post-message-target-origin */

/** What became of an analysis. `failed` names a reason without any text of the statement. */
export type PoolOutcome =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'overflow' }
  | { readonly kind: 'failed'; readonly reason: string }

export type CatalogRequest = Extract<WorkerRequest, { readonly kind: 'catalog' }>
export type AnalyseRequest = Omit<Extract<WorkerRequest, { readonly kind: 'analyse' }>, 'id' | 'kind'>

interface Job {
  readonly owner: object
  readonly request: AnalyseRequest
  readonly settle: (outcome: PoolOutcome) => void
  queueTimer: NodeJS.Timeout | null
}

interface Slot {
  readonly worker: Worker
  ready: boolean
  analyses: number
  running: { readonly id: number; readonly job: Job; readonly timer: NodeJS.Timeout } | null
}

const START_FILE = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
/** So many threads in a row that died before they were ready: the next will die as well. */
const HOPELESS_STARTS = 5
const FIRST_RESTART_DELAY_MS = 50
const LAST_RESTART_DELAY_MS = 5_000

/**
 * Threads that parse and analyse, each of which is thrown away at the first sign of trouble. A statement can at worst
 * cost its thread; a spare takes over at once while the next one starts.
 */
export class WorkerPool {
  readonly #limits: InspectorLimits
  readonly #queue: FairQueue<Job>
  readonly #catalogs = new Map<string, CatalogRequest>()
  readonly #slots = new Set<Slot>()
  readonly #waitingForReady = new Set<() => void>()
  #nextId = 1
  #failedStarts = 0
  #restartTimer: NodeJS.Timeout | null = null
  #closed = false

  constructor(limits: InspectorLimits) {
    this.#limits = limits
    this.#queue = new FairQueue(limits.maxQueued)
  }

  setCatalog(request: CatalogRequest): void {
    this.#catalogs.set(request.target, request)
    for (const slot of this.#slots) slot.worker.postMessage(request)
  }

  /** Analyses one statement string; never rejects. `owner` is whose turn it takes up in the queue. */
  run(owner: object, request: AnalyseRequest): Promise<PoolOutcome> {
    return new Promise((settle) => {
      if (this.#closed) {
        settle({ kind: 'failed', reason: 'the inspector is closed' })
        return
      }
      const job: Job = { owner, request, settle, queueTimer: null }
      if (!this.#queue.push(owner, job)) {
        settle({ kind: 'failed', reason: 'too many statements wait for analysis' })
        return
      }
      job.queueTimer = setTimeout(() => {
        this.#queue.remove(owner, job)
        settle({ kind: 'failed', reason: 'no analysis worker became free in time' })
      }, this.#limits.queueTimeoutMs)
      this.#fill()
      this.#dispatch()
    })
  }

  /** Starts the threads and resolves when all of them are ready. */
  async warm(): Promise<void> {
    this.#fill()
    while (!this.#closed && [...this.#slots].filter((slot) => slot.ready).length < this.#wanted) {
      if (this.#failedStarts >= HOPELESS_STARTS) {
        throw new ChaperoneError('CHP-SQL-ANALYSIS-FAILED', { message: 'the SQL parser cannot be started' })
      }
      // oxlint-disable-next-line no-loop-func
      await new Promise<void>((resolve) => this.#waitingForReady.add(resolve))
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer)
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      settleJob(job, { kind: 'failed', reason: 'the inspector is closed' })
    }
    const slots = [...this.#slots]
    this.#slots.clear()
    this.#announce()
    await Promise.all(
      slots.map((slot) => {
        endRun(slot, { kind: 'failed', reason: 'the inspector is closed' })
        return slot.worker.terminate()
      }),
    )
  }

  get #wanted(): number {
    return this.#limits.workers + this.#limits.warmWorkers
  }

  #fill(): void {
    if (this.#closed || this.#restartTimer !== null) return
    while (this.#slots.size < this.#wanted) this.#start()
  }

  #start(): void {
    const worker = new Worker(START_FILE, {
      execArgv: [],
      env: {},
      argv: [],
      name: 'sql-inspector',
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.workerHeapMb, stackSizeMb: this.#limits.workerStackMb },
    })
    const slot: Slot = { worker, ready: false, analyses: 0, running: null }
    this.#slots.add(slot)
    worker.unref()
    worker.on('message', (reply: WorkerReply) => this.#receive(slot, reply))
    worker.on('messageerror', () => this.#discard(slot, { kind: 'failed', reason: 'unreadable verdict' }))
    worker.on('error', (error) => {
      const overflow = error instanceof RangeError
      this.#discard(slot, overflow ? { kind: 'overflow' } : { kind: 'failed', reason: 'the analysis worker failed' })
    })
    worker.on('exit', () => this.#discard(slot, { kind: 'failed', reason: 'the analysis worker ended' }))
    for (const request of this.#catalogs.values()) worker.postMessage(request)
  }

  #receive(slot: Slot, reply: WorkerReply): void {
    if (!this.#slots.has(slot)) return
    switch (reply.kind) {
      case 'ready':
        slot.ready = true
        this.#failedStarts = 0
        this.#announce()
        this.#dispatch()
        return
      case 'verdict':
        if (slot.running?.id !== reply.id) return
        endRun(slot, { kind: 'verdict', verdict: reply.verdict })
        if (slot.analyses >= this.#limits.analysesPerWorker) {
          this.#discard(slot, { kind: 'failed', reason: 'retired' })
          return
        }
        this.#dispatch()
        return
      case 'overflow':
        this.#discard(slot, { kind: 'overflow' })
        return
      case 'fault':
        this.#discard(slot, { kind: 'failed', reason: reply.reason })
    }
  }

  /** Takes a thread out of use, answers what it was working on, and puts another one in its place. */
  #discard(slot: Slot, outcome: PoolOutcome): void {
    if (!this.#slots.delete(slot)) return
    endRun(slot, outcome)
    // The promise only says that the thread has ended; a thread that is gone already is as good.
    void slot.worker.terminate()
    if (slot.ready) this.#fill()
    else this.#restartLater()
    this.#dispatch()
  }

  /** A thread that dies before it is ready would otherwise be restarted in a tight loop. */
  #restartLater(): void {
    if (this.#closed || this.#restartTimer !== null) return
    const delay = Math.min(FIRST_RESTART_DELAY_MS * 2 ** this.#failedStarts, LAST_RESTART_DELAY_MS)
    this.#failedStarts++
    this.#announce()
    this.#restartTimer = setTimeout(() => {
      this.#restartTimer = null
      this.#fill()
    }, delay)
  }

  #dispatch(): void {
    const slots = [...this.#slots]
    let busy = slots.filter((slot) => slot.running !== null).length
    for (const slot of slots) {
      if (busy >= this.#limits.workers) return
      if (!slot.ready || slot.running !== null) continue
      const job = this.#queue.shift()
      if (job === undefined) return
      this.#assign(slot, job)
      busy++
    }
  }

  #assign(slot: Slot, job: Job): void {
    const id = this.#nextId++
    const timer = setTimeout(
      () => this.#discard(slot, { kind: 'failed', reason: 'the analysis took too long' }),
      this.#limits.analysisTimeoutMs,
    )
    if (job.queueTimer !== null) clearTimeout(job.queueTimer)
    slot.running = { id, job, timer }
    slot.analyses++
    slot.worker.ref()
    slot.worker.postMessage({ kind: 'analyse', id, ...job.request } satisfies WorkerRequest)
  }

  #announce(): void {
    for (const resolve of this.#waitingForReady) resolve()
    this.#waitingForReady.clear()
  }
}

function endRun(slot: Slot, outcome: PoolOutcome): void {
  const { running } = slot
  if (running === null) return
  slot.running = null
  clearTimeout(running.timer)
  slot.worker.unref()
  settleJob(running.job, outcome)
}

function settleJob(job: Job, outcome: PoolOutcome): void {
  if (job.queueTimer !== null) clearTimeout(job.queueTimer)
  job.settle(outcome)
}
