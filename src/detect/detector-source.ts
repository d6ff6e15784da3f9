import type { Span } from '../phi/detect/span.ts'

/** An external detector with a memory: what it finds in texts. */
export interface DetectorSource {
  /** What is known without asking: of texts asked about before, and of texts that are never asked about. */
  find(text: string): readonly Span[] | undefined
  /** Asks about all of them; the answers in their order. Rejects with CHP-DETECTOR-UNAVAILABLE. */
  fetch(texts: readonly string[]): Promise<readonly (readonly Span[])[]>
}
