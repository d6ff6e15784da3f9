import { errorName, type JournalFs } from './journal-fs.ts'

/** Something an operator should act on before recording fails. */
export type JournalWarning =
  | { readonly kind: 'low-space'; readonly freeBytes: number; readonly minimumFreeBytes: number }
  | { readonly kind: 'space-unknown'; readonly error: string }
  | { readonly kind: 'recovered'; readonly tornBytes: number }

const INTERVAL_MS = 5_000

/** Watches the free space of the journal's file system while there is activity. */
export class FreeSpace {
  readonly #system: JournalFs
  readonly #directory: string
  readonly #minimum: number
  readonly #warn: (warning: JournalWarning) => void
  #last = Number.NEGATIVE_INFINITY
  #running = false
  /** What was last warned about, so that each change is said once. */
  #said: JournalWarning['kind'] | undefined

  constructor(system: JournalFs, directory: string, minimum: number, warn: (warning: JournalWarning) => void) {
    this.#system = system
    this.#directory = directory
    this.#minimum = minimum
    this.#warn = warn
  }

  /** Call as often as convenient; asks the system every five seconds. `now` in milliseconds. */
  check(now: number): void {
    // A clock that was set back must not end the watch.
    if (this.#running || (now >= this.#last && now - this.#last < INTERVAL_MS)) return
    this.#last = now
    this.#running = true
    this.#system.statfs(this.#directory, (error, space) => {
      this.#running = false
      if (error !== null) {
        this.#say({ kind: 'space-unknown', error: errorName(error) })
        return
      }
      const freeBytes = space.bavail * space.bsize
      if (freeBytes < this.#minimum) {
        this.#say({ kind: 'low-space', freeBytes, minimumFreeBytes: this.#minimum })
      } else if (this.#said !== 'low-space' || freeBytes > this.#minimum * 1.1) {
        this.#said = undefined
      }
    })
  }

  #say(warning: JournalWarning): void {
    if (this.#said === warning.kind) return
    this.#said = warning.kind
    this.#warn(warning)
  }
}
