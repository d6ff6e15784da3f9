import type { RowLearner } from '../../mask/plan.ts'

/** Shows the cells of the DataRow whose body is bytes `body` to `end` to who wants to know them. A malformed row is refused when it is rewritten. */
export function learnRow(learner: RowLearner, source: Buffer, body: number, end: number): void {
  learner.begin()
  let position = body + 2
  for (const cell of learner.cells) {
    const start = position + 4
    if (start > end) return
    const length = source.readInt32BE(position)
    const next = start + Math.max(0, length)
    if (next > end) return
    if (length >= 0) cell?.(source, start, next)
    position = next
  }
}
