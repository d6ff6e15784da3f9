import { Decrypter } from 'age-encryption'
import { ChaperoneError } from '../lib/errors.ts'
import { BODIES_DOMAIN, type JournalHeader, SEALED_DOMAIN } from './format.ts'
import {
  bodyEntries,
  commitmentOf,
  exactEntries,
  idOfBodyKey,
  member,
  openBlock,
  unwrapBodiesKey,
  wrappedKeyOf,
} from './open-block.ts'
import { type Range, readBatches, type StoredBatch, unreadable } from './read-batches.ts'
import { checkHeader } from './verify-header.ts'

export interface StoredHeader {
  readonly header: JournalHeader
  /** The canonical text of the header: what a transparency log takes as a leaf. */
  readonly line: string
  readonly segment: string
}

export interface StoredBody extends StoredHeader {
  /** JSON text; undefined when the record has none or it is missing. */
  readonly body: string | undefined
  /** The record had a body, and it or its key was deleted. */
  readonly missing: boolean
}

export interface StoredStatement extends StoredHeader {
  /** The statement as issued; undefined when none was sealed or it was deleted. */
  readonly exact: string | undefined
}

/**
 * The headers of a journal in order, streaming. May run while the journal is written; an incomplete last batch is left
 * out. Does not verify.
 * @throws ChaperoneError CHP-RECORD-FAILED where a line is not what the format allows.
 */
export async function* readJournal(directory: string, range: Range = {}): AsyncGenerator<StoredHeader> {
  for await (const stored of readBatches(directory, range)) yield* headersOf(stored, range)
}

/**
 * Like `readJournal`, with bodies decrypted and compared with the commitment of their header.
 * @throws ChaperoneError CHP-RECORD-FAILED also when the key is not that of the journal, or a body does not match.
 */
export async function* openBodies(
  directory: string,
  options: Range & { readonly bodyKey: Buffer },
): AsyncGenerator<StoredBody> {
  const keyOf = perSegment((stored) => Promise.resolve(bodiesKeyOf(stored, options.bodyKey)))
  for await (const stored of readBatches(directory, options)) {
    const bodies = bodiesOf(stored, await keyOf(stored))
    for (const found of headersOf(stored, options)) {
      const entry = bodies?.get(found.header.seq)
      const committed = found.header.body !== undefined
      if (bodies !== undefined && entry?.commitment !== found.header.body) throw unreadable(stored.segment)
      yield { ...found, body: entry?.text, missing: committed && entry === undefined }
    }
  }
}

/**
 * Like `readJournal`, with the exact statements, for the organisation that holds an age identity (AGE-SECRET-KEY-1…).
 * @throws ChaperoneError CHP-RECORD-FAILED also when the identity is none of the recipients of a segment.
 */
export async function* unseal(
  directory: string,
  options: Range & { readonly identity: string },
): AsyncGenerator<StoredStatement> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(options.identity)
  const keyOf = perSegment((stored) => sealKeyOf(stored, decrypter))
  for await (const stored of readBatches(directory, options)) {
    const statements = statementsOf(stored, await keyOf(stored))
    for (const found of headersOf(stored, options)) yield { ...found, exact: statements.get(found.header.seq) }
  }
}

function* headersOf({ segment, headers }: StoredBatch, { from = 1, to = Infinity }: Range): Generator<StoredHeader> {
  for (const line of headers) {
    const header = parsed(line, segment)
    if (header.seq >= from && header.seq <= to) yield { header, line, segment }
  }
}

function parsed(line: string, segment: string): JournalHeader {
  const check = checkHeader(Buffer.from(line))
  if (!check.ok) throw unreadable(segment)
  return check.header
}

/** Opens a key once a segment. */
function perSegment<Key>(open: (stored: StoredBatch) => Promise<Key>): (stored: StoredBatch) => Promise<Key> {
  let last: { readonly segment: string; readonly key: Key } | undefined
  return async (stored) => {
    if (last?.segment !== stored.segment) last = { segment: stored.segment, key: await open(stored) }
    return last.key
  }
}

function bodiesKeyOf({ segment, head, bodiesKey }: StoredBatch, bodyKey: Buffer): Buffer | undefined {
  if (bodiesKey === undefined) return undefined
  const wrapped = wrappedKeyOf(bodiesKey)
  if (wrapped !== undefined && wrapped.id !== idOfBodyKey(bodyKey)) {
    throw new ChaperoneError('CHP-RECORD-FAILED', {
      message: 'the bodies of the journal cannot be opened',
      reason: `${segment} was written with another body key`,
    })
  }
  const key = wrapped && unwrapBodiesKey(bodyKey, wrapped.wrapped, head.origin, head.number)
  if (key === undefined) throw unreadable(segment)
  return key
}

function bodiesOf(
  { segment, head, bodies, batch }: StoredBatch,
  key: Buffer | undefined,
): ReadonlyMap<number, { readonly text: string; readonly commitment: string }> | undefined {
  if (batch.bodies === undefined) return new Map()
  if (bodies === undefined || key === undefined) return undefined
  const place = {
    domain: BODIES_DOMAIN,
    origin: head.origin,
    segment: head.number,
    first: batch.first,
    count: batch.count,
  }
  const plain = openBlock(key, bodies, place)
  if (plain === undefined) throw unreadable(segment)
  return new Map(
    bodyEntries(plain).map((entry) => [entry.seq, { text: entry.body.toString(), commitment: commitmentOf(entry) }]),
  )
}

async function sealKeyOf({ segment, sealedKey }: StoredBatch, decrypter: Decrypter): Promise<Buffer | undefined> {
  if (sealedKey === undefined) return undefined
  const sealed = member(sealedKey, 'sealedKey')
  if (typeof sealed !== 'string') throw unreadable(segment)
  try {
    return Buffer.from(await decrypter.decrypt(Buffer.from(sealed, 'base64')))
  } catch (cause) {
    throw new ChaperoneError('CHP-RECORD-FAILED', {
      message: 'the exact statements of the journal cannot be opened',
      reason: `the identity does not open ${segment}`,
      cause,
    })
  }
}

function statementsOf(
  { segment, head, sealed, batch }: StoredBatch,
  key: Buffer | undefined,
): ReadonlyMap<number, string> {
  if (sealed === undefined || key === undefined) return new Map()
  const place = {
    domain: SEALED_DOMAIN,
    origin: head.origin,
    segment: head.number,
    first: batch.first,
    count: batch.count,
  }
  const plain = openBlock(key, sealed, place)
  if (plain === undefined) throw unreadable(segment)
  return new Map(exactEntries(plain).map(({ seq, bytes }) => [seq, bytes.toString()]))
}
