import type { Catalog, PhiView } from './catalog.ts'
import type { SqlFacts } from './facts.ts'

/** What the inspector tells its worker. */
export type WorkerRequest =
  | { readonly kind: 'catalog'; readonly target: string; readonly catalog: Catalog; readonly phi: PhiView }
  | {
      readonly kind: 'analyse'
      readonly id: number
      readonly sql: string
      readonly target: string
      readonly searchPath: readonly string[]
      readonly maxTokens: number
    }

/** The verdict on a statement string. Flat on purpose: a deep object could not be received by the main thread. */
export type Verdict =
  | {
      readonly kind: 'analysed'
      readonly statements: readonly SqlFacts[]
      readonly redacted: string
      /** Ordinals of the literals (see skeleton.ts) whose value the facts do not depend on. */
      readonly liftable: readonly number[]
    }
  | { readonly kind: 'unparseable'; readonly message: string; readonly position: number | null }
  | { readonly kind: 'too-complex' }

/** `fault` and `overflow` mean that the worker can no longer be trusted and is to be discarded. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'verdict'; readonly id: number; readonly verdict: Verdict }
  | { readonly kind: 'overflow'; readonly id: number }
  | { readonly kind: 'fault'; readonly id: number; readonly reason: string }
