import { describe, expect, it } from 'vitest'
import type { GroupGuard, MaskPlan } from '../../mask/plan.ts'
import { RowWriter, rewriteDataRow } from './datarow.ts'
import { encodeDataRow } from './encode.ts'
import { cellsForRow } from './group-cells.ts'

const masked = () => Buffer.from('***')
const guard = (cell: number, count: number, binary = false): GroupGuard => ({ cell, count, binary, atLeast: 11 })
const planOf = (groups: readonly GroupGuard[] | undefined, cells: MaskPlan['cells']): MaskPlan => ({
  cells,
  maskedCount: cells.length,
  classes: ['age'],
  ...(groups === undefined ? {} : { groups }),
})

/** Which cells of a row stay masked: `m` or `.` */
function maskedIn(plan: MaskPlan, values: readonly (Buffer | string | null)[], shorter = 0): string {
  const frame = encodeDataRow(values)
  const cells = cellsForRow(plan, Buffer.concat([frame, Buffer.from('behind')]), 5, frame.length - shorter)
  return cells.map((cell) => (cell === undefined ? '.' : 'm')).join('')
}

function int8(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

describe('cellsForRow', () => {
  it('is the plan itself where there are no groups', () => {
    const plan = planOf(undefined, [masked, undefined])
    expect(cellsForRow(plan, Buffer.alloc(0), 0, 0)).toBe(plan.cells)
  })

  it.each<[size: Buffer | string | null, cells: string]>([
    ['11', '..'],
    ['12', '..'],
    ['9223372036854775807', '..'],
    ['0011', '..'],
    ['10', 'm.'],
    ['0', 'm.'],
    ['9', 'm.'],
    [null, 'm.'],
    ['', 'm.'],
    ['-11', 'm.'],
    ['+11', 'm.'],
    [' 11', 'm.'],
    ['11 ', 'm.'],
    ['1e9', 'm.'],
    ['0x99', 'm.'],
    ['99.0', 'm.'],
    ['Infinity', 'm.'],
    ['99999999999999999999', 'm.'],
    [int8(11n), 'm.'],
  ])('a size in text: %j', (size, cells) => {
    expect(maskedIn(planOf([guard(0, 1)], [masked, undefined]), ['47.5', size])).toBe(cells)
  })

  it.each<[size: Buffer | string | null, cells: string]>([
    [int8(11n), '..'],
    [int8(2n ** 63n - 1n), '..'],
    [int8(10n), 'm.'],
    [int8(0n), 'm.'],
    [int8(-1n), 'm.'],
    [int8(-(2n ** 63n)), 'm.'],
    [int8(11n).subarray(4), 'm.'],
    [Buffer.concat([int8(11n), Buffer.alloc(1)]), 'm.'],
    [null, 'm.'],
    ['', 'm.'],
    ['11', 'm.'],
  ])('a size in binary: %j', (size, cells) => {
    expect(maskedIn(planOf([guard(0, 1, true)], [masked, undefined]), ['47.5', size])).toBe(cells)
  })

  it('goes by the size of each', () => {
    const plan = planOf([guard(1, 0), guard(3, 4), guard(5, 0)], [undefined, masked, masked, masked, undefined, masked])
    expect(maskedIn(plan, ['11', '1', '2', '3', '10', null])).toBe('..mm..')
    expect(maskedIn(plan, ['10', '1', null, '3', '11', '5'])).toBe('.mm..m')
    expect(maskedIn(plan, [null, null, null, null, '11', '5'])).toBe('.mm..m')
  })

  it('opens nothing for one row after another', () => {
    const plan = planOf([guard(0, 1)], [masked, undefined])
    expect([maskedIn(plan, ['1', '11']), maskedIn(plan, ['1', '1'])]).toEqual(['..', 'm.'])
  })

  it('opens nothing in a row that is cut off, and leaves it to be refused', () => {
    const plan = planOf([guard(0, 1)], [masked, undefined])
    const length = encodeDataRow(['47.5', '11']).length
    for (let shorter = 1; shorter <= length - 5; shorter++) {
      expect(maskedIn(plan, ['47.5', '11'], shorter)).toBe('m.')
    }
    const frame = encodeDataRow(['47.5', '11'])
    frame.writeInt32BE(-5, 7)
    const cells = cellsForRow(plan, frame, 5, frame.length)
    expect(() => rewriteDataRow(frame, 5, frame.length, cells, new RowWriter())).toThrow('DataRow')
  })
})
