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
  { cases: ['tokens-psql', 'tokens-counted'], leg: 'fsync', against: 'timesDirect', wanted: 0.6 },
]

/** For 100,000 values; a quick run has fewer rows for them, and rounds as well. */
const NEW_TOKENS = { id: 'tokens-new', leg: 'fsync', seconds: 5 } as const

export interface TargetVerdict {
  readonly text: string
  /** As it is printed: at least or at most so much. */
  readonly wanted: string
  readonly measured: number
  readonly met: boolean
}

/** Compares the medians with the targets; a target whose case was not measured is not mentioned. */
export function judgeTargets(cases: readonly CaseSummary[]): readonly TargetVerdict[] {
  return [...judgeRatios(cases), ...judgeNewTokens(cases)]
}

function judgeRatios(cases: readonly CaseSummary[]): readonly TargetVerdict[] {
  return TARGETS.flatMap(({ cases: ids, leg, against, wanted }) =>
    ids.flatMap((id) => {
      const found = cases.find((one) => one.id === id)
      const measured = found?.legs.find((one) => one.leg === leg)?.[against]?.median
      if (found === undefined || measured === undefined) return []
      const base = against === 'timesDirect' ? 'direct' : 'PgBouncer'
      return [
        {
          text: `${found.title}, ${leg} × ${base}`,
          wanted: `at least ${wanted.toFixed(1)}`,
          measured,
          met: measured >= wanted,
        },
      ]
    }),
  )
}

function judgeNewTokens(cases: readonly CaseSummary[]): readonly TargetVerdict[] {
  const { id, leg, seconds } = NEW_TOKENS
  const found = cases.find((one) => one.id === id)
  const measured = found?.legs.find((one) => one.leg === leg)?.value?.median
  if (found === undefined || measured === undefined) return []
  const wanted = `at most ${seconds.toFixed(1)} s`
  return [{ text: `${found.title}, ${leg}`, wanted, measured, met: measured <= seconds }]
}
