import type { ChaperoneError } from '../../lib/errors.ts'
import type { Change, Portal } from './named-statements.ts'
import type { RunningOperation } from './running-operation.ts'

/** What the relay keeps with each message whose reply is outstanding. */
export interface Expected {
  readonly operation?: RunningOperation | undefined
  readonly portal?: Portal | undefined
  /** The message was sent by the gateway itself: its replies are not shown to the client. */
  readonly hidden?: boolean
  /** A statement that cannot parse was sent in the place of a refused one: its error becomes this refusal. */
  readonly refusal?: { readonly error: ChaperoneError; readonly position: number | undefined }
  /** What the message does to names, as was assumed when it was forwarded. */
  readonly change?: Change | undefined
}
