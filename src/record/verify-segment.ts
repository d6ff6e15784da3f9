import { createHash, hash, type Hash } from 'node:crypto'
import {
  BATCH_DOMAIN,
  type BatchLine,
  type JournalHeader,
  LINE_PREFIX,
  NO_BLOCK,
  SEGMENT_DOMAIN,
  type SegmentHead,
} from './format.ts'
import { member } from './open-block.ts'
import type { Line } from './read-lines.ts'
import { type BlockCounts, SegmentBlocks } from './verify-blocks.ts'
import { canonicalText, checkHeader } from './verify-header.ts'
import { checkSegmentHead, type ExpectedHead } from './verify-head.ts'
import type { Finding, Problem, ProblemCode } from './verify-report.ts'

/** A complete batch, whether or not it is in order. */
export interface CheckedBatch extends BlockCounts {
  readonly headers: readonly JournalHeader[]
}

export interface SegmentEnd {
  readonly head: SegmentHead | undefined
  /** The chain after the last complete batch, or after the first line. */
  readonly chain: string
  readonly nextSeq: number
  /** Offset after the last complete batch. */
  readonly end: number
  /** Bytes after `end` that are the beginning of a batch, or the hole that a power failure left in the last one. */
  readonly tornBytes: number
  readonly problems: readonly Problem[]
}

interface Position {
  readonly end: number
  readonly chain: string
  readonly nextSeq: number
}

/**
 * Checks the lines of one segment as they come. Imports nothing of the writer. After a problem it goes on with what the
 * journal itself states, so that one change gives one or two problems and not one for every line that follows.
 */
export class SegmentCheck {
  readonly #name: string
  readonly #expected: ExpectedHead
  readonly #deliver: (batch: CheckedBatch) => void
  readonly #blocks: SegmentBlocks
  readonly #problems: Problem[] = []
  /** Problems and batches since the last batch in order; whether they are a torn tail is known at the end only. */
  #doubtful: Problem[] = []
  #undelivered: CheckedBatch[] = []
  #hole = false
  #head: SegmentHead | undefined
  #chain = ''
  #nextSeq: number
  /** After the last batch in order (or the keys), and after the last complete one. */
  #good: Position
  #complete: Position
  #lines = 0
  // The batch being read.
  #headers: JournalHeader[] = []
  #headerLines = 0
  #headersHash: Hash = createHash('sha256')
  #doubtsBefore = 0

  constructor(
    name: string,
    expected: ExpectedHead,
    bodyKey: Buffer | undefined,
    deliver: (batch: CheckedBatch) => void,
  ) {
    this.#name = name
    this.#expected = expected
    this.#nextSeq = expected.first
    this.#good = { end: 0, chain: '', nextSeq: expected.first }
    this.#complete = this.#good
    this.#deliver = deliver
    this.#blocks = new SegmentBlocks(bodyKey)
  }

  line({ bytes, offset, number }: Line): void {
    this.#lines = number
    if (bytes.includes(0)) this.#hole = true
    const end = offset + bytes.length + 1
    if (number === 1) this.#firstLine(bytes, end)
    else if (starts(bytes, LINE_PREFIX.bodiesKey)) this.#keyLine('bodiesKey', number === 2, bytes, end)
    else if (starts(bytes, LINE_PREFIX.sealedKey)) this.#keyLine('sealedKey', number <= 3, bytes, end)
    else if (starts(bytes, LINE_PREFIX.bodies)) this.#blockLine('bodies', bytes)
    else if (starts(bytes, LINE_PREFIX.sealed)) this.#blockLine('sealed', bytes)
    else if (starts(bytes, LINE_PREFIX.batch)) this.#batchLine(bytes, end)
    else this.#headerLine(bytes)
  }

