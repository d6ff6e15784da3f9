import type { PhiClass } from '../phi/classes.ts'
import type { Pending, StandIns, TokenForm, TokenSource } from '../phi/tokens/stand-ins.ts'

/** Passes everything on, and knows whether a plan has asked for anything that may have to be fetched. */
export class WatchedStandIns implements StandIns {
  readonly #standIns: StandIns
  #isAsked = false

  constructor(standIns: StandIns) {
    this.#standIns = standIns
  }

  /** What to ask after each row; undefined when nothing can be missing. */
  get pending(): Pending | undefined {
    return this.#isAsked ? this.#standIns : undefined
  }

  tokensOf(phiClass: PhiClass, form: TokenForm): TokenSource {
    this.#isAsked = true
    return this.#standIns.tokensOf(phiClass, form)
  }

  /** Who takes this once for a plan may ask at every row. */
  get spans(): StandIns['spans'] {
    if (this.#standIns.spans === undefined) return undefined
    this.#isAsked = true
    return (text) => this.#standIns.spans?.(text)
  }

  get isLacking(): boolean {
    return this.#standIns.isLacking
  }

  get lackingBytes(): number {
    return this.#standIns.lackingBytes
  }

  settle(): Promise<void> {
    return this.#standIns.settle()
  }
}
