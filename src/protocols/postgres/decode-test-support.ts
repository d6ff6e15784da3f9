import { strict as assert } from 'node:assert'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS, type FrameLimits } from './limits.ts'
import type { Peer } from './messages.ts'

// For tests only.

/** One message as a cursor presents it, copied so that it outlives the cursor's buffers. */
export interface SeenFrame {
  readonly type: number
  readonly bytes: Buffer
}

/** All complete messages that the cursor gives when it is fed these chunks, drained after each. */
export function framesOf(sender: Peer, chunks: Iterable<Buffer>, limits: FrameLimits = DEFAULT_FRAME_LIMITS) {
  const cursor = new FrameCursor(sender, limits)
  const frames: SeenFrame[] = []
  for (const chunk of chunks) {
    cursor.feed(chunk)
    while (cursor.next()) {
      assert.equal(cursor.body, cursor.start + 5)
      frames.push({ type: cursor.type, bytes: Buffer.from(cursor.buffer.subarray(cursor.start, cursor.end)) })
    }
  }
  return { frames, cursor }
}

export function* byteByByte(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}

/**
 * Feeds one message whole, byte by byte, between others in one chunk, and with the beginning of the next message behind
 * it, and hands each copy that comes out to `check`.
 */
export function everyWay(sender: Peer, frame: Buffer, check: (frame: SeenFrame) => void): void {
  const other = Buffer.from(sender === 'frontend' ? [0x53, 0, 0, 0, 4] : [0x6e, 0, 0, 0, 4])
  const expectOne = (frames: readonly SeenFrame[], index: number, count: number): void => {
    assert.equal(frames.length, count)
    const seen = frames[index]
    if (seen === undefined) throw new Error('no such frame')
    assert.ok(seen.bytes.equals(frame))
    assert.equal(seen.type, frame[0])
    check(seen)
  }
  expectOne(framesOf(sender, [frame]).frames, 0, 1)
  expectOne(framesOf(sender, byteByByte(frame)).frames, 0, 1)
  expectOne(framesOf(sender, [Buffer.concat([other, frame, frame, other])]).frames, 1, 4)
  for (let extra = 1; extra < other.length; extra++) {
    const { frames, cursor } = framesOf(sender, [Buffer.concat([frame, other.subarray(0, extra)])])
    expectOne(frames, 0, 1)
    assert.equal(cursor.buffered, extra)
    assert.ok(cursor.takeRest().equals(other.subarray(0, extra)))
  }
}
