import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from './byte-writer.ts'

describe('ByteWriter', () => {
  it('writes what it is given, and what it gave stays as it is', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)))
    const writer = new ByteWriter()
    fc.assert(
      fc.property(pieces, pieces, (first, second) => {
        for (const piece of first) writer.append(piece)
        expect(writer.length).toBe(Buffer.concat(first).length)
        const taken = writer.take()
        for (const piece of second) writer.appendRange(Buffer.concat([piece, piece]), piece.length, piece.length * 2)
        expect(writer.take()).toEqual(Buffer.concat(second))
        expect(taken).toEqual(Buffer.concat(first))
      }),
    )
  })

  it('writes bytes and numbers', () => {
    const writer = new ByteWriter()
    writer.appendByte(0xff)
    writer.appendInt32(-2)
    writer.appendInt32(7)
    writer.setInt32(1, 5)
    expect(writer.take().toString('hex')).toBe('fffffffffe00000001')
  })

  it('forgets', () => {
    const writer = new ByteWriter()
    writer.append(Buffer.alloc(1 << 20, 'x'))
    writer.clear()
    expect(writer.length).toBe(0)
    writer.appendByte(0x61)
    expect(writer.take().toString()).toBe('a')
  })
})
