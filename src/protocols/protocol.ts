import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type { Peer, Wire } from '../lib/wire.ts'
import type { MaskPlan, Pending, ResultColumn } from '../mask/plan.ts'

/** What a client presented when it logged in. The token never leaves this object but to the verifier. */
export interface LoginAttempt {
  readonly token: string
  readonly target: string
  /** The name the client gave for itself; informative, never trusted. */
  readonly user: string
  readonly applicationName: string
  readonly peer: Peer
  readonly encrypted: boolean
}

/** Proof that an identity was verified and may open a target. */
export interface Admission {
  readonly sessionId: string
  readonly target: string
}

export type Identify = (attempt: LoginAttempt) => Promise<Admission>

/** How a target wants to be logged in to. Secrets are revealed where they are used, and nowhere kept. */
export interface TargetAccount {
  readonly user: string
  readonly database: string
  password(): Promise<string | undefined>
  /** Whether a password may be sent in clear inside TLS, or hashed with MD5. */
  readonly acceptsMd5: boolean
  readonly tls: 'required' | 'plaintext'
  readonly acceptedRisks: readonly string[]
  readonly extraStartupParameters: readonly string[]
}

export interface DialedTarget {
  readonly wire: Wire
  readonly account: TargetAccount
  /** How long the login on it may take. */
  readonly loginTimeoutMs?: number
}

/** Static judgement on one SQL string. Shared between sessions of equal rights; compare by identity. */
export type Verdict = AllowedVerdict | RefusedVerdict

export interface AllowedVerdict {
  readonly kind: 'allowed'
  readonly facts: readonly SqlFacts[]
  /** Whether the statement changes anything, so that its intent has to be durable before it is forwarded. */
  readonly effectful: boolean
}

export interface RefusedVerdict {
  readonly kind: 'refused'
  readonly facts: readonly SqlFacts[]
  readonly error: ChaperoneError
  /** Character position in the statement, for a syntax error. */
  readonly position: number | undefined
}

/** One execution that is about to begin. */
export interface Execution {
  readonly verdict: AllowedVerdict
  readonly via: 'simple' | 'extended'
  /** The client's own text, stand-ins and all. */
  readonly sql: string
  readonly parameters: readonly BoundValue[]
  /** The same as the target gets it: with what stand-ins stand for. */
  readonly sent: SentStatement
  /** Which statement of the text is run, for the extended protocol; undefined: all. */
  readonly index: number | undefined
  /** Rows of a cursor are fetched by a message: the statement is the one that has declared it, and was admitted then. */
  readonly continues: boolean
  /** How often it was judged again because `admit` said so. */
  readonly attempt: number
  /** Whether it would run in a transaction that has begun; for certain once `hold` has resolved. */
  inTransaction(): boolean
  /**
   * Begins to wait for somebody: resolves when everything before it is answered, and the client knows that. False when the target
   * passes over it, so that nobody has to be asked. The wait ends when `admit` settles.
   */
  hold(): Promise<boolean>
  /** Tells the client something before the answer; while it waits, that it does. Free of PHI. */
  say(notice: WaitNotice): void
  /** Aborts when nobody waits for it any more; the reason is a `HoldEnd`. */
  readonly signal: AbortSignal
}

/** cancelled, gone: by the client. ended: the session was ended for another reason. */
export type HoldEnd = 'cancelled' | 'gone' | 'ended'

export interface SentStatement {
  readonly sql: string
  readonly parameters: readonly BoundValue[]
}

export interface WaitNotice {
  readonly message: string
  readonly hint: string
}

/** Proof that one execution may begin now. Made by the gate alone, used once. */
export interface Leave {
  readonly verdict: AllowedVerdict
}

export type Admitted = Leave | ChaperoneError | 'renew'

/** Counts what is released of one operation. Nothing may be released that it has not taken. */
export interface Meter {
  /**
   * Takes one row of the target's own bytes (a DataRow body, or one COPY row), `released` bytes of which will leave. False: it has to
   * be asked again after `settle`, and nothing behind it may be taken before.
   */
  row(buffer: Buffer, start: number, end: number, released: number): boolean
  /** A row behind one that has to be asked again: what it needs is asked for with that. */
  ahead(buffer: Buffer, start: number, end: number): void
  /** Throws CHP-BUDGET-EXCEEDED, CHP-PATIENT-SCOPE or CHP-BUDGET-UNAVAILABLE. */
  settle(): Promise<void>
  /** The operation is over; gives back what was not used. */
  end(): void
}

/** What is recorded of a request besides its verdict. */
export interface Request {
  readonly via: 'simple' | 'extended'
  readonly sql: string
  /** Parameter values as sent: text, or base64 of binary; sealed, never in clear. */
  readonly parameters?: readonly (string | null)[]
}

