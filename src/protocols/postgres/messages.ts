import type { ResultColumn } from '../../mask/plan.ts'

/**
 * The messages of the PostgreSQL frontend/backend protocol 3.0 and 3.2 (PostgreSQL 18 documentation, chapter "Frontend/Backend Protocol",
 * section "Message Formats"). `kind` is the name used there. Values that may be large stay in the buffer they arrived in and
 * are given as byte ranges of it, so that decoding copies nothing.
 */

/** The two sides of the protocol: a client, and a server. */
export type Peer = 'frontend' | 'backend'

/** Bytes `start` (inclusive) to `end` (exclusive) of the buffer that was decoded. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Transaction status in ReadyForQuery: idle, in a transaction, in a failed transaction. */
export type TransactionStatus = 'I' | 'T' | 'E'

/** What Describe and Close speak of: a prepared statement or a portal. */
export type NameTarget = 'S' | 'P'

/** Type bytes of the messages that a client sends. `AuthenticationResponse` is one of four messages, told by context. */
export const FRONTEND = {
  Bind: 0x42, // B
  Close: 0x43, // C
  CopyData: 0x64, // d
  CopyDone: 0x63, // c
  CopyFail: 0x66, // f
  Describe: 0x44, // D
  Execute: 0x45, // E
  Flush: 0x48, // H
  FunctionCall: 0x46, // F
  AuthenticationResponse: 0x70, // p: PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse
  Parse: 0x50, // P
  Query: 0x51, // Q
  Sync: 0x53, // S
  Terminate: 0x58, // X
} as const

/** Type bytes of the messages that a server sends. */
export const BACKEND = {
  Authentication: 0x52, // R
  BackendKeyData: 0x4b, // K
  BindComplete: 0x32, // 2
  CloseComplete: 0x33, // 3
  CommandComplete: 0x43, // C
  CopyData: 0x64, // d
  CopyDone: 0x63, // c
  CopyInResponse: 0x47, // G
  CopyOutResponse: 0x48, // H
  CopyBothResponse: 0x57, // W
  DataRow: 0x44, // D
  EmptyQueryResponse: 0x49, // I
  ErrorResponse: 0x45, // E
  FunctionCallResponse: 0x56, // V
  NegotiateProtocolVersion: 0x76, // v
  NoData: 0x6e, // n
  NoticeResponse: 0x4e, // N
  NotificationResponse: 0x41, // A
  ParameterDescription: 0x74, // t
  ParameterStatus: 0x53, // S
  ParseComplete: 0x31, // 1
  PortalSuspended: 0x73, // s
  ReadyForQuery: 0x5a, // Z
  RowDescription: 0x54, // T
} as const

/** The major version that all of this is about. Its minor versions are 0 and 2; 3.1 was never used. */
export const PROTOCOL_MAJOR = 3

/** What stands in the place of the protocol version in the packets that ask for something else. */
export const REQUEST_CODE = {
  CancelRequest: 80877102,
  SSLRequest: 80877103,
  GSSENCRequest: 80877104,
} as const

export interface Parse {
  readonly kind: 'Parse'
  readonly name: string
  readonly sql: string
  /** Type OIDs; 0 leaves a type to the server. May be shorter than the number of parameters. */
  readonly parameterTypes: readonly number[]
}

export interface Bind {
  readonly kind: 'Bind'
  readonly portal: string
  readonly statement: string
  /** None (all text), one (for all) or one a parameter; 0 text, 1 binary. */
  readonly parameterFormats: readonly number[]
  /** Ranges of the decoded buffer; null is the SQL NULL. */
  readonly parameters: readonly (ByteRange | null)[]
  /** None (all text), one (for all) or one a column; 0 text, 1 binary. */
  readonly resultFormats: readonly number[]
}

export interface Describe {
  readonly kind: 'Describe'
  readonly target: NameTarget
  readonly name: string
}

export interface Close {
  readonly kind: 'Close'
  readonly target: NameTarget
  readonly name: string
}

export interface Execute {
  readonly kind: 'Execute'
  readonly portal: string
  /** 0 is no limit; PostgreSQL takes negative numbers for no limit too, the decoder turns them into 0. */
  readonly maxRows: number
}

export interface FunctionCall {
  readonly kind: 'FunctionCall'
  readonly functionOid: number
  readonly argumentFormats: readonly number[]
  readonly arguments: readonly (ByteRange | null)[]
  readonly resultFormat: number
}

