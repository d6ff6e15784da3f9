import type { LegName } from './leg.ts'
import type { CaseSummary } from './report.ts'

/** What the foundation set out to reach, so that a slip is seen in the run that shows it. */
const TARGETS: readonly {
  readonly cases: readonly string[]
  readonly leg: LegName
  readonly against: 'timesDirect' | 'timesPgBouncer'
  readonly wanted: number
}[] = [
  { cases: ['pgbench-simple-8', 'pgbench-prepared-8'], leg: 'process-crash', against: 'timesPgBouncer', wanted: 0.5 },
  { cases: ['pgbench-simple-32', 'pgbench-prepared-32'], leg: 'fsync', against: 'timesPgBouncer', wanted: 0.4 },
  { cases: ['rows-psql'], leg: 'fsync', against: 'timesDirect', wanted: 0.8 },
  { cases: ['rows-psql'], leg: 'process-crash', against: 'timesDirect', wanted: 0.8 },
]

export interface TargetVerdict {
  readonly text: string
  readonly wanted: number
  readonly measured: number
  readonly met: boolean
}

/** Compares the medians with the targets; a target whose case was not measured is not mentioned. */
export function judgeTargets(cases: readonly CaseSummary[]): readonly TargetVerdict[] {
  return TARGETS.flatMap(({ cases: ids, leg, against, wanted }) =>
    ids.flatMap((id) => {
      const found = cases.find((one) => one.id === id)
      const measured = found?.legs.find((one) => one.leg === leg)?.[against]?.median
      if (found === undefined || measured === undefined) return []
      const base = against === 'timesDirect' ? 'direct' : 'PgBouncer'
      return [{ text: `${found.title}, ${leg} × ${base}`, wanted, measured, met: measured >= wanted }]
    }),
  )
}
