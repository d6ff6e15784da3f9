import type { CellMasker, GroupGuard, MaskPlan } from '../../mask/plan.ts'
import { learnRow } from './learn-row.ts'

const INT8_BYTES = 8
/** Of the largest bigint. */
const INT8_DIGITS = 19
const ZERO = 0x30
const NINE = 0x39

/** The maskers for the DataRow whose body is bytes `body` to `end`: those of the plan, without those of large groups. */
export function cellsForRow(plan: MaskPlan, source: Buffer, body: number, end: number): MaskPlan['cells'] {
  if (plan.learn !== undefined) learnRow(plan.learn, source, body, end)
  return plan.groups === undefined ? plan.cells : opened(plan.cells, plan.groups, source, body, end)
}

function opened(
  cells: MaskPlan['cells'],
  groups: readonly GroupGuard[],
  source: Buffer,
  body: number,
  end: number,
): MaskPlan['cells'] {
  const result: (CellMasker | undefined)[] = [...cells]
  for (const { cell, count, binary, atLeast } of groups) {
    const start = startOf(count, source, body, end)
    if (start === null) continue
    const length = source.readInt32BE(start - 4)
    if (length < 0 || length > end - start) continue
    const size = binary ? binarySize(source, start, length) : textSize(source, start, length)
    if (size !== null && size >= atLeast) result[cell] = undefined
  }
  return result
}

/** Where a cell begins, after its length; null in a malformed row, which is refused when it is rewritten. */
function startOf(index: number, source: Buffer, body: number, end: number): number | null {
  let position = body + 2
  for (let i = 0; i < index && position + 4 <= end; i++) {
    position += 4 + Math.max(0, source.readInt32BE(position))
  }
  return position + 4 <= end ? position + 4 : null
}

function binarySize(source: Buffer, start: number, length: number): number | null {
  return length === INT8_BYTES ? Number(source.readBigInt64BE(start)) : null
}

function textSize(source: Buffer, start: number, length: number): number | null {
  if (length === 0 || length > INT8_DIGITS) return null
  for (let at = start; at < start + length; at++) {
    const byte = source[at]!
    if (byte < ZERO || byte > NINE) return null
  }
  return Number(source.toString('latin1', start, start + length))
}
