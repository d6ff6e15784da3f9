import { hash } from 'node:crypto'
import { type BatchLine, BODIES_DOMAIN, type JournalHeader, LINE_PREFIX, type SegmentHead } from './format.ts'
import {
  bodyEntries,
  commitmentOf,
  idOfBodyKey,
  member,
  openBlock,
  unwrapBodiesKey,
  wrappedKeyOf,
} from './open-block.ts'
import type { Finding } from './verify-report.ts'

export interface BlockCounts {
  readonly committed: number
  readonly opened: number
  readonly missing: number
  readonly unopened: number
  readonly sealed: boolean
  readonly sealedMissing: boolean
}

/** The parts of a segment that may be deleted: keys and blocks. What is there must be what the chain says was there. */
export class SegmentBlocks {
  readonly #bodyKey: Buffer | undefined
  #head: SegmentHead | undefined
  #keyPresent = { bodiesKey: false, sealedKey: false }
  /** The segment's key for bodies, once it is opened with the key given. */
  #bodiesKey: Buffer | undefined
  #bodies: string | undefined
  #sealed: string | undefined

  constructor(bodyKey: Buffer | undefined) {
    this.#bodyKey = bodyKey
  }

  /** Whether a block of the current batch was seen. */
  get inBatch(): boolean {
    return this.#bodies !== undefined || this.#sealed !== undefined
  }

  begin(head: SegmentHead | undefined): void {
    this.#head = head
  }

  key(which: 'bodiesKey' | 'sealedKey', line: string): readonly Finding[] {
    const head = this.#head
    if (this.#keyPresent[which]) return [{ code: 'line-order', message: 'a key twice' }]
    this.#keyPresent[which] = true
    if (head === undefined) return []
    if (head[which] !== hash('sha256', line, 'hex')) {
      return [{ code: 'key-altered', message: `${which} is not the one that the first line names` }]
    }
    if (which === 'sealedKey' || this.#bodyKey === undefined) return []
    const wrapped = wrappedKeyOf(line)
    if (wrapped === undefined) return [{ code: 'key-altered', message: 'the wrapped key cannot be read' }]
    if (wrapped.id !== idOfBodyKey(this.#bodyKey)) return []
    this.#bodiesKey = unwrapBodiesKey(this.#bodyKey, wrapped.wrapped, head.origin, head.number)
    return this.#bodiesKey === undefined ? [{ code: 'key-altered', message: 'the wrapped key does not open' }] : []
  }

  /** False when the line cannot come here. */
  block(which: 'bodies' | 'sealed', line: string): boolean {
    if (this.#sealed !== undefined) return false
    if (which === 'sealed') {
      this.#sealed = line
      return true
    }
    if (this.#bodies !== undefined) return false
    this.#bodies = line
    return true
  }

  endOfBatch(
    headers: readonly JournalHeader[],
    stated: BatchLine,
    head: SegmentHead | undefined,
  ): { readonly counts: BlockCounts; readonly problems: readonly Finding[] } {
    const [bodies, sealed] = [this.#bodies, this.#sealed]
    this.#bodies = undefined
    this.#sealed = undefined
    const committed = headers.filter((header) => header.body !== undefined)
    const problems = [
      ...digestFindings(bodies, stated.bodies, 'bodies'),
      ...digestFindings(sealed, stated.sealed, 'sealed'),
    ]
    if ((stated.bodies !== undefined) !== committed.length > 0) {
      problems.push({ code: 'block-altered', message: 'headers and batch disagree about bodies' })
    }
    const isSealed = stated.sealed !== undefined
    const counts = {
      committed: committed.length,
      opened: 0,
      missing: 0,
      unopened: 0,
      sealed: isSealed,
      sealedMissing: isSealed && (sealed === undefined || !this.#keyPresent.sealedKey),
    }
    if (bodies === undefined || !this.#keyPresent.bodiesKey) {
      return { counts: { ...counts, missing: committed.length }, problems }
    }
    if (this.#bodiesKey === undefined || head === undefined || problems.length > 0) {
      return { counts: { ...counts, unopened: committed.length }, problems }
    }
    const place = {
      domain: BODIES_DOMAIN,
      origin: head.origin,
      segment: head.number,
      first: stated.first,
      count: stated.count,
    }
    const plain = openBlock(this.#bodiesKey, bodies, place)
    if (plain === undefined) {
      problems.push({ code: 'block-altered', message: 'the bodies do not open' })
      return { counts: { ...counts, unopened: committed.length }, problems }
    }
    problems.push(...bodyFindings(plain, committed))
    return { counts: { ...counts, opened: committed.length }, problems }
  }
}

function digestFindings(line: string | undefined, stated: string | undefined, which: 'bodies' | 'sealed'): Finding[] {
  if (line === undefined) return []
  const inOrder = hash('sha256', line, 'hex') === stated && typeof member(line, which) === 'string'
  return inOrder && line.startsWith(LINE_PREFIX[which])
    ? []
    : [{ code: 'block-altered', message: `the ${which} block is not the one that the batch names` }]
}

function bodyFindings(plain: Buffer, committed: readonly JournalHeader[]): Finding[] {
  const altered: Finding = { code: 'body-altered', message: 'a body does not match the commitment of its header' }
  try {
    const entries = bodyEntries(plain)
    const matching = entries.every((entry, index) => {
      const header = committed[index]
      return header !== undefined && header.seq === entry.seq && header.body === commitmentOf(entry)
    })
    return matching && entries.length === committed.length ? [] : [altered]
  } catch (error) {
    if (error instanceof RangeError) return [altered]
    throw error
  }
}
