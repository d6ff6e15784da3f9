import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ChaperoneError } from '../lib/errors.ts'
import { type BatchLine, LINE_PREFIX, SEGMENT_NAME, type SegmentHead } from './format.ts'
import { type Line, readLines } from './read-lines.ts'
import { segmentHeadOf } from './verify-head.ts'
import { batchOf } from './verify-segment.ts'

/** Sequence numbers, both included. */
export interface Range {
  readonly from?: number
  readonly to?: number
}

/** A complete batch as it lies in its segment. Not verified: that is `verifyJournal`. */
export interface StoredBatch {
  readonly segment: string
  readonly head: SegmentHead
  /** Lines of the keys; undefined when deleted. */
  readonly bodiesKey: string | undefined
  readonly sealedKey: string | undefined
  readonly headers: readonly string[]
  readonly bodies: string | undefined
  readonly sealed: string | undefined
  readonly batch: BatchLine
}

/**
 * The complete batches of a journal that have a record of the range. An incomplete last batch is left out, so a journal
 * may be read while it is written.
 * @throws ChaperoneError CHP-RECORD-FAILED where a line is not what the format allows.
 * @throws Error of the system call that failed.
 */
export async function* readBatches(directory: string, { from = 1, to = Infinity }: Range): AsyncGenerator<StoredBatch> {
  const names = (await readdir(directory)).filter((name) => SEGMENT_NAME.test(name)).toSorted()
  for (const name of names.slice(await firstOf(directory, names, from))) {
    for await (const stored of readSegment(directory, name)) {
      if (stored.batch.first > to) return
      if (stored.batch.first + stored.batch.count > from) yield stored
    }
  }
}

/** The last segment that begins at or before a record. */
async function firstOf(directory: string, names: readonly string[], from: number): Promise<number> {
  let [low, high] = [0, names.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const head = await headOf(directory, names[middle] ?? '')
    if (head !== undefined && head.first <= from) low = middle
    else high = middle - 1
  }
  return Math.max(low, 0)
}

async function headOf(directory: string, name: string): Promise<SegmentHead | undefined> {
  for await (const { lines } of readLines(join(directory, name))) {
    const line = lines[0]
    return line === undefined ? undefined : segmentHeadOf(line.bytes.toString())
  }
  return undefined
}

async function* readSegment(directory: string, name: string): AsyncGenerator<StoredBatch> {
  let head: SegmentHead | undefined
  const keys: { bodiesKey?: string; sealedKey?: string } = {}
  let headers: string[] = []
  let blocks: { bodies?: string; sealed?: string } = {}
  for await (const { lines } of readLines(join(directory, name))) {
    for (const line of lines) {
      const text = line.bytes.toString()
      if (line.number === 1) {
        head = segmentHeadOf(text)
      } else if (text.startsWith(LINE_PREFIX.bodiesKey)) {
        keys.bodiesKey = text
      } else if (text.startsWith(LINE_PREFIX.sealedKey)) {
        keys.sealedKey = text
      } else if (text.startsWith(LINE_PREFIX.bodies)) {
        blocks.bodies = text
      } else if (text.startsWith(LINE_PREFIX.sealed)) {
        blocks.sealed = text
      } else if (text.startsWith(LINE_PREFIX.batch)) {
        const batch = batchOf(text)
        if (head === undefined || batch === undefined || batch.count !== headers.length) throw unreadable(name, line)
        const { bodies, sealed } = blocks
        const { bodiesKey, sealedKey } = keys
        yield { segment: name, head, bodiesKey, sealedKey, headers, bodies, sealed, batch }
        headers = []
        blocks = {}
      } else {
        headers.push(text)
      }
      if (head === undefined) throw unreadable(name, line)
    }
  }
}

export function unreadable(segment: string, line?: Line): ChaperoneError {
  const place = line === undefined ? '' : ` line ${line.number}`
  return new ChaperoneError('CHP-RECORD-FAILED', {
    message: 'the journal cannot be read',
    reason: `${segment}${place} is damaged; verify the journal`,
  })
}
