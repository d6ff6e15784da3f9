import { resolve } from 'node:path'
import { ChaperoneError } from '../lib/errors.ts'
import { Batch, type JournalRecord } from './batch.ts'
import { fragment } from './canonical.ts'
import { NO_SESSION, type RecordKind } from './format.ts'
import { FreeSpace, type JournalWarning } from './free-space.ts'
import { isNoSpace, type JournalFs, nodeFs, writeWhole } from './journal-fs.ts'
import {
  checkOptions,
  DEFAULT_SEGMENT_BYTES,
  type JournalOptions,
  type JournalState,
  prepareDirectory,
} from './journal-options.ts'
import { acquireLock, type Lock } from './lock.ts'
import { type Past, recordFailure, recover } from './recovery.ts'
import { Reserve } from './reserve.ts'
import { createSegment, type OpenSegment } from './segment-file.ts'
import { makeSealKey, type SealKey } from './segment-keys.ts'
import { SyncLoop } from './sync-loop.ts'

/** A batch is written when it has grown to this size, even within a turn. Bounds memory and the length of a line. */
const BATCH_BYTES = 1024 * 1024
const ENDING_KINDS: ReadonlySet<RecordKind> = new Set(['session-end', 'gateway-stop'])

interface Parts {
  readonly directory: string
  readonly system: JournalFs
  readonly lock: Lock
  readonly reserve: Reserve
  readonly segment: OpenSegment
  readonly past: Past
}

/**
 * The durable journal: the appends of one event-loop turn become one write, chained to the write before (README.md).
 * After a failed write or sync it has failed for good: nothing is tried again.
 */
export class Journal {
  readonly #options: JournalOptions
  readonly #parts: Parts
  readonly #sync: SyncLoop
  readonly #space: FreeSpace
  readonly #batch = new Batch()
  readonly #commitListeners: (() => void)[] = []
  readonly #failureListeners: ((error: ChaperoneError) => void)[] = []
  #state: JournalState = 'open'
  #failed: ChaperoneError | undefined
  #failureTold = false
  #segment: OpenSegment
  /** What the next segment needs, once it is due and its preparations are done. */
  #next: { readonly sealKey: SealKey | undefined } | undefined
  #preparing: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #lastSeq: number
  /** The batch holds an intent: an answer or an effect waits for its being durable. */
  #urgent = false
  #writtenSeq: number
  #durableSeq: number
  #toldWritten: number
  #scheduled: NodeJS.Immediate | undefined
  #time = { milliseconds: Number.NaN, text: '' }