  /** @param rest what follows the last newline */
  finish(rest: { readonly bytes: Buffer; readonly offset: number }, isLast: boolean): SegmentEnd {
    const size = rest.offset + rest.bytes.length
    if (rest.bytes.includes(0)) this.#hole = true
    if (this.#lines === 0 && !isLast) this.#problem('segment-head', 'empty')
    let tornBytes = size - this.#good.end
    if (!isLast || (this.#doubtful.length > 0 && !this.#hole)) {
      const inOrder = this.#doubtful.length === this.#doubtsBefore
      const { end } = this.#complete
      tornBytes = isLast && inOrder ? size - end : 0
      if (size > end && tornBytes === 0) this.#problem('segment-torn', 'ends within a batch')
      this.#settle()
    }
    return { head: this.#head, ...this.#good, tornBytes, problems: this.#problems }
  }

  /** Ends the check where the rest of the file cannot be read as lines. */
  giveUp(message: string): SegmentEnd {
    this.#problem('line-invalid', message)
    this.#settle()
    return { head: this.#head, ...this.#good, tornBytes: 0, problems: this.#problems }
  }

  #firstLine(bytes: Buffer, end: number): void {
    this.#chain = createHash('sha256').update(`${SEGMENT_DOMAIN}\n`).update(bytes).update('\n').digest('hex')
    const check = checkSegmentHead(bytes.toString(), this.#expected)
    this.#head = check.head
    this.#nextSeq = check.head?.first ?? this.#nextSeq
    this.#blocks.begin(check.head)
    this.#preamble(check.problems, end)
  }

  #keyLine(which: 'bodiesKey' | 'sealedKey', inPlace: boolean, bytes: Buffer, end: number): void {
    if (inPlace) this.#preamble(this.#blocks.key(which, bytes.toString()), end)
    else this.#problem('line-order', 'a key belongs to the beginning of a segment')
  }

  /** The first lines are durable before anything follows them, so no damage there can be a torn tail. */
  #preamble(findings: readonly Finding[], end: number): void {
    for (const finding of findings) this.#problems.push({ segment: this.#name, line: this.#lines, ...finding })
    this.#hole = false
    this.#complete = { end, chain: this.#chain, nextSeq: this.#nextSeq }
    this.#good = this.#complete
  }

  #headerLine(bytes: Buffer): void {
    this.#headersHash.update(bytes).update('\n')
    this.#headerLines++
    if (this.#blocks.inBatch) this.#problem('line-order', 'a header after the blocks of its batch')
    const check = checkHeader(bytes)
    if (!check.ok) {
      this.#problem(check.code, check.message)
      return
    }
    const { seq } = check.header
    if (seq !== this.#nextSeq) this.#problem('sequence', `expected record ${this.#nextSeq}, found ${seq}`)
    this.#nextSeq = seq + 1
    this.#headers.push(check.header)
  }

  #blockLine(which: 'bodies' | 'sealed', bytes: Buffer): void {
    if (!this.#blocks.block(which, bytes.toString())) this.#problem('line-order', 'a block out of place')
  }

  #batchLine(bytes: Buffer, end: number): void {
    const line = bytes.toString()
    const stated = batchOf(line)
    if (stated === undefined) {
      this.#problem('line-invalid', 'not the last line of a batch')
      return
    }
    const { bodies, sealed } = stated
    const count = this.#headerLines
    if (stated.count !== count) this.#problem('sequence', `a batch of ${stated.count} records has ${count}`)
    const first = this.#headers[0]?.seq ?? 0
    const headers = this.#headersHash.digest('hex')
    const chain = hash(
      'sha256',
      `${BATCH_DOMAIN}\n${this.#chain}\n${first}\n${count}\n${headers}\n${bodies ?? NO_BLOCK}\n${sealed ?? NO_BLOCK}\n`,
      'hex',
    )
    const blocks = { ...(bodies === undefined ? {} : { bodies }), ...(sealed === undefined ? {} : { sealed }) }
    if (count === 0 || line !== canonicalText({ batch: { ...blocks, chain, count, first } })) {
      this.#problem('chain', 'the batch does not follow from its records and the batch before')
    }
    const result = this.#blocks.endOfBatch(this.#headers, stated, this.#head)
    for (const { code, message } of result.problems) this.#problem(code, message)
    this.#undelivered.push({ headers: this.#headers, ...result.counts })
    this.#chain = stated.chain
    this.#nextSeq = stated.first + stated.count
    this.#headers = []
    this.#headerLines = 0
    this.#headersHash = createHash('sha256')
    this.#complete = { end, chain: this.#chain, nextSeq: this.#nextSeq }
    if (this.#doubtful.length === this.#doubtsBefore) this.#settle()
    this.#doubtsBefore = this.#doubtful.length
  }

  /** What was doubtful was no torn tail: it is reported, and its records count. */
  #settle(): void {
    this.#problems.push(...this.#doubtful)
    for (const batch of this.#undelivered) this.#deliver(batch)
    this.#doubtful = []
    this.#undelivered = []
    this.#hole = false
    this.#good = this.#complete
  }

  #problem(code: ProblemCode, message: string): void {
    this.#doubtful.push({ segment: this.#name, line: this.#lines, code, message })
  }
}

function starts(bytes: Buffer, prefix: string): boolean {
  return bytes.length >= prefix.length && bytes.toString('latin1', 0, prefix.length) === prefix
}

/** The last line of a batch, parsed; undefined when it is none. */
export function batchOf(line: string): BatchLine | undefined {
  const value = member(line, 'batch')
  if (typeof value !== 'object' || value === null) return undefined
  const { bodies, sealed, chain, count, first } = value as Partial<Record<keyof BatchLine, unknown>>
  if (typeof chain !== 'string' || !isCount(count) || !isCount(first)) return undefined
  if (bodies !== undefined && typeof bodies !== 'string') return undefined
  if (sealed !== undefined && typeof sealed !== 'string') return undefined
  return {
    chain,
    count,
    first,
    ...(bodies === undefined ? {} : { bodies }),
    ...(sealed === undefined ? {} : { sealed }),
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
