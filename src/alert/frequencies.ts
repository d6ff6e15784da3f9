export interface FrequencyOptions {
  readonly count: number
  readonly withinMs: number
  readonly maxKeys: number
}

interface Window {
  /** Of the oldest of the last `count` events; the ring is written round. */
  readonly times: number[]
  next: number
}

/** Who does something so many times within some time. Memory is bounded: whoever was quiet for longest is forgotten first. */
export class Frequencies {
  readonly #options: FrequencyOptions
  readonly #windows = new Map<string, Window>()

  constructor(options: FrequencyOptions) {
    this.#options = options
  }

  /** True when this is the one that makes them too many; they are counted anew then. */
  add(key: string, at: number): boolean {
    const { count, withinMs, maxKeys } = this.#options
    const window = this.#windows.get(key) ?? { times: [], next: 0 }
    // The order of insertion is that of the last use.
    this.#windows.delete(key)
    window.times[window.next] = at
    window.next = (window.next + 1) % count
    const oldest = window.times[window.next]
    if (window.times.length === count && oldest !== undefined && at - oldest <= withinMs) return true
    this.#windows.set(key, window)
    const [quietest] = this.#windows.keys()
    if (this.#windows.size > maxKeys && quietest !== undefined) this.#windows.delete(quietest)
    return false
  }
}
