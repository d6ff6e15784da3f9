import { Duplex } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatedWriter } from './gated-writer.ts'

class Sink extends Duplex {
  readonly pieces: Buffer[] = []
  override _read(): void {
    // Nothing is read from it.
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.pieces.push(chunk)
    done()
  }
}

function writer() {
  const marks = { appended: 0, written: 0, durable: 0 }
  const stream = new Sink()
  const waiting = new Set<GatedWriter>()
  let released = 0
  const gated = new GatedWriter(stream, marks, waiting, () => released++)
  return { marks, stream, waiting, gated, released: () => released }
}

type Step =
  | { readonly kind: 'append' | 'write' | 'sync' | 'end' | 'discard' }
  | { readonly kind: 'push'; readonly bytes: number; readonly names: boolean }

describe('GatedWriter', () => {
  it('lets nothing out early, nothing overtake, and everything out in the end', () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('push' as const), bytes: fc.nat(3), names: fc.boolean() }),
      },
      { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('append', 'write', 'sync') }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('end', 'discard') }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { marks, stream, waiting, gated } = writer()
        // What has to have been reached before each byte that was pushed, in order.
        let owed: { readonly byte: number; readonly written: number; readonly durable: number }[] = []
        let out = 0
        let next = 0
        let ended = false
        for (const one of steps) {
          if (one.kind === 'append') marks.appended++
          else if (one.kind === 'write') marks.written = marks.appended
          else if (one.kind === 'sync') marks.durable = marks.written
          else if (one.kind === 'end') {
            gated.end()
            ended = true
          } else if (one.kind === 'discard') {
            gated.discard()
            owed = owed.slice(0, Buffer.concat(stream.pieces).length)
          } else if (one.kind === 'push' && !ended) {
            const durable = one.names ? marks.appended : 0
            const bytes = Buffer.from(Array.from({ length: one.bytes }, () => next++ & 0xff))
            for (const byte of bytes) owed.push({ byte, written: marks.appended, durable })
            gated.push(bytes, durable)
          }
          if (one.kind === 'write' || one.kind === 'sync') for (const each of waiting) each.release()
          const seen = Buffer.concat(stream.pieces)
          for (; out < seen.length; out++) {
            const due = owed[out]
            expect(due?.byte).toBe(seen[out])
            expect(marks.written).toBeGreaterThanOrEqual(due?.written ?? Infinity)
            expect(marks.durable).toBeGreaterThanOrEqual(due?.durable ?? Infinity)
          }
          // Nothing that may go is kept.
          const blocked = owed.findIndex(({ written, durable }) => marks.written < written || marks.durable < durable)
          if (one.kind === 'write' || one.kind === 'sync') expect(out).toBe(blocked === -1 ? owed.length : blocked)
          expect(gated.backlog).toBe(owed.length - out)
          expect(stream.writableEnded).toBe(ended && out === owed.length)
        }
        expect(waiting.has(gated)).toBe(out < owed.length)
      }),
      { numRuns: 500 },
    )
  })

  it('tells when something was let go, and only then', () => {
    const { marks, gated, released } = writer()
    marks.appended = 1
    gated.push(Buffer.from('x'))
    gated.release()
    expect(released()).toBe(0)
    marks.written = 1
    gated.release()
    expect(released()).toBe(1)
  })

  it('takes nothing after its end', () => {
    const { marks, stream, gated, waiting } = writer()
    marks.appended = 1
    gated.push(Buffer.from('held'))
    gated.end()
    gated.push(Buffer.from('late'))
    marks.written = 1
    for (const each of waiting) each.release()
    expect(Buffer.concat(stream.pieces).toString()).toBe('held')
    gated.push(Buffer.from('later'))
    expect(Buffer.concat(stream.pieces).toString()).toBe('held')
    expect(stream.destroyed).toBe(false)
  })

  it('ends a stream whose held bytes were discarded', () => {
    const { marks, stream, gated } = writer()
    marks.appended = 1
    gated.push(Buffer.from('held'))
    gated.end()
    gated.discard()
    expect(stream.writableEnded).toBe(true)
  })
})
