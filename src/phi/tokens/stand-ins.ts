import type { PhiClass } from '../classes.ts'
import type { Span } from '../detect/span.ts'

/**
 * How a token is written. One value has one token a form, class and scope. The forms differ because what a client reads has
 * to be valid for the type and must not be possible as a real value: see `token-text.ts`.
 */
export const TOKEN_FORMS = ['text', 'short', 'email', 'phone', 'integer', 'bigint', 'uuid'] as const

export type TokenForm = (typeof TOKEN_FORMS)[number]

/** A value that needs a token. */
export interface TokenRequest {
  readonly phiClass: PhiClass
  readonly form: TokenForm
  /** In the canonical spelling of its form: see `token-value.ts`. */
  readonly value: string
}

/** A token that a client has sent, in the canonical spelling of its form, and the class that it has to be of. */
export interface TokenReference {
  readonly phiClass: PhiClass
  readonly token: string
}

/**
 * What masking asks of the session for replacements that are not made from the value alone. What is not there at once is noted,
 * and fetched by `settle`; until then everything that was masked since the last `settle` is void and has to be masked again.
 */
export interface StandIns extends Pending {
  /** The tokens of one class in one form: asked for once a plan, so that a cell costs a look-up by its value and no more. */
  tokensOf(phiClass: PhiClass, form: TokenForm): TokenSource
  /** What the external detector finds in a text; undefined while it has not been asked. Absent where there is no such detector. */
  readonly spans?: ((text: string) => readonly Span[] | undefined) | undefined
}

/**
 * The token of a value in the canonical spelling of its form; null when the form has none left to give, so that there will
 * be none; undefined while there is none yet.
 */
export type TokenSource = (value: string) => string | null | undefined

/** Replacements that are missing. */
export interface Pending {
  /** Whether one was missing since the last `settle`. What was masked since must not leave. */
  readonly isLacking: boolean
  /** Bytes or so of what is missing, to bound how far is looked ahead. */
  readonly lackingBytes: number
  /** Fetches all that is missing. It can be found until the next call at least. Rejects with a ChaperoneError; then nothing may leave. */
  settle(): Promise<void>
}
