import { ChaperoneError } from '../lib/errors.ts'
import type { Verdict } from '../protocols/protocol.ts'

/** New statements are refused once the token has expired; what runs is drained by the session's housekeeping. */
export const EXPIRED: Verdict = Object.freeze({
  kind: 'refused',
  facts: [],
  error: new ChaperoneError('CHP-AUTH-EXPIRED'),
  position: undefined,
})

/** The target may have resolved its names before they came to stand for something else. */
export const RESOLVED_OTHERWISE: Verdict = Object.freeze({
  kind: 'refused',
  facts: [],
  error: new ChaperoneError('CHP-SQL-UNKNOWN-NAME', {
    message: 'the schema of the target has changed since the statement was prepared or the cursor declared',
  }),
  position: undefined,
})

/** A text of which a part would run without the question that masking rests on. */
export const SEND_SEPARATELY = new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED', {
  message:
    'a masked session cannot have this in one string with the beginning or end of a transaction, with COPY FROM STDIN, or behind a change of the schema',
  hint: 'Send each statement by itself.',
})
