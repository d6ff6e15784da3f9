import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CellMasker } from '../../mask/plan.ts'
import { RowWriter, rewriteDataRow } from './datarow.ts'
import { decodeDataRow } from './decode.ts'
import { encodeDataRow } from './encode.ts'
import { ProtocolViolation } from './framing.ts'

const cellsOf = (frame: Buffer): (Buffer | null)[] => {
  expect(frame.readInt32BE(1)).toBe(frame.length - 1)
  return decodeDataRow(frame, 5, frame.length).values.map((value) => value && frame.subarray(value.start, value.end))
}

const rewrite = (frame: Buffer, cells: readonly (CellMasker | undefined)[], behind = Buffer.alloc(0)): Buffer => {
  const source = Buffer.concat([Buffer.from('before'), frame, behind])
  const out = new RowWriter()
  rewriteDataRow(source, 6 + 5, 6 + frame.length, cells, out)
  return out.take()
}

const violates = (act: () => unknown): void => expect(act).toThrow(ProtocolViolation)

const someBytes = fc.uint8Array({ maxLength: 80 }).map((list) => Buffer.from(list))
const column = fc.record({
  value: fc.option(someBytes),
  masked: fc.boolean(),
  replacement: fc.option(someBytes),
})

describe('rewriteDataRow', () => {
  it('replaces exactly the masked cells that are not NULL', () => {
    fc.assert(
      fc.property(fc.array(column, { maxLength: 12 }), someBytes, (columns, behind) => {
        const frame = encodeDataRow(columns.map(({ value }) => value))
        const plan = columns.map(({ masked, replacement }) => (masked ? () => replacement : undefined))
        expect(cellsOf(rewrite(frame, plan, behind))).toEqual(
          columns.map(({ value, masked, replacement }) => (masked && value !== null ? replacement : value)),
        )
      }),
    )
  })

  it('shows a masker the bytes of its cell and nothing else', () => {
    const frame = encodeDataRow(['one', null, 'three', ''])
    const seen: string[] = []
    const masker: CellMasker = (source, start, end) => {
      seen.push(source.toString('utf8', start, end))
      return Buffer.from('x')
    }
    expect(cellsOf(rewrite(frame, [masker, masker, undefined, masker])).map(String)).toEqual([
      'x',
      'null',
      'three',
      'x',
    ])
    expect(seen).toEqual(['one', ''])
  })

  it('copies a row without masked cells byte for byte', () => {
    const frame = encodeDataRow(['a', null, 'b'.repeat(100)])
    expect(rewrite(frame, [undefined, undefined, undefined]).equals(frame)).toBe(true)
    expect(rewrite(encodeDataRow([]), []).equals(encodeDataRow([]))).toBe(true)
  })

  it('makes room for replacements that are longer than their cells', () => {
    const long = Buffer.alloc(50_000, 7)
    const frame = encodeDataRow(['a', 'b', 'c', 'tail'])
    const cells = cellsOf(rewrite(frame, [() => long, undefined, () => long, undefined]))
    expect(cells.map((cell) => cell?.length)).toEqual([50_000, 1, 50_000, 4])
    expect(cells[3]?.toString()).toBe('tail')
  })

  it.each([-1, 1])('refuses a row with %i cells too many', (difference) => {
    const plan = Array.from({ length: 3 + difference }, () => undefined)
    violates(() => rewrite(encodeDataRow(['a', 'b', 'c']), plan))
  })

  it('refuses every cut, lengthened or hostile row, and writes nothing of it', () => {
    const frame = encodeDataRow(['abc', null, 'de'])
    const hostile: Buffer[] = [Buffer.concat([frame, Buffer.from([0])])]
    for (let length = 5; length < frame.length; length++) hostile.push(Buffer.from(frame.subarray(0, length)))
    for (const length of [-2, -2_147_483_648, 4, 2_147_483_647]) {
      const changed = Buffer.from(frame)
      changed.writeInt32BE(length, 7)
      hostile.push(changed)
    }
    for (const row of hostile) {
      const out = new RowWriter()
      out.append(Buffer.from('kept'))
      violates(() => rewriteDataRow(row, 5, row.length, [undefined, undefined, () => Buffer.from('x')], out))
      expect(out.take().toString()).toBe('kept')
    }
  })

  it('garbage is rewritten to a valid row or is a ProtocolViolation, never anything else', () => {
    const body = fc.array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 255), fc.nat(255)), { maxLength: 40 })
    const plan = fc.array(
      fc.constantFrom(
        undefined,
        () => Buffer.from('m'),
        () => null,
      ),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(body, plan, (list, cells) => {
        const frame = Buffer.from([0x44, 0, 0, 0, 0, ...list])
        try {
          expect(cellsOf(rewrite(frame, cells))).toHaveLength(cells.length)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('RowWriter', () => {
  it('keeps what was written in order over any number of growths and takes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30_000), fc.boolean()), { maxLength: 12 }), (steps) => {
        const out = new RowWriter()
        const taken: Buffer[] = []
        const written: Buffer[] = []
        for (const [index, [size, take]] of steps.entries()) {
          const piece = Buffer.alloc(size, index + 1)
          out.appendRange(piece, 0, size)
          written.push(piece)
          if (take) taken.push(out.take())
        }
        taken.push(out.take())
        expect(out.length).toBe(0)
        expect(Buffer.concat(taken).equals(Buffer.concat(written))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('is cut to what it has, and never to more', () => {
    const writer = new RowWriter()
    writer.append(Buffer.from('kept, not kept'))
    writer.cutTo(4)
    writer.append(Buffer.from('!'))
    expect(() => writer.cutTo(6)).toThrow(RangeError)
    expect(writer.take().toString()).toBe('kept!')
    // What has been handed out is no longer there.
    expect(() => writer.cutTo(4)).toThrow(RangeError)
  })

  it('never writes to bytes it has handed out', () => {
    const out = new RowWriter()
    const taken: Buffer[] = []
    for (const size of [10, 9000, 20, 100_000, 30]) {
      out.append(Buffer.alloc(size, 1))
      taken.push(out.take())
      out.append(Buffer.alloc(200_000, 2))
      out.take()
    }
    for (const bytes of taken) expect(bytes.every((byte) => byte === 1)).toBe(true)
  })

  it('hands out small results without a large allocation behind them', () => {
    const out = new RowWriter()
    out.append(Buffer.alloc(100_000))
    out.take()
    out.append(Buffer.alloc(100))
    expect(out.take().buffer.byteLength).toBeLessThan(100_000)
  })
})
