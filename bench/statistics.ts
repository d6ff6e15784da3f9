/** The middle of repeated measurements, and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** How many measurements it is made of. */
  readonly count: number
}

/** One measurement of each leg within one round; undefined where a leg was left out or failed. */
export type Round = Readonly<Record<string, number | undefined>>

/** The median is the mean of the two middle values when their number is even. Undefined when there are none. */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return undefined
  const upper = sorted[sorted.length >> 1] ?? max
  const lower = sorted[(sorted.length - 1) >> 1] ?? min
  return { median: (lower + upper) / 2, min, max, count: sorted.length }
}

/**
 * How well `leg` did against `base`: 1 is as good, 0.5 half as good. The ratio is taken within each round, whose
 * measurements lie close together in time, and only then is the median taken, so that a machine that gets slower or
 * faster during a run disturbs neither. Rounds in which one of the two is missing do not count.
 */
export function ratio(
  rounds: readonly Round[],
  leg: string,
  base: string,
  better: 'higher' | 'lower',
): Spread | undefined {
  return spread(
    rounds.flatMap((round) => {
      const [ours, theirs] = [round[leg], round[base]]
      if (ours === undefined || theirs === undefined || ours <= 0 || theirs <= 0) return []
      return [better === 'higher' ? ours / theirs : theirs / ours]
    }),
  )
}
