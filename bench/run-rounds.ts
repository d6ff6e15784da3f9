import type { Leg, LegName } from './leg.ts'
import type { Case, Sample } from './measure.ts'

export interface CaseResult {
  readonly case: Omit<Case, 'run'>
  /** One entry a round. */
  readonly rounds: readonly Readonly<Partial<Record<LegName, Sample>>>[]
  /** Why a leg has no figures in this case. */
  readonly failures: Readonly<Partial<Record<LegName, string>>>
}

export interface RoundsOptions {
  readonly cases: readonly Case[]
  readonly legs: readonly Leg[]
  readonly runs: number
  readonly signal: AbortSignal
  readonly onSample: (text: string) => void
}

/**
 * Measures every case on every leg, once a round. The legs of a case follow each other directly, beginning with another
 * one each round, so that whatever else the machine does meets them all. A leg that fails in a case is not tried again in
 * that case; the others go on.
 */
export async function runRounds(options: RoundsOptions): Promise<readonly CaseResult[]> {
  const { cases, legs, runs, signal } = options
  const results = cases.map((one) => ({
    case: described(one),
    rounds: [] as Partial<Record<LegName, Sample>>[],
    failures: {} as Partial<Record<LegName, string>>,
  }))
  for (let round = 0; round < runs; round++) {
    for (const [index, one] of cases.entries()) {
      const result = results[index]
      if (result === undefined) continue
      const samples: Partial<Record<LegName, Sample>> = {}
      for (let turn = 0; turn < legs.length; turn++) {
        const leg = legs[(turn + round) % legs.length]
        if (leg === undefined || !one.legs.includes(leg.name) || result.failures[leg.name] !== undefined) continue
        try {
          const sample = await one.run(leg)
          samples[leg.name] = sample
          options.onSample(
            `round ${round + 1}/${runs}  ${one.title}  ${leg.name}: ${sample.value.toPrecision(5)} ${one.unit}`,
          )
        } catch (error) {
          signal.throwIfAborted()
          const reason = error instanceof Error ? error.message : String(error)
          result.failures[leg.name] = reason
          options.onSample(`round ${round + 1}/${runs}  ${one.title}  ${leg.name}: FAILED: ${reason}`)
        }
      }
      result.rounds.push(samples)
    }
  }
  return results
}

function described({ id, title, measure, unit, better, legs }: Case): Omit<Case, 'run'> {
  return { id, title, measure, unit, better, legs }
}
