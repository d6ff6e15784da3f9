import type { SqlFacts } from '../inspect/sql/facts.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { AllowedVerdict, CatalogExpectation, OpenedTarget, Verdict } from '../protocols/protocol.ts'
import { waysToAsk } from './catalog-asking.ts'
import { catalogExpectation } from './catalog-expectation.ts'
import type { NamedText } from './session-recorder.ts'
import type { TargetSnapshot } from './target-state.ts'
import type { DecisionInputs } from './decision-inputs.ts'
import type { JudgedVerdict, Verdicts } from './verdicts.ts'

/** What a gate knows of a verdict that it has given. */
export interface Remembered {
  readonly judged: JudgedVerdict
  /** That it was judged with. */
  readonly snapshot: TargetSnapshot
  /** It speaks of names, which can come to stand for something else at any time; what they stood for when it was judged. */
  readonly standsFor: readonly NamedText[] | undefined
  /** Verdicts of those, as they were when their names were made. */
  readonly named: readonly Verdict[]
  /** Who has judged it: others decide when the policy has changed. */
  readonly verdicts: Verdicts
}

interface Asked {
  /** What has to hold in the catalog when the statement runs; made when it is first asked for. */
  expectation: CatalogExpectation | undefined | 'not asked'
  /** Found when it is first asked for. */
  ways?: ReturnType<typeof waysToAsk>
}

/** The verdicts of one session, and what has to hold in the catalog for them, for as long as anybody has them. */
export class RememberedVerdicts {
  readonly #entries = new WeakMap<Verdict, Remembered & Asked>()
  readonly #inputs = new WeakMap<object, DecisionInputs>()

  /** False when it was remembered before: that stays. */
  add(remembered: Remembered): boolean {
    const { verdict } = remembered.judged
    if (this.#entries.has(verdict)) return false
    this.#entries.set(verdict, { ...remembered, expectation: 'not asked' })
    const { inputs } = remembered.judged
    if (inputs !== undefined) this.#inputs.set(verdict.facts, inputs)
    return true
  }

  of(verdict: Verdict): Remembered | undefined {
    return this.#entries.get(verdict)
  }

  /** By the very list of facts that was judged. */
  inputsOf(facts: readonly SqlFacts[]): DecisionInputs | undefined {
    return this.#inputs.get(facts)
  }

  /** A verdict that this gate did not give is no verdict, whatever its type says. */
  known(verdict: AllowedVerdict): Remembered {
    return this.#known(verdict)
  }

  expectation(verdict: AllowedVerdict, session: OpenedTarget): CatalogExpectation | undefined {
    const known = this.#known(verdict)
    if (known.expectation === 'not asked') {
      known.expectation = catalogExpectation(verdict.facts, known.snapshot.catalog, session)
    }
    return known.expectation
  }

  waysToAsk(verdict: AllowedVerdict, session: OpenedTarget): ReturnType<typeof waysToAsk> {
    const known = this.#known(verdict)
    known.ways ??= waysToAsk(
      verdict.facts,
      (one) => catalogExpectation([one], known.snapshot.catalog, session) !== undefined,
    )
    return known.ways
  }

  #known(verdict: AllowedVerdict): Remembered & Asked {
    const remembered = this.#entries.get(verdict)
    if (remembered === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'a verdict of unknown origin' })
    return remembered
  }
}
