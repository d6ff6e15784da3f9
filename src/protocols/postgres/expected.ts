import type { ChaperoneError } from '../../lib/errors.ts'
import type { Change, Portal, Statement } from './named-statements.ts'
import type { RunningOperation } from './running-operation.ts'
import type { SentText } from './sent-text.ts'

/** What the relay keeps with each message whose reply is outstanding. */
export interface Expected {
  readonly operation?: RunningOperation | undefined
  readonly portal?: Portal | undefined
  /** That is being described. */
  readonly statement?: Statement | undefined
  /** For a message without an operation: what was sent in place of the client's text. */
  readonly sent?: SentText | undefined
  /** The message was sent by the gateway itself: its replies are not shown to the client. */
  readonly hidden?: boolean
  /** A statement that cannot parse was sent in the place of a refused one: its error becomes this refusal. */
  readonly refusal?: { readonly error: ChaperoneError; readonly position: number | undefined }
  /** The message asks whether the catalog is as expected: an error can say that it is not. */
  readonly check?: boolean
  /**
   * The message is a part of a simple query that is sent by the extended protocol: the client gets the replies that the simple
   * one has, and CommandComplete only when the transaction has ended well.
   */
  readonly converted?: boolean
  /** A simple query with a Sync of the gateway behind it: that one's ReadyForQuery ends it, and says how its transaction ended. */
  readonly followed?: boolean
  /** What the message does to names, as was assumed when it was forwarded. */
  readonly change?: Change | undefined
}
