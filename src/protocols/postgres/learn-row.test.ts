import { expect, it } from 'vitest'
import { learnRow } from './learn-row.ts'

/** The body of a DataRow. */
function row(...cells: readonly (string | null)[]): Buffer {
  const parts = [Buffer.from([0, cells.length])]
  for (const cell of cells) {
    const length = Buffer.alloc(4)
    length.writeInt32BE(cell === null ? -1 : Buffer.byteLength(cell))
    parts.push(length, Buffer.from(cell ?? ''))
  }
  return Buffer.concat(parts)
}

function learned(body: Buffer, wanted: readonly boolean[]): readonly string[] {
  const seen: string[] = []
  const cells = wanted.map((one) =>
    one
      ? (source: Buffer, start: number, end: number) => (seen.push(source.toString('utf8', start, end)), null)
      : undefined,
  )
  const source = Buffer.concat([Buffer.from('D    '), body, Buffer.from('behind')])
  learnRow({ begin: () => seen.push('row'), cells }, source, 5, 5 + body.length)
  return seen
}

it('shows the cells that are wanted, and no NULL', () => {
  expect(learned(row('a', 'b', null, '', 'c'), [true, false, true, true, true])).toEqual(['row', 'a', '', 'c'])
})

it('ends at the end of a row that is cut anywhere', () => {
  const whole = row('first', 'second')
  for (let length = 0; length < whole.length; length += 1) {
    expect(['row', 'row first']).toContain(learned(whole.subarray(0, length), [true, true]).join(' '))
  }
})
