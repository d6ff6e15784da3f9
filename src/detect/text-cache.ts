import { hash, randomBytes } from 'node:crypto'
import type { Span } from '../phi/detect/span.ts'

/** Answers with more spans take too much memory to be kept. */
const MAX_SPANS = 1000

/** What was found in texts, by their digests: the texts themselves are not kept. Forgets what was not used for longest. */
export class TextCache {
  readonly #entries = new Map<string, readonly Span[]>()
  readonly #limit: number
  /** So that the digests of likely texts are not known beforehand. */
  readonly #salt = randomBytes(16).toString('base64')

  constructor(limit: number) {
    this.#limit = limit
  }

  find(text: string): readonly Span[] | undefined {
    const key = this.#keyOf(text)
    const spans = this.#entries.get(key)
    if (spans !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, spans)
    }
    return spans
  }

  keep(text: string, spans: readonly Span[]): void {
    if (this.#limit === 0 || spans.length > MAX_SPANS) return
    this.#entries.set(this.#keyOf(text), spans)
    if (this.#entries.size <= this.#limit) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  #keyOf(text: string): string {
    return hash('sha256', this.#salt + text, 'base64')
  }
}
