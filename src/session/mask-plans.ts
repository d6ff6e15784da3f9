import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { compilePlan } from '../mask/compile-plan.ts'
import { CopyFormatError } from '../mask/copy/copy-format-error.ts'
import { compileCopyPlan, type CopyPlan } from '../mask/copy-plan.ts'
import type { MaskPlan, Pending, ResultColumn } from '../mask/plan.ts'
import type { KnownValues } from '../phi/detect/known-values.ts'
import type { StandIns } from '../phi/tokens/stand-ins.ts'
import type { CopyMask, CopyRows } from '../protocols/protocol.ts'
import type { TargetSnapshot } from './target-state.ts'

export interface MaskPlansOptions {
  readonly clears: (phiClass: string) => boolean
  /** See `PhiConfig.minimumGroupSize`. */
  readonly minimumGroupSize: number | undefined
  readonly standIns: StandIns
  /** See `PlanInput.knownValues`. */
  readonly knownValues: KnownValues | undefined
  readonly clock: Clock
}

/** How the results of one masked session are rewritten; an error for what may not be released at all. */
export class MaskPlans {
  readonly #options: MaskPlansOptions

  constructor(options: MaskPlansOptions) {
    this.#options = options
  }

  /** @param snapshot with which the statement was judged; undefined when that is not known, and nothing is proven then */
  plan(
    snapshot: TargetSnapshot | undefined,
    facts: SqlFacts | undefined,
    columns: readonly ResultColumn[],
  ): MaskPlan | 'pass' | ChaperoneError {
    const { minimumGroupSize } = this.#options
    const plan = compilePlan({
      ...this.#common(),
      columns,
      outputs: snapshot === undefined || facts === undefined ? 'unknown' : facts.outputs,
      phiReachable: snapshot === undefined || facts === undefined || facts.phiReachable,
      phi: snapshot?.phi ?? { columnOf: () => undefined },
      minimumGroupSize,
      typeOf: snapshot?.typeOf ?? (() => undefined),
    })
    return typeof plan === 'object' && 'refuse' in plan
      ? new ChaperoneError('CHP-MASK-UNPROVEN', { message: plan.refuse })
      : plan
  }

  /** The same for COPY … TO STDOUT of so many columns. */
  copyPlan(
    snapshot: TargetSnapshot | undefined,
    facts: SqlFacts | undefined,
    columns: number,
  ): CopyMask | 'pass' | ChaperoneError {
    if (facts?.phiReachable === false) return 'pass'
    if (snapshot === undefined || facts?.copy === undefined || facts.outputs === 'unknown') {
      return new ChaperoneError('CHP-MASK-UNPROVEN', { message: 'the columns of COPY are not known' })
    }
    if (facts.outputs.length !== columns) {
      return new ChaperoneError('CHP-MASK-UNPROVEN', { message: 'COPY has other columns than the statement says' })
    }
    const plan = compileCopyPlan({
      ...this.#common(),
      format: facts.copy,
      outputs: facts.outputs,
      phiReachable: facts.phiReachable,
      phi: snapshot.phi,
      typeOf: snapshot.typeOf,
    })
    if (plan === 'pass') return plan
    return 'refuse' in plan
      ? new ChaperoneError('CHP-MASK-UNPROVEN', { message: plan.refuse })
      : { classes: plan.classes, start: () => copyRows(plan.start(), plan.pending) }
  }

  #common() {
    const { clears, standIns, knownValues, clock } = this.#options
    return { clears, standIns, knownValues, currentYear: new Date(clock()).getUTCFullYear() }
  }
}

/** What is no row of the format ends the session: from there on nothing that the target sends can be told apart. */
function copyRows(rewriter: ReturnType<CopyPlan['start']>, pending: Pending | undefined): CopyRows {
  return {
    ...(pending === undefined ? {} : { pending }),
    row: (source, start, end) => {
      try {
        return rewriter.row(source, start, end)
      } catch (error) {
        if (!(error instanceof CopyFormatError)) throw error
        throw new ChaperoneError('CHP-TARGET-LOST', { reason: `the target sent rows of COPY that cannot be read` })
      }
    },
  }
}
