import { createHash } from 'node:crypto'
import type { StandIns, TokenForm, TokenSource } from './stand-ins.ts'
import { newToken, TOKEN_RANDOM_BYTES } from './token-text.ts'

/** Stand-ins as a session has them, without a vault: tokens are there after `settle`, and depend on nothing but what they are for. */
export class FakeStandIns implements StandIns {
  /** What a token stands for, by class. */
  readonly values = new Map<string, string>()
  readonly #known = new Map<string, string | null>()
  readonly #wanted = new Map<string, readonly [phiClass: string, form: TokenForm, value: string]>()
  settled = 0
  /** Forms that have no tokens left. */
  readonly exhausted = new Set<TokenForm>()

  tokensOf(phiClass: string, form: TokenForm): TokenSource {
    return (value) => {
      const key = [phiClass, form, value].join('\0')
      const found = this.#known.get(key)
      if (found === undefined) this.#wanted.set(key, [phiClass, form, value])
      return found
    }
  }

  get isLacking(): boolean {
    return this.#wanted.size > 0
  }

  get lackingBytes(): number {
    return [...this.#wanted.values()].reduce((bytes, [, , value]) => bytes + value.length, 0)
  }

  /** Everything asked for so far, without waiting. */
  settleNow(): void {
    for (const [key, [phiClass, form, value]] of this.#wanted) {
      const random = createHash('sha256').update(key).digest().subarray(0, TOKEN_RANDOM_BYTES)
      const token = this.exhausted.has(form) ? null : newToken(form, random)
      this.#known.set(key, token)
      if (token !== null) this.values.set(`${phiClass} ${token}`, value)
    }
    this.#wanted.clear()
    this.settled += 1
  }

  settle(): Promise<void> {
    this.settleNow()
    return Promise.resolve()
  }

  /** As a vault that has forgotten everything but what its tokens stand for. */
  forget(): void {
    this.#known.clear()
  }
}
