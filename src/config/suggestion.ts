/** The candidate that the word was probably meant to be, as ` Did you mean "…"?`, or nothing when none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const limit = Math.max(1, Math.min(3, Math.floor(word.length / 3)))
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(normalise(word), normalise(candidate), limit)
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best === undefined ? '' : ` Did you mean "${best.candidate}"?`
}

/** `date_of_birth`, `dateOfBirth` and `date-of-birth` are the same slip of the pen. */
const normalise = (word: string): string => word.toLowerCase().replaceAll(/[-_ ]/g, '')

/** Insertions, deletions, substitutions and swaps of neighbours that lead from one to the other; more than the limit when far. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    rows.push(current)
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current.push(
        Math.min(
          at(row - 1, column - 1) + (same ? 0 : 1),
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          swapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
  }
  return at(left.length, right.length)
}
