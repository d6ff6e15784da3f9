import type { SqlFacts } from '../../inspect/sql/facts.ts'
import type { MaskPlan } from '../../mask/plan.ts'
import type { Permit } from '../protocol.ts'

/** One permitted operation between its intent and its outcome. */
export class RunningOperation {
  readonly permit: Permit
  readonly via: 'simple' | 'extended'
  /** What is known of the result of each statement of the text. */
  readonly results: readonly SqlFacts[]
  /** Which statement of the text is being answered. */
  index = 0
  /** How the rows of the current result leave; undefined until it was described. */
  plan: MaskPlan | 'pass' | undefined
  rows = 0
  bytes = 0
  tag = ''
  sqlstate: string | undefined
  readonly maskedClasses = new Set<string>()
  finished = false

  constructor(permit: Permit, via: 'simple' | 'extended', results: readonly SqlFacts[]) {
    this.permit = permit
    this.via = via
    this.results = results
  }

  /** Code whose inside is not known may do anything that its role may. */
  get mayChangeSchema(): boolean {
    return this.permit.verdict.facts.some(
      ({ effects, command }) => effects.includes('schema') || command === 'DO' || command === 'CALL',
    )
  }

  usePlan(plan: MaskPlan | 'pass'): void {
    this.plan = plan
    if (plan !== 'pass') for (const name of plan.classes) this.maskedClasses.add(name)
  }
}