/** Leave to forward one operation. Made by the gate alone, after the intent was recorded. */
export interface Permit {
  readonly op: number
  /** Journal sequence number of the intent. */
  readonly intent: number
  readonly verdict: AllowedVerdict
}

export interface Outcome {
  readonly result: 'ok' | 'error' | 'suspended' | 'lost' | 'unused'
  /** The command tag without its counts. */
  readonly tag: string
  readonly rows: number
  readonly bytes: number
  readonly sqlstate?: string | undefined
  /** State after the operation, when it is known at this point. */
  readonly transaction?: TransactionResult | undefined
  readonly masked?: readonly string[] | undefined
}

export type TransactionResult = 'committed' | 'rolled-back' | 'open' | 'failed'

/**
 * A statement that a session knows by name: prepared by a message of the protocol or by SQL, or that of a cursor. `index`
 * says which statement of `sql` it is.
 */
export interface Prepared {
  readonly sql: string
  readonly verdict: AllowedVerdict
  readonly index: number
  /** Whether a Parse or Bind message made it, which takes any statement, or SQL, which takes only those that can be prepared. */
  readonly madeBy: 'message' | 'sql'
}

/** What EXECUTE and FETCH may name in a session. */
export interface KnownNames {
  statement(name: string): Prepared | undefined
  cursor(name: string): Prepared | undefined
}

/**
 * What the catalog of the target has to be for an analysis to hold, in a form that the target can be asked. Shared by all
 * executions of a statement; compare by identity.
 */
export interface CatalogExpectation {
  /** pg_class.oid of relations and of composite types. */
  readonly relations: readonly number[]
  /** Whether all of them are such as need fewer look-ups: see `CatalogRelation.isPlain`. */
  readonly plain: boolean
  /** Those of them that can be named, to lock them. */
  readonly lockable: readonly { readonly oid: number; readonly schema: string; readonly name: string }[]
  /** Names without a schema and what they stand for; null for nothing outside the system's schemas. */
  readonly names: readonly { readonly name: string; readonly oid: number | null }[]
  readonly functions: readonly string[]
  readonly operators: readonly string[]
  /** The versions of all that together: a decimal number. */
  readonly version: string
  /** The values of search_path that mean the path analysed. */
  readonly searchPaths: readonly string[]
  readonly role: string
}

/** How the rows of a COPY are rewritten. */
export interface CopyMask {
  /** PHI classes masked, sorted. */
  readonly classes: readonly string[]
  start(): CopyRows
}

export interface CopyRows {
  /**
   * The row that is bytes `start` to `end` of `source`, rewritten; null when it stays as it is. Throws CHP-TARGET-LOST when it
   * is no row of this result.
   */
  row(source: Buffer, start: number, end: number): Buffer | null
  /** As `MaskPlan.pending`. */
  readonly pending?: Pending
}

/** A parameter value of Bind. */
export interface BoundValue {
  /** pg_type.oid that Parse declared; 0 when it left that to the server. */
  readonly typeOid: number
  /** 0 text, 1 binary. */
  readonly format: number
  /** Null for NULL. */
  readonly value: Buffer | null
}

/** A statement string with the values of stand-ins in their places. */
export interface ResolvedText {
  readonly sql: string
  /** What was replaced, in order, so that positions in the server's errors can be told as those of the client's text. */
  readonly replaced: readonly Replacement[]
}

/** In UTF-16 units: where it began in the client's text, how long it was, and how long what is sent instead is. */
export interface Replacement {
  readonly start: number
  readonly length: number
  readonly newLength: number
}

/** Takes COPY data that a client sends, in pieces cut anywhere, and gives what is to be sent on in their place. */
export interface CopyInRows {
  /** The rows that are complete by now. A ChaperoneError refuses the COPY. */
  feed(data: Buffer): Buffer | ChaperoneError | Promise<Buffer | ChaperoneError>
  /** What is left. */
  end(): Buffer | ChaperoneError | Promise<Buffer | ChaperoneError>
}

/** What to send in place of something; 'as-is' for the same. */
export type Resolved<T> = T | 'as-is' | ChaperoneError

