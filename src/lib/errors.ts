/** Who has to act for an error to go away. */
export type Blame = 'client' | 'target' | 'operator' | 'gateway'

export interface ErrorDefinition {
  readonly blame: Blame
  /** What a PostgreSQL client sees (PostgreSQL documentation, appendix A). */
  readonly sqlstate: string
  /** One sentence, free of values. Shown to clients. */
  readonly title: string
  /** What the reader (often an agent) can do next. Shown to clients. */
  readonly hint: string
}

/** Every error a client, operator or log reader can meet. docs/errors.md lists the same codes; a test compares the two. */
export const ERRORS = {
  'CHP-AUTH-FAILED': {
    blame: 'client',
    sqlstate: '28P01',
    title: 'the identity token was not accepted',
    hint: 'Fetch a new token from your identity provider and send it as the password. The gateway log has the reason.',
  },
  'CHP-AUTH-REFUSED': {
    blame: 'client',
    sqlstate: '28000',
    title: 'this identity may not open this target, or the target does not exist',
    hint: 'Check the database name, or ask for a grant.',
  },
  'CHP-AUTH-REVOKED': {
    blame: 'client',
    sqlstate: '28000',
    title: 'this identity or its token has been revoked',
    hint: 'Ask the operator of the gateway why; a new token helps only if the token alone was revoked.',
  },
  'CHP-DELEGATION-REFUSED': {
    blame: 'client',
    sqlstate: '28000',
    title: 'this delegation is not allowed',
    hint: 'Every member of the chain needs a grant that covers what is asked for; see docs/identity.md.',
  },
  'CHP-AUTH-EXPIRED': {
    blame: 'client',
    sqlstate: '28000',
    title: 'the identity token has expired',
    hint: 'Fetch a new token and connect again.',
  },
  'CHP-AUTH-PLAINTEXT': {
    blame: 'client',
    sqlstate: '28000',
    title: 'a token is accepted inside TLS only',
    hint: 'Connect with sslmode=verify-full (or at least require).',
  },
  'CHP-PROTOCOL-VIOLATION': {
    blame: 'client',
    sqlstate: '08P01',
    title: 'the client sent a message that the protocol does not allow here',
    hint: 'Use a driver that speaks PostgreSQL protocol 3.0 or 3.2.',
  },
  'CHP-PROTOCOL-UNSUPPORTED': {
    blame: 'client',
    sqlstate: '0A000',
    title: 'this part of the protocol is not available through the gateway',
    hint: 'Replication and fast-path function calls are refused; use ordinary queries.',
  },
  'CHP-LIMIT-EXCEEDED': {
    blame: 'client',
    sqlstate: '54000',
    title: 'a limit of the gateway was exceeded',
    hint: 'Send smaller messages or statements, or fewer at a time.',
  },
  'CHP-LIMIT-CONNECTIONS': {
    blame: 'client',
    sqlstate: '53300',
    title: 'the gateway has too many connections',
    hint: 'Close idle connections or try again later.',
  },
  'CHP-TIMEOUT-IDLE': {
    blame: 'client',
    sqlstate: '57P05',
    title: 'the session was idle for too long',
    hint: 'Connect again.',
  },
  'CHP-TIMEOUT-STATEMENT': {
    blame: 'client',
    sqlstate: '57014',
    title: 'the statement ran for longer than the gateway allows',
    hint: 'Narrow the statement, or ask for a longer limit.',
  },
  'CHP-SQL-UNPARSEABLE': {
    blame: 'client',
    sqlstate: '42601',
    title: 'the statement could not be parsed',
    hint: 'Correct the syntax. Statements that the PostgreSQL grammar does not accept are not forwarded.',
  },
  'CHP-SQL-TOO-COMPLEX': {
    blame: 'client',
    sqlstate: '54001',
    title: 'the statement is too long or too deep to be analysed',
    hint: 'Split the statement into smaller ones.',
  },
  'CHP-SQL-ENCODING': {
    blame: 'client',
    sqlstate: '22021',
    title: 'the statement is not valid UTF-8 text without NUL bytes',
    hint: 'Use client_encoding UTF8.',
  },
  'CHP-SQL-UNKNOWN-NAME': {
    blame: 'client',
    sqlstate: '26000',
    title: 'the prepared statement, portal or cursor is not known in this session',
    hint: 'Prepare the statement or declare the cursor again in this session.',
  },
  'CHP-SQL-ANALYSIS-FAILED': {
    blame: 'gateway',
    sqlstate: '58000',
    title: 'the statement could not be analysed',
    hint: 'The statement was not forwarded. Try a simpler form.',
  },
  'CHP-POLICY-REFUSED': {
    blame: 'client',
    sqlstate: '42501',
    title: 'a policy rule refuses this statement',
    hint: 'See the rule named in the message.',
  },
  'CHP-POLICY-HELD': {
    blame: 'client',
    sqlstate: '42501',
    title: 'this statement needs an approval, and approvals are not available on this gateway',
    hint: 'Ask somebody with direct rights to do this, or narrow the statement.',
  },
  'CHP-POLICY-UNGRANTED': {
    blame: 'client',
    sqlstate: '42501',
    title: 'no grant of this identity covers a table or column of the statement',
    hint: 'Name only the tables and columns that you may use, or request access to more.',
  },
  'CHP-APPROVAL-PENDING': {
    blame: 'client',
    sqlstate: '42501',
    title: 'this statement waits for an approval',
    hint: 'Send exactly the same statement again when it was approved; the ticket in the message names the request.',
  },
  'CHP-APPROVAL-REFUSED': {
    blame: 'client',
    sqlstate: '42501',
    title: 'an approver refused this statement',
    hint: 'The reason is with the request that the message names. Do not send it again as it is.',
  },
  'CHP-APPROVAL-WITHDRAWN': {
    blame: 'client',
    sqlstate: '57014',
    title: 'the request for an approval was withdrawn',
    hint: 'Send the statement again to ask anew.',
  },
  'CHP-APPROVAL-UNAVAILABLE': {
    blame: 'gateway',
    sqlstate: '58000',
    title: 'approvals cannot be asked for or looked up at the moment',
    hint: 'Try again later; statements that need no approval work.',
  },
  'CHP-APPROVAL-INVALID': {
    blame: 'client',
    sqlstate: '42501',
    title: 'this decision does not count',
    hint: 'Look at the request again: it may be over, yours, or not for you to decide.',
  },
  'CHP-BUDGET-EXCEEDED': {
    blame: 'client',
    // configuration_limit_exceeded
    sqlstate: '53400',
    title: 'a budget of this identity is used up',
    hint: 'Ask for less, wait until the budget begins anew, or request access with a larger one.',
  },
  'CHP-BUDGET-UNAVAILABLE': {
    blame: 'gateway',
    sqlstate: '58000',
    title: 'budgets cannot be counted at the moment',
    hint: 'Try again later.',
  },
  'CHP-PATIENT-SCOPE': {
    blame: 'client',
    sqlstate: '42501',
    title: 'the statement is not bound to the patients that this run may see',
    hint: 'Compare the key of the patient with one of the patients of the run, for every table with patient data that is read.',
  },
  'CHP-POLICY-ERROR': {
    blame: 'operator',
    sqlstate: '58000',
    title: 'a policy rule could not be evaluated, so the statement is refused',
    hint: 'Tell the operator of the gateway; the rule is named in the gateway log.',
  },
  'CHP-MASK-PREDICATE': {
    blame: 'client',
    sqlstate: '42501',
    title: 'the statement would tell protected values by which rows it returns, by failing, or by the time it takes',
    hint: 'Choose, order and group rows by other columns, by the year of a date, or by the column itself.',
  },
  'CHP-MASK-UNPROVEN': {
    blame: 'client',
    sqlstate: '42501',
    title: 'the statement could reveal protected data in a way that cannot be masked',
    hint: 'Select plain columns, avoid functions and objects that are not known to be safe.',
  },
  'CHP-MASK-WRITE-BACK': {
    blame: 'client',
    // data_exception: the value cannot be stored.
    sqlstate: '22000',
    title: 'a masked value would be stored as if it were the real one',
    hint: 'Leave columns out that are not to change, or send the token that stands for the value, by itself and as it was shown.',
  },
  'CHP-TOKEN-UNKNOWN': {
    blame: 'client',
    sqlstate: '22000',
    title: 'a token does not stand for a value that this session may use here',
    hint: 'Read the value again and send the token exactly as it was shown: tokens belong to one column class, group, purpose and target, and expire.',
  },
  'CHP-VAULT-UNAVAILABLE': {
    blame: 'gateway',
    sqlstate: '58000',
    title: 'the store of tokens cannot be reached, so that tokens can neither be given out nor understood',
    hint: 'Try again later, or select columns that are not tokenised.',
  },
  'CHP-STORE-UNAVAILABLE': {
    blame: 'gateway',
    sqlstate: '58000',
    title: 'the store cannot be reached, and what was asked for is kept there',
    hint: 'Try again later; "chaperone sessions ls" works without the store.',
  },
  'CHP-DETECTOR-UNAVAILABLE': {
    blame: 'gateway',
    sqlstate: '58000',
    title: 'the external detector did not answer, so the text cannot be released',
    hint: 'Try again later, or leave the column out.',
  },
  'CHP-MASK-UNRESOLVED': {
    blame: 'client',
    // undefined_table: what programs take for "not there yet" when they look for a table of their own.
    sqlstate: '42P01',
    title: 'a name was not found in the catalog of the target',
    hint: 'Check the spelling and qualify the name with its schema.',
  },
  'CHP-MASK-SESSION': {
    blame: 'client',
    sqlstate: '42501',
    title: 'this setting is pinned while results are masked',
    hint: 'Qualify names with their schema instead of changing search_path, role or encoding.',
  },
  'CHP-CATALOG-CHANGED': {
    blame: 'target',
    sqlstate: '40001',
    title: 'the schema of the target has changed since the statement was analysed; it was not run',
    hint: 'Run it again, in a new transaction if one is open.',
  },
  'CHP-TARGET-UNREACHABLE': {
    blame: 'target',
    sqlstate: '08001',
    title: 'the target could not be reached',
    hint: 'Try again later; the gateway log has the reason.',
  },
  'CHP-TARGET-REFUSED': {
    blame: 'operator',
    sqlstate: '08004',
    title: 'the target does not meet what the gateway requires of it',
    hint: 'Tell the operator of the gateway; the gateway log and "chaperone check" name the reason.',
  },
  'CHP-TARGET-LOST': {
    blame: 'target',
    sqlstate: '08006',
    title: 'the connection to the target was lost',
    hint: 'Connect again. A transaction that was open is rolled back by the target.',
  },
  'CHP-TARGET-ERROR': {
    blame: 'target',
    sqlstate: 'XX000',
    title: 'the target reported an error; its text is withheld because results are masked',
    hint: 'The SQLSTATE and the schema objects named are the target’s own.',
  },
  'CHP-RECORD-FAILED': {
    blame: 'operator',
    sqlstate: '58030',
    title: 'the journal cannot be written, so nothing may run',
    hint: 'Tell the operator of the gateway.',
  },
  'CHP-SESSION-TERMINATED': {
    blame: 'operator',
    sqlstate: '57P01',
    title: 'the gateway ended this session',
    hint: 'Connect again.',
  },
  'CHP-REQUEST-INVALID': {
    blame: 'client',
    sqlstate: '22023',
    title: 'the request over https is not of the form that is documented',
    hint: 'See /v1/openapi.json of the gateway for what is accepted.',
  },
  'CHP-REQUEST-FORBIDDEN': {
    blame: 'client',
    sqlstate: '42501',
    title: 'this request over https is not accepted from here',
    hint: 'Send it from the page of the gateway itself, or with a token in the Authorization header; people decide, agents do not.',
  },
  'CHP-REQUEST-UNKNOWN': {
    blame: 'client',
    sqlstate: '42704',
    title: 'there is nothing here that this identity may see',
    hint: 'Check the address, and that you are signed in as the right person.',
  },
  'CHP-CONFIG-INVALID': {
    blame: 'operator',
    sqlstate: 'F0000',
    title: 'the configuration is not valid',
    hint: 'Every problem is listed with line and column; "chaperone check" shows them too.',
  },
  'CHP-INTERNAL': {
    blame: 'gateway',
    sqlstate: 'XX000',
    title: 'an internal error of the gateway; nothing was forwarded',
    hint: 'Report it with the time and the session number.',
  },
} as const satisfies Record<string, ErrorDefinition>

