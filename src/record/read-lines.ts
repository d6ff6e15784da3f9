import { open } from 'node:fs/promises'
import { MAXIMUM_LINE_BYTES } from './format.ts'

export interface Line {
  /** Without the newline. */
  readonly bytes: Buffer
  /** Of its first byte in the file. */
  readonly offset: number
  /** Counts from 1. */
  readonly number: number
}

export interface LineChunk {
  readonly lines: readonly Line[]
  /** Set on the last chunk: what follows the last newline. */
  readonly rest: { readonly bytes: Buffer; readonly offset: number } | undefined
}

const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a

/**
 * Reads a file by lines, in chunks, to the end it has when it is reached. Memory is bounded by the longest line.
 * @throws RangeError when a line is longer than the format allows.
 * @throws Error of the system call that failed.
 */
export async function* readLines(path: string): AsyncGenerator<LineChunk, void> {
  const file = await open(path, 'r')
  try {
    let pending: Buffer[] = []
    let pendingBytes = 0
    let position = 0
    let lineOffset = 0
    let number = 0
    for (;;) {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position)
      if (bytesRead === 0) break
      const lines: Line[] = []
      let start = 0
      for (;;) {
        const end = buffer.subarray(0, bytesRead).indexOf(NEWLINE, start)
        if (end < 0) break
        const part = buffer.subarray(start, end)
        const bytes = pendingBytes === 0 ? part : Buffer.concat([...pending, part])
        lines.push({ bytes, offset: lineOffset, number: ++number })
        pending = []
        pendingBytes = 0
        start = end + 1
        lineOffset = position + start
      }
      position += bytesRead
      if (start < bytesRead) {
        pending.push(buffer.subarray(start, bytesRead))
        pendingBytes += bytesRead - start
        if (pendingBytes > MAXIMUM_LINE_BYTES) throw new RangeError('a line is longer than the format allows')
      }
      if (lines.length > 0) yield { lines, rest: undefined }
    }
    yield { lines: [], rest: { bytes: Buffer.concat(pending), offset: lineOffset } }
  } finally {
    await file.close()
  }
}
