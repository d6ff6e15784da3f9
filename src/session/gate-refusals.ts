import { ChaperoneError } from '../lib/errors.ts'
import type { Verdict } from '../protocols/protocol.ts'

/** New statements are refused once the session may not go on; what runs is drained by its housekeeping. */
export const ended = (error: ChaperoneError): Verdict => ({ kind: 'refused', facts: [], error, position: undefined })

/** It was bound when the session had other settings. */
export const ADMITTED_OTHERWISE = new ChaperoneError('CHP-APPROVAL-PENDING', {
  message: 'the settings of the session have changed since the approved statement was bound; it was not run',
  hint: 'Bind and run the statement again without changing settings in between.',
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
