import type { ChaperoneError } from '../../lib/errors.ts'
import { encodeErrorResponse } from './encode.ts'

export type Severity = 'ERROR' | 'FATAL'

/** A refusal in PostgreSQL's words: the code and the rule are in the message, because many tools show nothing else. */
export function refusalResponse(error: ChaperoneError, severity: Severity, position?: number): Buffer {
  const rule = error.rule === undefined ? '' : ` (rule ${error.rule})`
  return encodeErrorResponse({
    severity,
    sqlstate: error.sqlstate,
    message: `${error.message} [${error.code}]${rule}`,
    hint: error.hint,
    ...(position === undefined ? {} : { position: String(position) }),
  })
}

/**
 * Text that no PostgreSQL grammar accepts. Forwarded in the place of a refused statement, it makes the server itself
 * abort the transaction and skip to the next Sync, exactly as an error of the client's statement would; the client sees
 * the refusal in the place of the server's syntax error. See docs/adr/0003-refusal-by-poison.md.
 */
export const poisonText = (code: string): string => `chaperone refused this statement (${code})`

/** A statement name that clients are unlikely to use; the statement never comes to exist. */
export const POISON_NAME = 'chaperone_refused'
