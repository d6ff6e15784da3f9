import { ChaperoneError } from '../../lib/errors.ts'

/** What cannot be read could hold a masked value, which must not be stored. */
export const unreadableRows = (reason: string): ChaperoneError =>
  new ChaperoneError('CHP-MASK-WRITE-BACK', {
    message: 'a row of COPY cannot be read, so that it cannot be told whether a masked value would be stored',
    hint: 'Send rows exactly as the options of COPY say, with one-byte delimiters.',
    reason,
  })
