import { asChaperoneError, ChaperoneError } from '../../lib/errors.ts'
import { ProtocolViolation } from './framing.ts'

/** What a thrown value means for the client: a broken protocol, a limit, one of our errors, or a defect of ours. */
export function violation(thrown: unknown): ChaperoneError {
  if (!(thrown instanceof ProtocolViolation)) return asChaperoneError(thrown)
  if (thrown.peer === 'backend') return new ChaperoneError('CHP-TARGET-LOST', { reason: thrown.message, cause: thrown })
  if (thrown.limit === true) return new ChaperoneError('CHP-LIMIT-EXCEEDED', { message: thrown.message })
  return new ChaperoneError(thrown.encoding === true ? 'CHP-SQL-ENCODING' : 'CHP-PROTOCOL-VIOLATION', {
    reason: thrown.message,
  })
}
