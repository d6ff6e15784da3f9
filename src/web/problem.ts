import { IdentityRejected } from '../identity/identity-rejected.ts'
import { asChaperoneError, ChaperoneError, type ErrorCode } from '../lib/errors.ts'

/** RFC 9457; `type` is left at its default, the code says which problem it is. */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly code: ErrorCode
  readonly hint: string
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  'CHP-AUTH-FAILED': 401,
  'CHP-AUTH-EXPIRED': 401,
  'CHP-AUTH-REVOKED': 401,
  'CHP-AUTH-REFUSED': 403,
  'CHP-DELEGATION-REFUSED': 403,
  'CHP-REQUEST-FORBIDDEN': 403,
  'CHP-REQUEST-UNKNOWN': 404,
  'CHP-APPROVAL-INVALID': 409,
  'CHP-APPROVAL-UNAVAILABLE': 503,
  'CHP-BUDGET-UNAVAILABLE': 503,
  'CHP-VAULT-UNAVAILABLE': 503,
  'CHP-RECORD-FAILED': 503,
  'CHP-TARGET-UNREACHABLE': 502,
  'CHP-TARGET-ERROR': 502,
  'CHP-LIMIT-EXCEEDED': 429,
  'CHP-REQUEST-INVALID': 400,
}

/** An error with the status of HTTP where the code alone does not say it (405, 413, 415). */
export class HttpError extends ChaperoneError {
  readonly status: number

  constructor(status: number, code: ErrorCode, message: string, cause?: unknown) {
    super(code, { message, cause })
    this.status = status
  }
}

/** Why a token was not accepted is for the log; a client gets one answer for all. */
export function problemOf(thrown: unknown): Problem {
  const error = asChaperoneError(thrown)
  const status = error instanceof HttpError ? error.status : (STATUS[error.code] ?? statusOfBlame(error))
  const { code, hint } = error
  if (error instanceof IdentityRejected) return { status, title: 'the token was not accepted', code, hint: RENEW }
  return { status, title: error.message, code, hint }
}

const RENEW = 'Fetch a new token from your identity provider, or sign in again.'

const statusOfBlame = ({ blame }: ChaperoneError): number =>
  blame === 'client' ? 400 : blame === 'gateway' ? 500 : 503
