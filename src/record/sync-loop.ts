import type { JournalFs } from './journal-fs.ts'

/** What nobody waits for becomes durable this much later at most, or together with the next thing that somebody waits for. */
const LAZY_SYNC_MS = 20

/**
 * Keeps one fdatasync running while there is something to make durable. What was written when it started is durable
 * when it ends. After a failure it never tries again: the kernel may have dropped the pages and would report success.
 */
export class SyncLoop {
  readonly #system: JournalFs
  readonly #durable: (seq: number) => void
  readonly #failed: (error: Error) => void
  #running = false
  #stopped = false
  #wanted: { readonly fd: number; readonly seq: number } | undefined
  #urgent = false
  #timer: NodeJS.Timeout | undefined
  #retired: number[] = []
  #idle: (() => void) | undefined

  constructor(system: JournalFs, durable: (seq: number) => void, failed: (error: Error) => void) {
    this.#system = system
    this.#durable = durable
    this.#failed = failed
  }

  /**
   * Everything up to `seq` is written to `fd` (or durable already in an earlier one). `urgent`: somebody waits for it. A
   * sync costs the same for much as for little, so what nobody waits for goes along with what somebody does.
   */
  want(fd: number, seq: number, urgent: boolean): void {
    this.#wanted = { fd, seq }
    this.#urgent ||= urgent
    this.#proceed()
  }

  #proceed(): void {
    if (this.#running || this.#wanted === undefined) return
    if (this.#urgent) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), LAZY_SYNC_MS)
  }

  /** Closes a file that needs no more syncing, when the running sync no longer uses it. */
  retire(fd: number): void {
    this.#wanted = undefined
    if (this.#running) this.#retired.push(fd)
    else this.#system.closeSync(fd)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#wanted = undefined
  }

  /** Resolves when nothing is running and nothing is wanted; starts what was put off. */
  async idle(): Promise<void> {
    if (!this.#running) this.#start()
    if (!this.#running) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const wanted = this.#wanted
    if (wanted === undefined || this.#stopped || this.#running) return
    this.#wanted = undefined
    this.#urgent = false
    this.#running = true
    this.#system.fdatasync(wanted.fd, (error) => {
      this.#running = false
      this.#ended(error, wanted.seq)
      if (!this.#running) {
        this.#idle?.()
        this.#idle = undefined
      }
    })
  }

  #ended(error: Error | null, seq: number): void {
    try {
      for (const fd of this.#retired.splice(0)) this.#system.closeSync(fd)
    } catch (closing) {
      error ??= closing instanceof Error ? closing : new Error('close failed')
    }
    if (error !== null) {
      this.stop()
      this.#failed(error)
      return
    }
    // Start the next one first: the disk works while the listeners do.
    this.#proceed()
    this.#durable(seq)
  }
}