/** What a protocol may ask of everything behind it. Synchronous whenever the answer is known. */
export interface Gate {
  /** False when this principal may see every class of PHI, so that results pass untouched. */
  readonly masked: boolean
  readonly marks: Watermarks
  judge(sql: string, names: KnownNames): Verdict | Promise<Verdict>
  /** The same verdict again if nothing that it depends on has changed, else a new one. */
  renew(sql: string, verdict: Verdict, names: KnownNames): Verdict | Promise<Verdict>
  /**
   * Whether an execution may begin: what depends on the moment (time, budgets, the planner's estimate) and approvals. A promise
   * while somebody is asked. 'renew': time has passed, and it is to be judged again from the beginning, and admitted again. An error
   * refuses it like a verdict that refuses.
   */
  admit(execution: Execution): Admitted | Promise<Admitted>
  /** An error when what was admitted at Bind was admitted for other settings of the session than it would run with now. */
  stillAdmitted(permit: Permit): ChaperoneError | undefined
  /** Records the intent. Throws CHP-RECORD-FAILED, CHP-AUTH-EXPIRED or CHP-SESSION-TERMINATED. */
  request(leave: Leave, request: Request): Permit
  /**
   * How the rows of one statement of the operation are counted; undefined when nothing is. `columns`: those of its result, for a
   * COPY their number.
   */
  meter(permit: Permit, facts: SqlFacts | undefined, columns: readonly ResultColumn[] | number): Meter | undefined
  /** Records that an operation was refused. */
  refused(error: ChaperoneError, request: Request, facts: readonly SqlFacts[]): void
  /**
   * How to rewrite the rows of a result, by the labels and the catalog that the verdict rests on: an answer can wait long
   * for a client that does not read. An error when they may not be released at all.
   */
  plan(
    verdict: Verdict,
    facts: SqlFacts | undefined,
    columns: readonly ResultColumn[],
  ): MaskPlan | 'pass' | ChaperoneError
  /** The same for COPY … TO STDOUT of so many columns. */
  copyPlan(verdict: Verdict, facts: SqlFacts | undefined, columns: number): CopyMask | 'pass' | ChaperoneError
  /**
   * The text to send in place of `sql`, with stand-ins resolved where the verdict's sites allow it; 'as-is' when nothing
   * changes. An error when a constant may not be where it is: a value compared with a protected column, a masked value stored.
   */
  resolveText(verdict: AllowedVerdict, sql: string): Resolved<ResolvedText> | Promise<Resolved<ResolvedText>>
  /** The same for the parameters of the one statement that Bind runs: the new values, by index; those that stay are not in it. */
  resolveParameters(
    facts: SqlFacts | undefined,
    parameters: readonly BoundValue[],
  ): Resolved<ReadonlyMap<number, Buffer>> | Promise<Resolved<ReadonlyMap<number, Buffer>>>
  /** How the rows of COPY … FROM STDIN are looked at; undefined when they pass. */
  copyIn(facts: SqlFacts | undefined): CopyInRows | ChaperoneError | undefined
  /**
   * What the target has to be asked in the transaction of the statement before it runs; undefined when the result does not
   * depend on the catalog, or nobody wants to know. An error when a part of the text could not be covered by that.
   */
  check(verdict: AllowedVerdict): CatalogExpectation | ChaperoneError | undefined
  /** The same for the one statement of a text that Execute runs. */
  checkExecuted(verdict: AllowedVerdict, executed: SqlFacts | undefined): CatalogExpectation | undefined
  /** Records a part of a response before it is released. */
  response(permit: Permit, bytes: Buffer, rows: number): void
  /** Records the end of an operation; `bytes` is the last part of its response. */
  outcome(permit: Permit, outcome: Outcome, bytes: Buffer | undefined): void
  /** Records how a transaction ended that held operations of the extended protocol. */
  transaction(result: TransactionResult, firstOp: number, lastOp: number): void
  /** Records a statement that the gateway itself sends to the target. */
  probe(purpose: string): number
  /**
   * Told when the catalog has changed, by a statement of the session or by somebody else, so that it is read again. `isOver`
   * when no transaction is open that may have changed more.
   */
  schemaChanged(isOver: boolean): void
  /** Whether an identifier exists in the target's catalog and may be named to a masked client. */
  catalogHas(name: string): boolean
  /** Told once the target is logged in to. */
  opened(details: OpenedTarget): void
}

export interface OpenedTarget {
  readonly backendPid: number
  readonly serverVersion: string
  /** The schemas that search_path names, whether or not they exist. */
  readonly searchPath: readonly string[]
  /** The same as the target says it. */
  readonly searchPathSetting: string
  /** The role that the session runs as. */
  readonly role: string
  /** Digest of the other settings that it began with, as far as they bear on what a statement means. */
  readonly settings: string
}

/** What the session may do to a running relay. */
export interface SessionControl {
  /** Asks the target to cancel what is running. */
  cancel(): void
  /** Sends the client a final error and closes both sides. */
  terminate(error: ChaperoneError): void
  /** Whether an operation is running or a transaction is open; held: a client waits for an approval. */
  readonly state: 'idle' | 'active' | 'in-transaction' | 'held'
  /** Since when it is in this state, in milliseconds of the gateway's clock. */
  readonly since: number
}

export interface SessionEnd {
  readonly reason: 'client-closed' | 'target-closed' | 'terminated' | 'protocol-violation' | 'failed'
  readonly error?: ChaperoneError
}
