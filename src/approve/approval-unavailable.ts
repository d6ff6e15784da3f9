import { ChaperoneError } from '../lib/errors.ts'

/** Whatever was thrown, as an error with a code: CHP-APPROVAL-UNAVAILABLE unless it has one. Messages of the store hold no values. */
export function approvalUnavailable(error: unknown): ChaperoneError {
  if (error instanceof ChaperoneError) return error
  const reason = error instanceof Error ? error.message : typeof error
  return new ChaperoneError('CHP-APPROVAL-UNAVAILABLE', { reason, cause: error })
}

/** The same for work: it resolves, or rejects with an error that has a code. */
export async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw approvalUnavailable(error)
  }
}
