import { BACKEND, FRONTEND, type Peer } from './messages.ts'

/**
 * The longest messages accepted, by kind, in bytes. What is compared is the length field of the message, which counts
 * itself (4 bytes) but not the type byte. PostgreSQL's own bounds are 1 GB for what it calls large messages and 10,000
 * bytes for small ones (PQ_LARGE_MESSAGE_LIMIT, PQ_SMALL_MESSAGE_LIMIT in libpq.h); a gateway holds whole messages of
 * many sessions at once, so its large bound is lower by default.
 */
export interface FrameLimits {
  /** Query, Parse: statement text. Default 16 MiB (the mysql client's max_allowed_packet). */
  readonly maxQueryBytes: number
  /** Bind, FunctionCall: parameter values. Default 64 MiB (the MySQL 8 server's max_allowed_packet). */
  readonly maxBindBytes: number
  /** CopyData in either direction: drivers send 64 KiB or less, the server one row. Default 64 MiB, like a row. */
  readonly maxCopyDataBytes: number
  /** DataRow, FunctionCallResponse. Default 64 MiB (max_allowed_packet bounds a row of MySQL in the same way). */
  readonly maxDataRowBytes: number
  /** RowDescription, ParameterDescription: 1,664 columns and 65,535 parameters fit into 262,150. Default 1 MiB. */
  readonly maxDescriptionBytes: number
  /** ErrorResponse, NoticeResponse: they can quote a value or a statement. Default 16 MiB, like a statement. */
  readonly maxReportBytes: number
  /** Password and SASL messages in either direction. Default 65,535 (PG_MAX_AUTH_TOKEN_LENGTH). */
  readonly maxAuthenticationBytes: number
  /** Every other message of a client. Default 10,000 (PQ_SMALL_MESSAGE_LIMIT). */
  readonly maxOtherFrontendBytes: number
  /** Every other message of a server. Default 30,000 (libpq takes more for a loss of synchronisation). */
  readonly maxOtherBackendBytes: number
}

export const DEFAULT_FRAME_LIMITS: FrameLimits = Object.freeze({
  maxQueryBytes: 16 * 1024 * 1024,
  maxBindBytes: 64 * 1024 * 1024,
  maxCopyDataBytes: 64 * 1024 * 1024,
  maxDataRowBytes: 64 * 1024 * 1024,
  maxDescriptionBytes: 1024 * 1024,
  maxReportBytes: 16 * 1024 * 1024,
  maxAuthenticationBytes: 65_535,
  maxOtherFrontendBytes: 10_000,
  maxOtherBackendBytes: 30_000,
})

/**
 * The limits while a client has not proven who it is: nothing may be longer than an authentication message, so that
 * nobody can make the gateway hold a large message without an identity. (PostgreSQL reads nothing else in that state.)
 */
export function limitsBeforeLogin(limits: FrameLimits): FrameLimits {
  const most = limits.maxAuthenticationBytes
  return {
    maxQueryBytes: most,
    maxBindBytes: most,
    maxCopyDataBytes: most,
    maxDataRowBytes: most,
    maxDescriptionBytes: most,
    maxReportBytes: most,
    maxAuthenticationBytes: most,
    maxOtherFrontendBytes: Math.min(most, limits.maxOtherFrontendBytes),
    maxOtherBackendBytes: Math.min(most, limits.maxOtherBackendBytes),
  }
}

/** The longest startup packet without its length word (MAX_STARTUP_PACKET_LENGTH in pqcomm.h). */
export const MAX_STARTUP_BYTES = 10_000

/** Lengths of a cancel key: 4 bytes in protocol 3.0, up to 256 in 3.2 ("Message Formats", BackendKeyData). */
export const MIN_CANCEL_KEY_BYTES = 4
export const MAX_CANCEL_KEY_BYTES = 256

/**
 * Messages of one client that may wait for their replies at a time. PostgreSQL has no bound but its socket buffers; a
 * JDBC batch of 1,000 rows is about 3,000 messages.
 */
export const DEFAULT_MAX_PIPELINED = 20_000

/** RFC 7677 section 4: not fewer than 4,096 iterations. */
export const MIN_SCRAM_ITERATIONS = 4096
/** Above this a server would buy CPU time of the gateway; OWASP's figure for PBKDF2-HMAC-SHA-256 is 600,000. */
export const MAX_SCRAM_ITERATIONS = 1_000_000

const FRONTEND_LIMITS: Readonly<Partial<Record<keyof typeof FRONTEND, keyof FrameLimits>>> = {
  Query: 'maxQueryBytes',
  Parse: 'maxQueryBytes',
  Bind: 'maxBindBytes',
  FunctionCall: 'maxBindBytes',
  CopyData: 'maxCopyDataBytes',
  AuthenticationResponse: 'maxAuthenticationBytes',
}

const BACKEND_LIMITS: Readonly<Partial<Record<keyof typeof BACKEND, keyof FrameLimits>>> = {
  Authentication: 'maxAuthenticationBytes',
  CopyData: 'maxCopyDataBytes',
  DataRow: 'maxDataRowBytes',
  FunctionCallResponse: 'maxDataRowBytes',
  RowDescription: 'maxDescriptionBytes',
  ParameterDescription: 'maxDescriptionBytes',
  ErrorResponse: 'maxReportBytes',
  NoticeResponse: 'maxReportBytes',
}

const tables = new WeakMap<FrameLimits, Record<Peer, Uint32Array>>()

/** The longest length field by type byte for messages of `sender`; 0 for a byte that is no message type of that side. */
export function lengthLimits(sender: Peer, limits: FrameLimits): Uint32Array {
  let both = tables.get(limits)
  if (both === undefined) {
    both = {
      frontend: tableOf(FRONTEND, FRONTEND_LIMITS, limits, 'maxOtherFrontendBytes'),
      backend: tableOf(BACKEND, BACKEND_LIMITS, limits, 'maxOtherBackendBytes'),
    }
    tables.set(limits, both)
  }
  return both[sender]
}

function tableOf(
  types: Readonly<Record<string, number>>,
  limitNames: Readonly<Partial<Record<string, keyof FrameLimits>>>,
  limits: FrameLimits,
  other: keyof FrameLimits,
): Uint32Array {
  const table = new Uint32Array(256)
  for (const [name, type] of Object.entries(types)) table[type] = limits[limitNames[name] ?? other]
  return table
}
