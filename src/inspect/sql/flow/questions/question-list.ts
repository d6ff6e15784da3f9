import type { PhiQuestion } from '../../facts.ts'
import type { Taint } from '../values/taint.ts'

/** The questions that a statement asks about PHI, without duplicates. */
export class QuestionList {
  readonly #questions = new Map<string, PhiQuestion>()

  add(use: PhiQuestion['use'], about: Taint, released: boolean): void {
    this.#set({ ...asked(about), use, released })
  }

  /** A condition that is released as long as its constants are stand-ins. */
  addByStandIn(about: Taint): void {
    this.#set({ ...asked(about), use: 'condition', released: true, byStandIn: true })
  }

  get all(): readonly PhiQuestion[] {
    return [...this.#questions.values()]
  }

  #set(question: PhiQuestion): void {
    this.#questions.set(JSON.stringify(question), question)
  }
}

function asked({ classes, columns }: Taint): Pick<PhiQuestion, 'classes' | 'columns'> {
  return { classes: [...classes].toSorted(), columns: [...columns].toSorted() }
}
