import { ChaperoneError } from '../lib/errors.ts'

/**
 * The outcome of something that was asked of the store, or CHP-VAULT-UNAVAILABLE: for whatever it rejects with, and when it
 * takes too long. Messages of errors of the store and the vault hold no values.
 */
export async function guarded<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } catch (error) {
    throw vaultUnavailable(error)
  } finally {
    clearTimeout(timer)
  }
}

/** Whatever was thrown, as a ChaperoneError: CHP-VAULT-UNAVAILABLE unless it is one. */
export function vaultUnavailable(error: unknown): ChaperoneError {
  if (error instanceof ChaperoneError) return error
  const reason = error instanceof Error ? error.message : typeof error
  return new ChaperoneError('CHP-VAULT-UNAVAILABLE', { reason, cause: error })
}