export type ErrorCode = keyof typeof ERRORS

export interface ErrorDetails {
  /** Replaces the catalogue's title. Shown to clients, so it must not contain data of the target or of a token. */
  readonly message?: string
  readonly hint?: string
  /** Name of the policy rule that decided. */
  readonly rule?: string
  /** For the log only, never for a client. Must not contain PHI or secrets either. */
  readonly reason?: string
  readonly cause?: unknown
}

/** An error with a stable code. Anything else that escapes a room is a defect of the gateway. */
export class ChaperoneError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly rule: string | undefined
  readonly reason: string | undefined

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.message ?? ERRORS[code].title, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'ChaperoneError'
    this.code = code
    this.hint = details.hint ?? ERRORS[code].hint
    this.rule = details.rule
    this.reason = details.reason
  }

  get blame(): Blame {
    return ERRORS[this.code].blame
  }

  get sqlstate(): string {
    return ERRORS[this.code].sqlstate
  }
}

/**
 * Whatever was thrown, as an error with a code: a value that is not one of ours is an internal error. Its message may quote
 * data, so the reason tells its name and the place in the code only.
 */
export function asChaperoneError(thrown: unknown): ChaperoneError {
  if (thrown instanceof ChaperoneError) return thrown
  const reason = thrown instanceof Error ? `${thrown.name}${placeOf(thrown)}` : typeof thrown
  return new ChaperoneError('CHP-INTERNAL', { cause: thrown, reason })
}

function placeOf(error: Error): string {
  const frame = /^\s+at .*$/m.exec(error.stack ?? '')?.[0]
  return frame === undefined ? '' : ` ${frame.trim()}`
}
