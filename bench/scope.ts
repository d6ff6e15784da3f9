/** What was started during a run, to be undone in reverse order, once, however the run ends. */
export class Scope {
  readonly #stops: (() => Promise<void> | void)[] = []
  readonly #controller = new AbortController()
  #closing: Promise<readonly unknown[]> | undefined

  /** Aborted when the run is to end early. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  defer(stop: () => Promise<void> | void): void {
    this.#stops.push(stop)
  }

  abort(reason: Error): void {
    this.#controller.abort(reason)
  }

  /** Undoes everything, also when parts of it fail; resolves with what failed. */
  close(): Promise<readonly unknown[]> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<readonly unknown[]> {
    const failures: unknown[] = []
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop()
      } catch (error) {
        failures.push(error)
      }
    }
    return failures
  }
}
