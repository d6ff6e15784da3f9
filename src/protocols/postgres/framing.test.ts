import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteByByte, everyWay, framesOf } from './decode-test-support.ts'
import { FrameCursor, ProtocolViolation } from './framing.ts'
import { DEFAULT_FRAME_LIMITS, type FrameLimits, lengthLimits } from './limits.ts'
import { BACKEND, FRONTEND, type Peer } from './messages.ts'

const SIDES = [
  ['frontend', FRONTEND],
  ['backend', BACKEND],
] as const

const frame = (type: number, body: Buffer): Buffer => {
  const bytes = Buffer.alloc(5 + body.length)
  bytes[0] = type
  bytes.writeInt32BE(4 + body.length, 1)
  body.copy(bytes, 5)
  return bytes
}

const header = (type: number, length: number): Buffer => {
  const bytes = Buffer.alloc(5)
  bytes[0] = type
  bytes.writeInt32BE(length, 1)
  return bytes
}

const violationOf = (act: () => unknown): ProtocolViolation => {
  try {
    act()
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
  throw new Error('no violation')
}

describe('FrameCursor', () => {
  it.each(SIDES)('cuts every message type of a %s in every way of arriving', (sender, types) => {
    for (const type of Object.values(types)) {
      for (const size of [0, 1, 4, 300]) everyWay(sender, frame(type, Buffer.alloc(size, size)), () => undefined)
    }
  })

  it('gives the same messages however the stream is cut', () => {
    const messages = fc.array(
      fc.record({ type: fc.constantFrom(...Object.values(BACKEND)), body: fc.uint8Array({ maxLength: 40 }) }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (list, sizes) => {
        const frames = list.map(({ type, body }) => frame(type, Buffer.from(body)))
        const stream = Buffer.concat(frames)
        const chunks: Buffer[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1
          chunks.push(stream.subarray(at, at + size))
          at += size
        }
        const seen = framesOf('backend', chunks)
        expect(Buffer.concat(seen.frames.map(({ bytes }) => bytes)).equals(stream)).toBe(true)
        expect(seen.frames).toHaveLength(frames.length)
        expect(seen.cursor.buffered).toBe(0)
      }),
    )
  })

  it('does not copy: messages of one chunk are ranges of that chunk', () => {
    const chunk = Buffer.concat([
      frame(BACKEND.DataRow, Buffer.alloc(9)),
      frame(BACKEND.CommandComplete, Buffer.alloc(3)),
    ])
    const cursor = new FrameCursor('backend', DEFAULT_FRAME_LIMITS)
    cursor.feed(chunk)
    expect(cursor.next()).toBe(true)
    expect(cursor.buffer).toBe(chunk)
    expect([cursor.start, cursor.body, cursor.end]).toEqual([0, 5, 14])
    expect(cursor.next()).toBe(true)
    expect(cursor.buffer).toBe(chunk)
    expect([cursor.start, cursor.body, cursor.end]).toEqual([14, 19, 22])
    expect(cursor.next()).toBe(false)
  })

  it('puts only the message that spans chunks together, and reads on in the second chunk', () => {
    const stream = Buffer.concat([
      frame(BACKEND.DataRow, Buffer.alloc(20, 1)),
      frame(BACKEND.DataRow, Buffer.alloc(7, 2)),
    ])
    const cursor = new FrameCursor('backend', DEFAULT_FRAME_LIMITS)
    cursor.feed(stream.subarray(0, 11))
    expect(cursor.next()).toBe(false)
    expect(cursor.buffered).toBe(11)
    const second = stream.subarray(11)
    cursor.feed(second)
    expect(cursor.next()).toBe(true)
    expect(cursor.buffer).not.toBe(second)
    expect(cursor.buffer.equals(stream.subarray(0, 25))).toBe(true)
    expect(cursor.next()).toBe(true)
    expect(cursor.buffer).toBe(second)
    expect(cursor.buffer.subarray(cursor.start, cursor.end).equals(stream.subarray(25))).toBe(true)
  })

  it('takes chunks while earlier ones are not drained, in order', () => {
    const frames = [1, 2, 3, 4].map((size) => frame(BACKEND.DataRow, Buffer.alloc(size, size)))
    const cursor = new FrameCursor('backend', DEFAULT_FRAME_LIMITS)
    const stream = Buffer.concat(frames)
    cursor.feed(stream.subarray(0, 8))
    expect(cursor.next()).toBe(true)
    cursor.feed(stream.subarray(8, 20))
    cursor.feed(stream.subarray(20))
    const rest: number[] = []
    while (cursor.next()) rest.push(cursor.end - cursor.start)
    expect(rest).toEqual([7, 8, 9])
  })

  it.each([100, 70_000, 300_000])('joins a message of %i bytes that arrives in pieces of any size', (size) => {
    const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 251))
    const whole = frame(FRONTEND.CopyData, body)
    for (const piece of [3, 1000, 4096, 70_000]) {
      const chunks: Buffer[] = []
      for (let at = 0; at < whole.length; at += piece) chunks.push(whole.subarray(at, at + piece))
      // Sizes alternate, so that small pieces stand between large ones.
      chunks.splice(0, 1, ...byteByByte(chunks[0] ?? Buffer.alloc(0)))
      const { frames } = framesOf('frontend', chunks)
      expect(frames).toHaveLength(1)
      expect(frames[0]?.bytes.equals(whole)).toBe(true)
    }
  })

  it('gives what was retained again, in order, before anything else', () => {
    const step = fc.constantFrom('next', 'keep', 'keep', 'rewind')
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (steps, size) => {
        const frames = Array.from({ length: 40 }, (_, at) => frame(BACKEND.DataRow, Buffer.alloc(at % 9, at)))
        const stream = Buffer.concat(frames)
        const cursor = new FrameCursor('backend', DEFAULT_FRAME_LIMITS)
        for (let at = 0; at < stream.length; at += size) cursor.feed(stream.subarray(at, at + size))
        // What is kept is a run up to the message read last: from `kept` on, if anything is.
        let kept: number | undefined
        let expected = 0
        for (const one of steps) {
          if (one === 'rewind') {
            cursor.rewind()
            expected = kept ?? expected
            kept = undefined
            continue
          }
          expect(cursor.next()).toBe(expected < frames.length)
          if (expected === frames.length) continue
          expect(cursor.buffer.subarray(cursor.start, cursor.end).equals(frames[expected]!)).toBe(true)
          expect([cursor.type, cursor.body]).toEqual([BACKEND.DataRow, cursor.start + 5])
          if (one === 'keep' || kept !== undefined) {
            cursor.retain()
            kept ??= expected
          }
          expected++
        }
      }),
    )
  })

  it('hands over what was not read, for a TLS upgrade, wherever it stands', () => {
    const stream = Buffer.concat([frame(FRONTEND.Sync, Buffer.alloc(0)), frame(FRONTEND.Query, Buffer.alloc(90))])
    for (let cut = 0; cut <= stream.length; cut++) {
      const cursor = new FrameCursor('frontend', DEFAULT_FRAME_LIMITS)
      cursor.feed(stream.subarray(0, cut))
      const read = cursor.next() ? cursor.end : 0
      cursor.next()
      const consumed = cut >= stream.length ? stream.length : read
      cursor.feed(stream.subarray(cut))
      expect(cursor.takeRest().equals(stream.subarray(consumed))).toBe(true)
      expect(cursor.buffered).toBe(0)
      expect(cursor.next()).toBe(false)
      cursor.feed(frame(FRONTEND.Flush, Buffer.alloc(0)))
      expect(cursor.next()).toBe(true)
      expect(cursor.type).toBe(FRONTEND.Flush)
    }
  })

  it.each(SIDES)('refuses hostile lengths of a %s before it holds anything of the message', (sender, types) => {
    for (const type of Object.values(types)) {
      for (const length of [0, 3, -1, -2_147_483_648]) {
        for (const chunks of [[header(type, length)], [...byteByByte(header(type, length))]]) {
          const violation = violationOf(() => framesOf(sender, chunks))
          expect(violation.peer).toBe(sender)
          expect(violation.limit).toBeUndefined()
        }
      }
      const violation = violationOf(() => framesOf(sender, [header(type, 2_147_483_647)]))
      expect(violation.limit).toBe(true)
      expect(violation.peer).toBe(sender)
    }
  })

  it.each(SIDES)('accepts each type of a %s up to its limit and not beyond', (sender, types) => {
    const limits: FrameLimits = {
      maxQueryBytes: 100,
      maxBindBytes: 110,
      maxCopyDataBytes: 120,
      maxDataRowBytes: 130,
      maxDescriptionBytes: 140,
      maxReportBytes: 150,
      maxAuthenticationBytes: 160,
      maxOtherFrontendBytes: 170,
      maxOtherBackendBytes: 180,
    }
    const table = lengthLimits(sender, limits)
    for (const type of Object.values(types)) {
      const longest = table[type] ?? 0
      expect(longest).toBeGreaterThanOrEqual(100)
      expect(framesOf(sender, [frame(type, Buffer.alloc(longest - 4))], limits).frames).toHaveLength(1)
      expect(violationOf(() => framesOf(sender, [header(type, longest + 1)], limits)).limit).toBe(true)
      expect(violationOf(() => framesOf(sender, byteByByte(header(type, longest + 1)), limits)).limit).toBe(true)
    }
  })

  it('applies the named limits to the messages they are named for', () => {
    const limits: FrameLimits = {
      ...DEFAULT_FRAME_LIMITS,
      maxQueryBytes: 11,
      maxDataRowBytes: 12,
      maxCopyDataBytes: 13,
    }
    expect(lengthLimits('frontend', limits)[FRONTEND.Query]).toBe(11)
    expect(lengthLimits('frontend', limits)[FRONTEND.Parse]).toBe(11)
    expect(lengthLimits('backend', limits)[BACKEND.DataRow]).toBe(12)
    expect(lengthLimits('frontend', limits)[FRONTEND.CopyData]).toBe(13)
    expect(lengthLimits('backend', limits)[BACKEND.CopyData]).toBe(13)
    expect(lengthLimits('frontend', limits)[FRONTEND.Sync]).toBe(10_000)
    expect(lengthLimits('backend', limits)[BACKEND.ReadyForQuery]).toBe(30_000)
    expect(lengthLimits('frontend', limits)[FRONTEND.AuthenticationResponse]).toBe(65_535)
  })

  it.each(SIDES)('refuses at its first byte what is no message type of a %s', (sender: Peer, types) => {
    const known = new Set<number>(Object.values(types))
    for (let type = 0; type < 256; type++) {
      if (known.has(type)) continue
      expect(violationOf(() => framesOf(sender, [Buffer.from([type])])).peer).toBe(sender)
      expect(violationOf(() => framesOf(sender, [header(type, 4)])).limit).toBeUndefined()
    }
  })

  it('garbage gives messages or a ProtocolViolation, never anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom<Peer>('frontend', 'backend'), fc.array(fc.uint8Array()), (sender, chunks) => {
        try {
          framesOf(
            sender,
            chunks.map((chunk) => Buffer.from(chunk)),
          )
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