  private constructor(options: JournalOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    this.#segment = parts.segment
    this.#lastSeq = parts.past.first - 1
    this.#writtenSeq = this.#lastSeq
    this.#durableSeq = this.#lastSeq
    this.#toldWritten = this.#lastSeq
    this.#sync = new SyncLoop(
      parts.system,
      (seq) => this.#madeDurable(seq),
      (error) => this.#failLater(error, 'sync'),
    )
    this.#space = new FreeSpace(parts.system, parts.directory, options.minimumFreeBytes, (warning) =>
      this.#warn(warning),
    )
  }

  /**
   * Opens a directory for writing, recovers what a crash left, and begins a new segment.
   * @throws ChaperoneError CHP-RECORD-FAILED when the journal is damaged, in use, or cannot be written;
   * CHP-CONFIG-INVALID for options that cannot work.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    checkOptions(options)
    const system = options.fs ?? nodeFs
    const directory = resolve(options.directory)
    const { origin, bodyKey, clock } = options
    let lock: Lock | undefined
    try {
      prepareDirectory(system, directory)
      lock = acquireLock(system, directory)
      const past = await recover(system, directory, origin)
      const reserve = Reserve.hold(system, directory, options.reserveBytes)
      const sealKey = await makeSealKey(options.sealRecipients)
      const time = new Date(clock()).toISOString()
      const segment = createSegment(system, { ...past, directory, origin, bodyKey, sealKey, time })
      const journal = new Journal(options, { directory, system, lock, reserve, segment, past })
      const tornBytes = past.torn.reduce((sum, file) => sum + file.bytes, 0)
      if (past.torn.length > 0) journal.#warn({ kind: 'recovered', tornBytes })
      journal.#space.check(clock())
      return journal
    } catch (error) {
      releaseAfter(error, lock)
      throw recordFailure(error, 'open')
    }
  }

  get state(): JournalState {
    return this.#state
  }

  /** Why no operation may be recorded any more. Set in the states `ending` and `failed`. */
  get failed(): ChaperoneError | undefined {
    return this.#failed
  }

  /** Number of the last record that the operating system has. */
  get writtenSeq(): number {
    return this.#writtenSeq
  }

  /** Number of the last record that survives what the durability promises. */
  get durableSeq(): number {
    return this.#durableSeq
  }

  /** `listener` runs after every write and every sync that moved `writtenSeq` or `durableSeq`. It must not throw. */
  onCommit(listener: () => void): void {
    this.#commitListeners.push(listener)
  }

  /** `listener` runs once, when `failed` is set. Sessions must end then (invariant I5). It must not throw. */
  onFailure(listener: (error: ChaperoneError) => void): void {
    this.#failureListeners.push(listener)
  }

  /**
   * Takes a record and returns its sequence number. It is written at the end of the turn, or by `flush`.
   * @param body JSON text; encrypted, and committed to in the header. Empty: none.
   * @param exact the statement as issued; encrypted to the seal recipients. Empty: none.
   * @throws ChaperoneError CHP-RECORD-FAILED once the journal failed, CHP-LIMIT-EXCEEDED when the record is too large.
   */
  append(record: JournalRecord, body = '', exact = ''): number {
    if (this.#state !== 'open' && !(this.#state === 'ending' && ENDING_KINDS.has(record.kind))) throw this.#refusal()
    const seq = this.#lastSeq + 1
    this.#batch.add(seq, this.#now(), record, body, this.#segment.sealed === undefined ? '' : exact)
    this.#lastSeq = seq
    this.#urgent ||= record.kind === 'intent'
    // Listeners hear of what is written here in the scheduled turn, not in the middle of the caller's work.
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined
      this.flush()
    })
    if (this.#batch.size >= BATCH_BYTES) {
      this.#write()
      if (this.state === 'failed') throw this.#refusal()
    }
    return seq
  }

  /** Writes what is gathered now. Does not throw: a failure is in `failed` and told to its listeners. */
  flush(): void {
    this.#write()
    this.#tell()
    if (this.#state === 'open') this.#space.check(this.#options.clock())
  }

  /** Writes and syncs what is left and gives the directory free. Resolves also after a failure, see `failed`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #write(): void {
    if (this.#batch.count === 0 || this.#state === 'failed' || this.#state === 'closed') return
    if (this.#next !== undefined && this.#state === 'open' && !this.#rotate(this.#next.sealKey)) return
    const segment = this.#segment
    const { bytes, chain } = this.#batch.encode(segment)
    if (!this.#put(bytes)) return
    segment.chain = chain
    segment.size += bytes.length
    this.#writtenSeq = this.#batch.last
    this.#batch.clear()
    if (this.#options.durability === 'process-crash') this.#durableSeq = this.#writtenSeq
    else this.#sync.want(segment.fd, this.#writtenSeq, this.#urgent)
    this.#urgent = false
    const due = segment.size >= (this.#options.segmentBytes ?? DEFAULT_SEGMENT_BYTES)
    if (due && this.#state === 'open') this.#preparing ??= this.#prepareRotation(segment)
  }

  /** False when the journal has failed. On a full disk the same bytes are written again once the reserve is given up. */
  #put(bytes: Buffer): boolean {
    const { system } = this.#parts
    try {
      writeWhole(system, this.#segment.fd, bytes)
      return true
    } catch (error) {
      if (!this.#useReserve(error)) return false
    }
    try {
      writeWhole(system, this.#segment.fd, bytes)
      return true
    } catch (error) {
      this.#fail(error, 'write')
      return false
    }
  }

  /** Goes over to `ending` where a full disk is the trouble and there is a reserve, else to `failed`. */
  #useReserve(error: unknown): boolean {
    if (this.#state === 'open' && isNoSpace(error)) {
      try {
        this.#parts.system.ftruncateSync(this.#segment.fd, this.#segment.size)
        if (this.#parts.reserve.release()) {
          this.#state = 'ending'
          this.#failed = recordFailure(error, 'write')
          return true
        }
      } catch (releasing) {
        this.#fail(releasing, 'release of the reserve')
        return false
      }
    }
    this.#fail(error, 'write')
    return false
  }

  /** What can be waited for without stopping everybody: the disk, for most of the old segment, and the key of the new. */
  async #prepareRotation(segment: OpenSegment): Promise<void> {
    try {
      await sync(this.#parts.system, segment.fd)
      this.#next = { sealKey: await makeSealKey(this.#options.sealRecipients) }
    } catch (error) {
      this.#failLater(error, 'rotation')
    }
  }

  /**
   * The old segment is durable before the new one exists, so that only the last one can ever have a torn tail. False
   * when the journal has failed. When there is no space for a new segment, the old one is used on.
   */
  #rotate(sealKey: SealKey | undefined): boolean {
    const { system, directory } = this.#parts
    const { origin, bodyKey } = this.#options
    const old = this.#segment
    this.#next = undefined
    this.#preparing = undefined
    try {
      system.fsyncSync(old.fd)
    } catch (error) {
      this.#fail(error, 'sync')
      return false
    }
    if (this.#durableSeq < this.#writtenSeq) {
      this.#durableSeq = this.#writtenSeq
      this.#toldWritten = -1
    }
    const { number, chain: previous } = old
    const [first, time] = [this.#writtenSeq + 1, this.#now()]
    try {
      const start = { number: number + 1, first, previous, time, torn: [] }
      this.#segment = createSegment(system, { ...start, directory, origin, bodyKey, sealKey })
      this.#sync.retire(old.fd)
      return true
    } catch (error) {
      return this.#segment === old ? this.#useReserve(error) : this.#fail(error, 'rotation')
    }
  }

  #madeDurable(seq: number): void {
    if (seq <= this.#durableSeq) return
    this.#durableSeq = seq
    for (const listener of this.#commitListeners) listener()
  }

  /** Listeners are told of a failure before a commit: what they release then must know. */
  #tell(): void {
    if (this.#failed !== undefined && !this.#failureTold) {
      this.#failureTold = true
      for (const listener of this.#failureListeners) listener(this.#failed)
    }
    if (this.#toldWritten === this.#writtenSeq) return
    this.#toldWritten = this.#writtenSeq
    for (const listener of this.#commitListeners) listener()
  }

  /** Returns false, for callers that report success. */
  #fail(error: unknown, during: string): false {
    if (this.#state === 'failed') return false
    this.#state = 'failed'
    this.#failed ??= recordFailure(error, during)
    this.#sync.stop()
    this.#batch.clear()
    return false
  }

  #failLater(error: unknown, during: string): void {
    this.#fail(error, during)
    this.#tell()
  }

  #refusal(): ChaperoneError {
    return this.#failed ?? new ChaperoneError('CHP-RECORD-FAILED', { reason: 'the journal is closed' })
  }

  #warn(warning: JournalWarning): void {
    this.#options.onWarning(warning)
    if (this.#state !== 'open') return
    const who = fragment({ gateway: this.#options.origin })
    this.append({ kind: 'journal-warning', session: NO_SESSION, op: 0, what: fragment({ ...warning }), who })
  }

  #now(): string {
    const milliseconds = this.#options.clock()
    if (milliseconds !== this.#time.milliseconds) {
      this.#time = { milliseconds, text: new Date(milliseconds).toISOString() }
    }
    return this.#time.text
  }

  async #close(): Promise<void> {
    this.flush()
    if (this.#state !== 'failed') this.#state = 'closed'
    clearImmediate(this.#scheduled)
    await this.#preparing
    await this.#sync.idle()
    const { system, lock } = this.#parts
    try {
      // In either durability: an orderly end leaves nothing to chance.
      if (this.#state !== 'failed') await sync(system, this.#segment.fd)
      system.closeSync(this.#segment.fd)
    } catch (error) {
      this.#fail(error, 'close')
    }
    if (this.#state !== 'failed') this.#madeDurable(this.#writtenSeq)
    try {
      lock.release()
    } catch (error) {
      this.#fail(error, 'close')
    }
    this.#tell()
  }
}

function sync(system: JournalFs, fd: number): Promise<void> {
  return new Promise((done, failed) => {
    system.fdatasync(fd, (error) => (error === null ? done() : failed(error)))
  })
}

/** The first error is the one to report; that the lock stays is told with it. */
function releaseAfter(error: unknown, lock: Lock | undefined): void {
  try {
    lock?.release()
  } catch (releasing) {
    throw new ChaperoneError('CHP-RECORD-FAILED', {
      reason: 'open failed, and the lock could not be released',
      cause: new AggregateError([error, releasing]),
    })
  }
}
