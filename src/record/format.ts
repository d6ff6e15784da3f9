/**
 * The format of the journal: names, domains, limits and shapes, no behaviour. Writer, reader and verifier share this
 * file and nothing else; README.md describes the whole in words.
 */

export const FORMAT = 'chaperone-journal/1'

/** Every kind of record. The order is of no meaning. */
export const RECORD_KINDS = [
  'gateway-start',
  'gateway-stop',
  'session-start',
  'session-end',
  'intent',
  'refusal',
  'response',
  'outcome',
  'transaction',
  'probe',
  'login-failure',
  'journal-warning',
  'alert',
  'administration',
  'approval',
  'facts',
] as const

export type RecordKind = (typeof RECORD_KINDS)[number]

/** The session of records that belong to the gateway itself. */
export const NO_SESSION = '00000000-0000-0000-0000-000000000000'

/** First words of what is hashed or authenticated, so that no digest can be taken for one of another purpose. */
export const SEGMENT_DOMAIN = `${FORMAT} segment`
export const BATCH_DOMAIN = `${FORMAT} batch`
export const BODIES_DOMAIN = `${FORMAT} bodies`
export const SEALED_DOMAIN = `${FORMAT} sealed`
export const BODY_KEY_DOMAIN = `${FORMAT} body key`
export const BODY_KEY_ID_DOMAIN = `${FORMAT} body key id`

/** Stands in the chain for a block that a batch does not have. */
export const NO_BLOCK = '-'
/** `previous` of the first segment. */
export const NO_PREVIOUS = '0'.repeat(64)

/** How a line starts tells what it is. Anything else is a header. */
export const LINE_PREFIX = {
  segment: '{"segment":',
  bodiesKey: '{"bodiesKey":',
  sealedKey: '{"sealedKey":',
  bodies: '{"bodies":"',
  sealed: '{"sealed":"',
  batch: '{"batch":',
} as const

/** A header will be an entry of a tiled transparency log, whose entries carry a 16-bit length (C2SP tlog-tiles). */
export const MAXIMUM_HEADER_BYTES = 65_535
/** Of one body or one exact statement. */
export const MAXIMUM_BODY_BYTES = 16 * 1024 * 1024
/** A longer line was not written by us: a batch of 1 MiB and one body of the largest size, in base64, are less. */
export const MAXIMUM_LINE_BYTES = 32 * 1024 * 1024

export const CIPHER = 'aes-256-gcm'
export const NONCE_BYTES = 12
export const TAG_BYTES = 16
export const SALT_BYTES = 16
export const KEY_BYTES = 32
/** Before every body of a block: sequence number (8 bytes, big endian), length of what follows the salt (4 bytes). */
export const ENTRY_PREFIX_BYTES = 12

export const SEGMENT_NAME = /^(\d{8})\.jsonl$/
export const TORN_NAME = /^(\d{8})(?:\.\d+)?\.torn$/

/** Names sort like numbers: 00000001.jsonl. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.jsonl`
}

/** A header line, parsed. Free of PHI. */
export interface JournalHeader {
  /** SHA-256 (hex) of 16 bytes of salt followed by the body; absent when the record has none. */
  readonly body?: string
  readonly kind: RecordKind
  readonly op: number
  /** Counts from 1 without gaps over all segments. Leaf number of a Merkle log = seq − 1. */
  readonly seq: number
  readonly session: string
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string
  readonly v: 1
  readonly what: unknown
  readonly who: unknown
}

/** A torn tail that an earlier opening moved aside. */
export interface TornFile {
  readonly bytes: number
  readonly file: string
  readonly sha256: string
}

/** First line of a segment. */
export interface SegmentHead {
  /** SHA-256 (hex) of the second line. */
  readonly bodiesKey: string
  /** Sequence number that the first record of the segment has or would have. */
  readonly first: number
  readonly format: typeof FORMAT
  readonly number: number
  readonly origin: string
  /** The chain at the end of the segment before. */
  readonly previous: string
  readonly recovered?: { readonly files: readonly TornFile[]; readonly tornBytes: number }
  /** SHA-256 (hex) of the third line; absent when exact statements are not kept. */
  readonly sealedKey?: string
  readonly time: string
}

/** Last line of a batch. */
export interface BatchLine {
  /** SHA-256 (hex) of the line with the bodies; absent when no record of the batch has one. */
  readonly bodies?: string
  readonly chain: string
  readonly count: number
  readonly first: number
  readonly sealed?: string
}
