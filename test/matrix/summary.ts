import type { Outcome, Verdict } from './verdict.ts'

const ORDER: readonly Outcome[] = [
  'masked',
  'refused',
  'withheld',
  'over-refused',
  'leaked',
  'lost',
  'broken',
  'no control',
]

export interface Judged {
  readonly id: string
  readonly way: string
  readonly verdict: Verdict
}

/** A table of ways and outcomes, as text. */
export function table(judged: readonly Judged[]): string {
  const outcomes = ORDER.filter((outcome) => judged.some(({ verdict }) => verdict.outcome === outcome))
  const count = (list: readonly Judged[]): number[] =>
    outcomes.map((outcome) => list.filter(({ verdict }) => verdict.outcome === outcome).length)
  const ways = Map.groupBy(judged, ({ way }) => way)
  const lines = [
    line('way', outcomes),
    ...[...ways].map(([way, list]) => line(way, count(list))),
    line(`all (${judged.length})`, count(judged)),
  ]
  return `${lines.join('\n')}\n`
}

const line = (name: string, cells: readonly (string | number)[]): string =>
  name.padEnd(36) + cells.map((cell) => String(cell).padStart(14)).join('')

/** The cases of one outcome, one a line, with reasons. */
export const listed = (judged: readonly Judged[], ...outcomes: readonly Outcome[]): string[] =>
  judged
    .filter(({ verdict }) => outcomes.includes(verdict.outcome))
    .map(({ id, verdict: { outcome, detail } }) => `${outcome}: ${id}${detail === '' ? '' : ` (${detail.trim()})`}`)
