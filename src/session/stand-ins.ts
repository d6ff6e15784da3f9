import type { DetectorSource } from '../detect/detector-source.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { PhiClass } from '../phi/classes.ts'
import type { Span } from '../phi/detect/span.ts'
import type { StandIns, TokenForm, TokenRequest, TokenSource } from '../phi/tokens/stand-ins.ts'
import type { TokenScope } from '../vault/token-scope.ts'
import { LastBatch } from './last-batch.ts'

/** How long tokens that were fetched count. The wire uses them at once; later they may have been deleted in the vault. */
const TOKENS_MS = 500
/** Of what is missing, besides its text. */
const ENTRY_BYTES = 64

export interface StandInSources {
  /** The tokens of the session; undefined where no label asks for any. */
  readonly scope: TokenScope | undefined
  /** The external detector, if there is one. */
  readonly detector: DetectorSource | undefined
  readonly clock: Clock
}

/** The tokens of one class and form. */
interface TokenBatch {
  readonly source: TokenSource
  readonly wanted: Map<string, TokenRequest>
  /** Null for a value that has none. */
  readonly issued: LastBatch<string | null>
}

/**
 * What the masking of one session lacks: gathered value by value, fetched in one go. What was fetched last is kept here, so
 * that it is found even when it is more than the caches behind can hold.
 */
export class SessionStandIns implements StandIns {
  readonly #sources: StandInSources
  readonly #tokens = new Map<string, TokenBatch>()
  readonly #texts = new Set<string>()
  readonly #spans: LastBatch<readonly Span[]>
  #isLacking = false
  #lackingBytes = 0

  readonly spans?: (text: string) => readonly Span[] | undefined

  constructor(sources: StandInSources) {
    this.#sources = sources
    const { detector, clock } = sources
    // What was found in a text stays true.
    this.#spans = new LastBatch(Number.POSITIVE_INFINITY, clock)
    if (detector !== undefined) this.spans = (text) => this.#spansOf(text, detector)
  }

  get isLacking(): boolean {
    return this.#isLacking
  }

  get lackingBytes(): number {
    return this.#lackingBytes
  }

  tokensOf(phiClass: PhiClass, form: TokenForm): TokenSource {
    const { scope } = this.#sources
    // Without a vault no value has a token.
    if (scope === undefined) return () => null
    const key = `${phiClass} ${form}`
    let batch = this.#tokens.get(key)
    if (batch === undefined) {
      batch = this.#batchOf(scope, phiClass, form)
      this.#tokens.set(key, batch)
    }
    return batch.source
  }

  async settle(): Promise<void> {
    const wanted = [...this.#tokens.values()].map(({ issued, wanted: byValue }) => {
      const requests = [...byValue.values()]
      byValue.clear()
      return { issued, requests }
    })
    const texts = [...this.#texts]
    this.#texts.clear()
    this.#isLacking = false
    this.#lackingBytes = 0
    const requests = wanted.flatMap((one) => one.requests)
    if (requests.length === 0 && texts.length === 0) return
    const [tokens, spans] = await Promise.all([this.#issue(requests), this.#detect(texts)])
    let at = 0
    for (const { issued, requests: own } of wanted) {
      const first = at
      issued.replace(own.map(({ value }, i) => [value, tokens[first + i] ?? null]))
      at += own.length
    }
    this.#spans.replace(texts.map((text, i) => [text, spans[i] ?? missing()]))
  }

  #batchOf(scope: TokenScope, phiClass: PhiClass, form: TokenForm): TokenBatch {
    const find = scope.finder(phiClass, form)
    const wanted = new Map<string, TokenRequest>()
    const issued = new LastBatch<string | null>(TOKENS_MS, this.#sources.clock)
    const ask = (value: string): string | null | undefined => {
      const known = issued.get(value)
      if (known !== undefined) return known
      if (!wanted.has(value)) {
        wanted.set(value, { phiClass, form, value })
        this.#lack(value)
      }
      this.#isLacking = true
      return undefined
    }
    return { source: (value) => find(value) ?? ask(value), wanted, issued }
  }

  #spansOf(text: string, detector: DetectorSource): readonly Span[] | undefined {
    const known = detector.find(text) ?? this.#spans.get(text)
    if (known !== undefined) return known
    if (!this.#texts.has(text)) {
      this.#texts.add(text)
      this.#lack(text)
    }
    this.#isLacking = true
    return undefined
  }

  #lack(text: string): void {
    this.#lackingBytes += text.length * 2 + ENTRY_BYTES
  }

  async #issue(requests: readonly TokenRequest[]): Promise<readonly (string | undefined)[]> {
    const { scope } = this.#sources
    return requests.length === 0 || scope === undefined ? [] : scope.issue(requests)
  }

  async #detect(texts: readonly string[]): Promise<readonly (readonly Span[])[]> {
    const { detector } = this.#sources
    return texts.length === 0 || detector === undefined ? [] : detector.fetch(texts)
  }
}

/** A text without an answer would be released as if nothing had been found in it. */
function missing(): never {
  throw new ChaperoneError('CHP-DETECTOR-UNAVAILABLE', { reason: 'the detector has left out a text' })
}
