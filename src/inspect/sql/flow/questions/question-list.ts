import type { PhiQuestion } from '../../facts.ts'
import type { Taint } from '../values/taint.ts'

/** The questions that a statement asks about PHI, without duplicates. */
export class QuestionList {
  readonly #questions = new Map<string, PhiQuestion>()

  add(use: PhiQuestion['use'], about: Taint, released: boolean): void {
    const question: PhiQuestion = {
      classes: [...about.classes].toSorted(),
      columns: [...about.columns].toSorted(),
      use,
      released,
    }
    this.#questions.set(JSON.stringify(question), question)
  }

  get all(): readonly PhiQuestion[] {
    return [...this.#questions.values()]
  }
}
