import type { SqlFacts } from '../../inspect/sql/facts.ts'
import type { MaskPlan } from '../../mask/plan.ts'
import type { ChaperoneError } from '../../lib/errors.ts'
import type { CopyInRows, CopyRows, Meter, Permit } from '../protocol.ts'
import type { SentText } from './sent-text.ts'

/** One permitted operation between its intent and its outcome. */
export class RunningOperation {
  readonly permit: Permit
  readonly via: 'simple' | 'extended'
  /** What is known of the result of each statement of the text. */
  readonly results: readonly SqlFacts[]
  /** Which statement of the text is being answered; -1 for a question of the gateway in front of it. */
  index = 0
  /** Characters that were sent in front of the client's text. */
  prefix = 0
  /** What was sent in place of the client's text, so that positions are told as those of that; 'unknown' when they can't be. */
  sent: SentText | 'unknown' | undefined
  /** How the rows of the current result leave; undefined until it was described. */
  plan: MaskPlan | 'pass' | undefined
  /** Why it may not leave, if that was found: no row of it may. */
  refusal: ChaperoneError | undefined
  /** Counts the rows of the current result; undefined when nobody does. */
  meter: Meter | undefined
  /** Whether it was asked for; a result that was not described has none yet. */
  hasMeter = false
  /** Rewrites the rows of the COPY that is under way; undefined when they pass. */
  copy: CopyRows | undefined
  /** Looks at the rows of the COPY that the client sends; undefined when they pass, an error when they may not be sent. */
  copyIn: CopyInRows | ChaperoneError | undefined
  /** Why the gateway has ended a COPY that the client sends: it is told in place of what the target says to that. */
  copyRefusal: ChaperoneError | undefined
  rows = 0
  /** Of them, those of the statements of the text that are done. */
  rowsBefore = 0
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

  useMeter(meter: Meter | undefined): void {
    this.meter?.end()
    this.meter = meter
    this.hasMeter = true
  }

  /** The rows that follow are those of another result. */
  dropMeter(): void {
    this.useMeter(undefined)
    this.hasMeter = false
  }

  usePlan(plan: MaskPlan | 'pass'): void {
    this.plan = plan
    this.refusal = undefined
    if (plan !== 'pass') for (const name of plan.classes) this.maskedClasses.add(name)
  }
}
