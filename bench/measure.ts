import type { Leg, LegName } from './leg.ts'
import type { Measure } from './options.ts'

/** What one measurement of one leg gave. */
export interface Sample {
  readonly value: number
  /** Other figures of the same measurement, for the JSON. */
  readonly details: Readonly<Record<string, number>>
}

/** Something that is measured once for each leg in each round. */
export interface Case {
  readonly id: string
  /** For the tables. */
  readonly title: string
  readonly measure: Measure
  readonly unit: 'per second' | 'seconds' | 'KiB per session'
  readonly better: 'higher' | 'lower'
  readonly legs: readonly LegName[]
  run(leg: Leg): Promise<Sample>
}
