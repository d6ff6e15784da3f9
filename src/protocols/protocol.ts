import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { Watermarks } from '../lib/gated-writer.ts'
import type { Peer, Wire } from '../lib/wire.ts'
import type { MaskPlan, ResultColumn } from '../mask/plan.ts'

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
}

/** What EXECUTE and FETCH may name in a session. */
export interface KnownNames {
  statement(name: string): Prepared | undefined
  cursor(name: string): Prepared | undefined
}

/** What a protocol may ask of everything behind it. Synchronous whenever the answer is known. */
export interface Gate {
  /** False when this principal may see every class of PHI, so that results pass untouched. */
  readonly masked: boolean
  readonly marks: Watermarks
  judge(sql: string, names: KnownNames): Verdict | Promise<Verdict>
  /** The same verdict again if nothing that it depends on has changed, else a new one. */
  renew(sql: string, verdict: Verdict, names: KnownNames): Verdict | Promise<Verdict>
  /** Records the intent. Throws CHP-RECORD-FAILED, CHP-AUTH-EXPIRED or CHP-SESSION-TERMINATED. */
  request(verdict: AllowedVerdict, request: Request): Permit
  /** Records that an operation was refused. */
  refused(error: ChaperoneError, request: Request, facts: readonly SqlFacts[]): void
  /** How to rewrite the rows of a result; an error when they may not be released at all. */
  plan(facts: SqlFacts | undefined, columns: readonly ResultColumn[]): MaskPlan | 'pass' | ChaperoneError
  /** Records a part of a response before it is released. */
  response(permit: Permit, bytes: Buffer, rows: number): void
  /** Records the end of an operation; `bytes` is the last part of its response. */
  outcome(permit: Permit, outcome: Outcome, bytes: Buffer | undefined): void
  /** Records how a transaction ended that held operations of the extended protocol. */
  transaction(result: TransactionResult, firstOp: number, lastOp: number): void
  /** Records a statement that the gateway itself sends to the target. */
  probe(purpose: string): number
  /** Told when a schema-changing statement has succeeded, so that the catalog is read again. */
  schemaChanged(): void
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
}

/** What the session may do to a running relay. */
export interface SessionControl {
  /** Asks the target to cancel what is running. */
  cancel(): void
  /** Sends the client a final error and closes both sides. */
  terminate(error: ChaperoneError): void
  /** Whether an operation is running or a transaction is open. */
  readonly state: 'idle' | 'active' | 'in-transaction'
  /** Since when it is in this state, in milliseconds of the gateway's clock. */
  readonly since: number
}

export interface SessionEnd {
  readonly reason: 'client-closed' | 'target-closed' | 'terminated' | 'protocol-violation' | 'failed'
  readonly error?: ChaperoneError
}
