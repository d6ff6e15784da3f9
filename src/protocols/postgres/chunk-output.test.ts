import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkOutput } from './chunk-output.ts'
import { RowWriter } from './datarow.ts'

describe('ChunkOutput', () => {
  it('is what was passed, put and written, in order, over any number of chunks', () => {
    const action = fc.record({
      kind: fc.constantFrom('pass', 'drop', 'put', 'write'),
      size: fc.integer({ min: 0, max: 200 }),
    })
    fc.assert(
      fc.property(fc.array(fc.array(action, { maxLength: 12 }), { maxLength: 5 }), (chunks) => {
        const output = new ChunkOutput(new RowWriter())
        const taken: { readonly got: Buffer; readonly wanted: Buffer }[] = []
        let next = 0
        for (const actions of chunks) {
          const chunk = Buffer.from(
            Array.from({ length: actions.reduce((sum, { size }) => sum + size, 0) }, () => next++ & 0xff),
          )
          const wanted: Buffer[] = []
          let at = 0
          for (const { kind, size } of actions) {
            const frame = chunk.subarray(at, at + size)
            const other = Buffer.alloc(size, 0x2a)
            if (kind === 'pass') output.pass(chunk, at, at + size)
            else if (kind === 'put') output.put(other)
            else if (kind === 'write') output.writer().append(other)
            if (kind === 'pass') wanted.push(frame)
            else if (kind !== 'drop') wanted.push(other)
            at += size
            expect(output.length).toBe(Buffer.concat(wanted).length)
          }
          taken.push({ got: output.take(), wanted: Buffer.concat(wanted) })
          expect(output.length).toBe(0)
        }
        // What was taken is not written to by what comes later.
        for (const { got, wanted } of taken) expect(got.equals(wanted)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('copies nothing when every frame passes', () => {
    const output = new ChunkOutput(new RowWriter())
    const chunk = Buffer.from('abcdef')
    output.pass(chunk, 0, 3)
    output.pass(chunk, 3, 6)
    expect(output.take().buffer).toBe(chunk.buffer)
  })
})
