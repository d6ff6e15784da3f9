import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { isLoopbackHost } from '../lib/loopback.ts'
import type { Span } from '../phi/detect/span.ts'
import { readAnswer } from './analyzer-answer.ts'
import { Circuit } from './circuit.ts'
import type { DetectorSource } from './detector-source.ts'
import { DEFAULT_ENTITIES, type EntityClasses } from './entities.ts'
import { type PostClient, postClient, PostFailed, type PostSettings } from './post-json.ts'
import { TextCache } from './text-cache.ts'

export interface HttpDetectorSettings extends Pick<PostSettings, 'ca' | 'authorization' | 'timeoutMs'> {
  /** Where POST goes, the path /analyze included unless it is elsewhere. https, or http to a loopback address. */
  readonly url: string
  readonly language: string
  /** From 0 to 1: less certain findings are left out. */
  readonly scoreThreshold: number
  /** Requests at the same time, of all sessions together. */
  readonly concurrency: number
  /** In characters. Longer texts are not sent: they count as found from end to end. */
  readonly maxTextLength: number
  /** Texts whose answers are kept. */
  readonly cacheSize: number
  /** Added to the types that are known. */
  readonly entities: EntityClasses
}

/** Answers repeat no text, but there can be several findings for a word. */
const ANSWER_BYTES = 64 * 1024
const ANSWER_BYTES_PER_CHARACTER = 200

/**
 * Asks a service with the interface of the Presidio analyzer what it finds in texts: one text a request. Whatever goes
 * wrong, the texts count as not searched: CHP-DETECTOR-UNAVAILABLE.
 */
export class HttpDetector implements DetectorSource {
  readonly #settings: HttpDetectorSettings
  readonly #entities: EntityClasses
  readonly #client: PostClient
  readonly #cache: TextCache
  readonly #circuit: Circuit
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(settings: HttpDetectorSettings, clock: Clock) {
    const url = new URL(settings.url)
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
      throw new ChaperoneError('CHP-CONFIG-INVALID', {
        message: 'the detector has to be asked by https, or by http at a loopback address',
      })
    }
    this.#settings = settings
    this.#entities = { ...DEFAULT_ENTITIES, ...settings.entities }
    this.#client = postClient({ ...settings, url, connections: settings.concurrency })
    this.#cache = new TextCache(settings.cacheSize)
    this.#circuit = new Circuit(clock)
  }

  find(text: string): readonly Span[] | undefined {
    if (text.trim() === '') return []
    if (text.length > this.#settings.maxTextLength) {
      return [{ start: 0, end: text.length, class: 'free-text', detector: 'http' }]
    }
    return this.#cache.find(text)
  }

  async fetch(texts: readonly string[]): Promise<readonly (readonly Span[])[]> {
    const given = new AbortController()
    try {
      return await Promise.all(texts.map(async (text) => this.find(text) ?? this.#ask(text, given.signal)))
    } catch (error) {
      // The others of the batch would be asked about for nobody.
      given.abort()
      throw error instanceof ChaperoneError ? error : unavailable(error)
    }
  }

  /** Ends the connections. */
  close(): void {
    this.#client.close()
  }

  async #ask(text: string, signal: AbortSignal): Promise<readonly Span[]> {
    await this.#turn()
    try {
      if (signal.aborted) throw new PostFailed('given up')
      if (this.#circuit.isOpen) throw new PostFailed('it has failed several times in a row')
      return await this.#request(text, signal)
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  async #request(text: string, signal: AbortSignal): Promise<readonly Span[]> {
    const { language, scoreThreshold } = this.#settings
    const body = JSON.stringify({ text, language, score_threshold: scoreThreshold })
    try {
      const answer = await this.#client.post(body, ANSWER_BYTES + text.length * ANSWER_BYTES_PER_CHARACTER, signal)
      const spans = readAnswer(answer, text, this.#entities)
      if (spans === undefined) throw new PostFailed('the answer is not that of an analyzer')
      this.#circuit.succeeded()
      this.#cache.keep(text, spans)
      return spans
    } catch (error) {
      if (!signal.aborted) this.#circuit.failed()
      throw error
    }
  }

  /** Resolves when a request may begin. */
  async #turn(): Promise<void> {
    this.#running += 1
    if (this.#running <= this.#settings.concurrency) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

function unavailable(error: unknown): ChaperoneError {
  const reason = error instanceof PostFailed ? error.message : 'the request failed'
  return new ChaperoneError('CHP-DETECTOR-UNAVAILABLE', { reason: `detector: ${reason}`, cause: error })
}