export interface SaslInitialResponse {
  readonly kind: 'SASLInitialResponse'
  readonly mechanism: string
  /** null when the client sends no initial response. */
  readonly response: ByteRange | null
}

export type FrontendMessage =
  | Parse
  | Bind
  | Describe
  | Close
  | Execute
  | FunctionCall
  | SaslInitialResponse
  | { readonly kind: 'Query'; readonly sql: string }
  | { readonly kind: 'CopyData'; readonly data: ByteRange }
  | { readonly kind: 'CopyFail'; readonly reason: string }
  | { readonly kind: 'PasswordMessage'; readonly password: string }
  | { readonly kind: 'SASLResponse'; readonly data: ByteRange }
  | { readonly kind: 'GSSResponse'; readonly data: ByteRange }
  | { readonly kind: 'CopyDone' | 'Flush' | 'Sync' | 'Terminate' }

/** The packets that have no type byte because they open a connection. */
export type StartupPacket =
  | {
      readonly kind: 'StartupMessage'
      /** Major version 3; the minor version as asked for, known (0, 2) or not. */
      readonly minor: number
      /** In the order sent; protocol options are not among them. */
      readonly parameters: ReadonlyMap<string, string>
      /** `_pq_.` protocol options asked for. None is known, so NegotiateProtocolVersion has to list them all. */
      readonly protocolOptions: readonly string[]
    }
  | { readonly kind: 'SSLRequest' | 'GSSENCRequest' }
  | { readonly kind: 'CancelRequest'; readonly processId: number; readonly secretKey: Buffer }
  /** A major version other than 3, or a request code that nobody has defined. The rest of the packet is not read. */
  | { readonly kind: 'UnsupportedVersion'; readonly major: number; readonly minor: number }

export type Authentication =
  | {
      readonly kind:
        | 'AuthenticationOk'
        | 'AuthenticationKerberosV5'
        | 'AuthenticationCleartextPassword'
        | 'AuthenticationGSS'
        | 'AuthenticationSSPI'
    }
  | { readonly kind: 'AuthenticationMD5Password'; readonly salt: Buffer }
  | { readonly kind: 'AuthenticationSASL'; readonly mechanisms: readonly string[] }
  | {
      readonly kind: 'AuthenticationGSSContinue' | 'AuthenticationSASLContinue' | 'AuthenticationSASLFinal'
      readonly data: ByteRange
    }

export interface CopyResponse {
  readonly kind: 'CopyInResponse' | 'CopyOutResponse' | 'CopyBothResponse'
  /** 0 text, 1 binary, for the whole COPY. */
  readonly format: number
  /** 0 text, 1 binary, one a column. */
  readonly columnFormats: readonly number[]
}

export interface NotificationResponse {
  readonly kind: 'NotificationResponse'
  readonly processId: number
  readonly channel: string
  readonly payload: string
}

export interface BackendKeyData {
  readonly kind: 'BackendKeyData'
  readonly processId: number
  /** 4 bytes in protocol 3.0, 4 to 256 in 3.2. A copy: it outlives the buffer. */
  readonly secretKey: Buffer
}

export interface NegotiateProtocolVersion {
  readonly kind: 'NegotiateProtocolVersion'
  /** The newest minor version of major version 3 that the server speaks. */
  readonly newestMinor: number
  readonly unrecognisedOptions: readonly string[]
}

export type BackendMessage =
  | Authentication
  | BackendKeyData
  | CopyResponse
  | NotificationResponse
  | NegotiateProtocolVersion
  | { readonly kind: 'CommandComplete'; readonly tag: string }
  | { readonly kind: 'CopyData'; readonly data: ByteRange }
  | { readonly kind: 'DataRow'; readonly values: readonly (ByteRange | null)[] }
  | { readonly kind: 'ErrorResponse' | 'NoticeResponse'; readonly fields: ReadonlyMap<string, string> }
  | { readonly kind: 'FunctionCallResponse'; readonly value: ByteRange | null }
  | { readonly kind: 'ParameterDescription'; readonly parameterTypes: readonly number[] }
  | { readonly kind: 'ParameterStatus'; readonly name: string; readonly value: string }
  | { readonly kind: 'ReadyForQuery'; readonly status: TransactionStatus }
  | { readonly kind: 'RowDescription'; readonly columns: readonly ResultColumn[] }
  | {
      readonly kind:
        | 'BindComplete'
        | 'CloseComplete'
        | 'CopyDone'
        | 'EmptyQueryResponse'
        | 'NoData'
        | 'ParseComplete'
        | 'PortalSuspended'
    }
