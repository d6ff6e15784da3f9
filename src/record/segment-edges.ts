import { hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { LINE_PREFIX, SEGMENT_DOMAIN, type SegmentHead } from './format.ts'
import { segmentHeadOf } from './verify-head.ts'
import { batchOf } from './verify-segment.ts'

/** What the first and the last line of a segment say. */
export interface SegmentEdges {
  readonly head: SegmentHead
  /** The chain at its end. */
  readonly chain: string
  /** Number of the record that comes after its last one. */
  readonly nextSeq: number
}

/** More than the longest first line, line of a key, or last line of a batch. */
const EDGE_BYTES = 64 * 1024

/**
 * Reads the two ends of a segment and nothing between. Undefined when they are not those of a complete segment.
 * @throws Error of the system call that failed.
 */
export async function segmentEdges(path: string): Promise<SegmentEdges | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const front = await readAt(file, 0, Math.min(size, EDGE_BYTES))
    const back = await readAt(file, Math.max(0, size - EDGE_BYTES), Math.min(size, EDGE_BYTES))
    const firstLine = front.subarray(0, Math.max(0, front.indexOf('\n'))).toString()
    const head = segmentHeadOf(firstLine)
    const lastLine = lastLineOf(back)
    if (head === undefined || lastLine === undefined) return undefined
    const batch = lastLine.startsWith(LINE_PREFIX.batch) ? batchOf(lastLine) : undefined
    if (batch !== undefined) return { head, chain: batch.chain, nextSeq: batch.first + batch.count }
    const { segment, bodiesKey, sealedKey } = LINE_PREFIX
    if (![segment, bodiesKey, sealedKey].some((prefix) => lastLine.startsWith(prefix))) return undefined
    return { head, chain: hash('sha256', `${SEGMENT_DOMAIN}\n${firstLine}\n`, 'hex'), nextSeq: head.first }
  } finally {
    await file.close()
  }
}

function lastLineOf(bytes: Buffer): string | undefined {
  const end = bytes.length - 1
  return bytes[end] === 0x0a ? bytes.subarray(bytes.lastIndexOf('\n', end - 1) + 1, end).toString() : undefined
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, position)
  return bytes.subarray(0, bytesRead)
}
