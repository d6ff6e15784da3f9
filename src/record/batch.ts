import { hash, randomFillSync } from 'node:crypto'
import { ChaperoneError } from '../lib/errors.ts'
import { ByteBuilder } from './byte-builder.ts'
import type { Fragment } from './canonical.ts'
import {
  BATCH_DOMAIN,
  BODIES_DOMAIN,
  ENTRY_PREFIX_BYTES,
  LINE_PREFIX,
  MAXIMUM_BODY_BYTES,
  MAXIMUM_HEADER_BYTES,
  NO_BLOCK,
  type RecordKind,
  SALT_BYTES,
  SEALED_DOMAIN,
} from './format.ts'
import type { BlockCipher } from './segment-keys.ts'

/** One event to record. `what` and `who` end up in the header and must be free of PHI. */
export interface JournalRecord {
  readonly kind: RecordKind
  /** UUID of the session, `NO_SESSION` for the gateway itself. */
  readonly session: string
  /** Number of the operation within the session; intent and outcome share it. */
  readonly op: number
  readonly what: Fragment
  readonly who: Fragment
}

/** What a batch needs of the segment it is written to. */
export interface BatchTarget {
  /** The chain so far (hex). */
  readonly chain: string
  readonly origin: string
  readonly number: number
  readonly bodies: BlockCipher
  /** Undefined when the organisation opted out of keeping exact statements. */
  readonly sealed: BlockCipher | undefined
}

export interface EncodedBatch {
  /** Valid until the batch is cleared. */
  readonly bytes: Buffer
  readonly chain: string
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const SALT_POOL_BYTES = 16 * 1024

/** The records of one event-loop turn, encoded as they come, sealed and chained as a whole. */
export class Batch {
  readonly #lines = new ByteBuilder()
  readonly #bodies = new ByteBuilder()
  readonly #exact = new ByteBuilder()
  readonly #salts = Buffer.allocUnsafe(SALT_POOL_BYTES)
  #saltsUsed = SALT_POOL_BYTES
  #first = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Sequence number of the last record. */
  get last(): number {
    return this.#first + this.#count - 1
  }

  /** Bytes gathered so far, before encryption. */
  get size(): number {
    return this.#lines.length + this.#bodies.length + this.#exact.length
  }

  /**
   * Adds a record whole or not at all.
   * @throws ChaperoneError CHP-LIMIT-EXCEEDED for a header or a body that is too large.
   * @throws TypeError for a session or operation number that could not stand in a canonical header.
   */
  add(seq: number, time: string, record: JournalRecord, body: string, exact: string): void {
    if (!UUID.test(record.session)) throw new TypeError('session is not a UUID in lower case')
    if (!Number.isSafeInteger(record.op) || record.op < 0)
      throw new TypeError('operation number is not a natural number')
    const [linesBefore, bodiesBefore, exactBefore] = [this.#lines.length, this.#bodies.length, this.#exact.length]
    try {
      const commitment = body === '' ? '' : `"body":"${this.#addBody(seq, body)}",`
      this.#lines.text(
        `{${commitment}"kind":"${record.kind}","op":${record.op},"seq":${seq},"session":"${record.session}","time":"${time}","v":1,"what":${record.what},"who":${record.who}}\n`,
      )
      if (this.#lines.length - linesBefore - 1 > MAXIMUM_HEADER_BYTES) throw tooLarge('header')
      if (exact !== '') this.#addExact(seq, exact)
    } catch (error) {
      this.#lines.truncate(linesBefore)
      this.#bodies.truncate(bodiesBefore)
      this.#exact.truncate(exactBefore)
      throw error
    }
    if (this.#count === 0) this.#first = seq
    this.#count++
  }

  /** The lines of the batch and the chain after them. Call once; adds the blocks to what was gathered. */
  encode(target: BatchTarget): EncodedBatch {
    const headers = hash('sha256', this.#lines.view(), 'hex')
    const bodies = this.#addBlock(this.#bodies, target.bodies, BODIES_DOMAIN, LINE_PREFIX.bodies, target)
    const sealed =
      target.sealed === undefined
        ? undefined
        : this.#addBlock(this.#exact, target.sealed, SEALED_DOMAIN, LINE_PREFIX.sealed, target)
    const [first, count] = [this.#first, this.#count]
    const chain = hash(
      'sha256',
      `${BATCH_DOMAIN}\n${target.chain}\n${first}\n${count}\n${headers}\n${bodies ?? NO_BLOCK}\n${sealed ?? NO_BLOCK}\n`,
      'hex',
    )
    const [head, tail] = [
      bodies === undefined ? '' : `"bodies":"${bodies}",`,
      sealed === undefined ? '' : `,"sealed":"${sealed}"`,
    ]
    this.#lines.text(`${LINE_PREFIX.batch}{${head}"chain":"${chain}","count":${count},"first":${first}${tail}}}\n`)
    return { bytes: this.#lines.view(), chain }
  }

  clear(): void {
    this.#lines.clear()
    this.#bodies.clear()
    this.#exact.clear()
    this.#count = 0
  }

  /** Returns the commitment: SHA-256 of salt and body, which lie next to each other in the block. */
  #addBody(seq: number, body: string): string {
    const start = this.#bodies.length
    this.#bodies.entry(seq)
    this.#bodies.bytes(this.#nextSalt())
    this.#bodies.text(body)
    this.#endEntry(this.#bodies, start, SALT_BYTES, 'body')
    return hash('sha256', this.#bodies.view(start + ENTRY_PREFIX_BYTES), 'hex')
  }

  #addExact(seq: number, exact: string): void {
    const start = this.#exact.length
    this.#exact.entry(seq)
    this.#exact.text(exact)
    this.#endEntry(this.#exact, start, 0, 'statement')
  }

  #endEntry(block: ByteBuilder, start: number, salt: number, name: string): void {
    const length = block.length - start - ENTRY_PREFIX_BYTES - salt
    if (length > MAXIMUM_BODY_BYTES) throw tooLarge(name)
    block.patchLength(start, length)
  }

  #nextSalt(): Buffer {
    if (this.#saltsUsed === SALT_POOL_BYTES) {
      randomFillSync(this.#salts)
      this.#saltsUsed = 0
    }
    this.#saltsUsed += SALT_BYTES
    return this.#salts.subarray(this.#saltsUsed - SALT_BYTES, this.#saltsUsed)
  }

  /** Encrypts a block into a line of its own; returns that line's digest, or undefined when there is nothing in it. */
  #addBlock(
    block: ByteBuilder,
    cipher: BlockCipher,
    domain: string,
    prefix: string,
    target: BatchTarget,
  ): string | undefined {
    if (block.length === 0) return undefined
    const associated = `${domain}\n${target.origin}\n${target.number}\n${this.#first}\n${this.#count}\n`
    const line = `${prefix}${cipher.encrypt(block.view(), this.#first, associated)}"}`
    this.#lines.text(line)
    this.#lines.text('\n')
    return hash('sha256', line, 'hex')
  }
}

function tooLarge(what: string): ChaperoneError {
  return new ChaperoneError('CHP-LIMIT-EXCEEDED', { reason: `${what} is too large for the journal` })
}
