import type { CatalogExpectation } from '../protocol.ts'
import { askCheck, askedFirst, statementFor, takeLocks } from './catalog-check.ts'
import type { Expected } from './expected.ts'
import type { Change } from './named-statements.ts'
import type { OutgoingRun } from './outgoing-run.ts'
import type { RunningOperation } from './running-operation.ts'
import type { ReplyKind } from './state.ts'

type Expect = (kind: ReplyKind, expected: Expected) => void

export interface Question {
  readonly expectation: CatalogExpectation
  /** What is to run only if the answer is yes. */
  readonly operation: RunningOperation
  readonly batch: number
}

const NOTHING = (): void => undefined

/** Asks the target whether its catalog is as expected, in front of what comes next. Knows whether the session has the question. */
export class CatalogChecker {
  readonly #run: OutgoingRun
  readonly #expect: Expect
  /** By the name of a statement: the batch in which it was last prepared, or 'answered' when the server has said so. */
  readonly #prepared = new Map<string, number | 'answered'>()
  /** Counts how often everything that the session had prepared went away. */
  #generation = 0

  constructor(run: OutgoingRun, expect: Expect) {
    this.#run = run
    this.#expect = expect
  }

  /** Everything that the session has prepared may be gone. */
  forget(): void {
    this.#prepared.clear()
    this.#generation++
  }

  /** Takes the locks of a statement that does not take them before it runs. */
  lock({ expectation, operation }: Question): void {
    const part = { operation, hidden: true, check: true }
    this.#run.inject(takeLocks(expectation))
    this.#expect('close', part)
    this.#expect('parse', part)
  }

  /** The question as messages. */
  ask(question: Question, passed: () => void = NOTHING): void {
    const { expectation, operation } = question
    const part = { operation, hidden: true, check: true }
    this.#prepare(question)
    this.#run.inject(askCheck(expectation))
    this.#expect('close', part)
    this.#expect('bind', { ...part, change: { confirm: NOTHING, undo: NOTHING, failed: () => this.forget() } })
    this.#expect('execute', { ...part, change: { confirm: passed, undo: NOTHING, failed: NOTHING } })
  }

  /** The question as SQL, to be put in front of a text; `change` says what that one does to names. */
  askFirst(question: Question, change: Change | undefined): { readonly sql: string; readonly change: Change } {
    this.#prepare(question)
    return {
      sql: askedFirst(question.expectation),
      change: {
        confirm: () => change?.confirm(),
        undo: () => change?.undo(),
        failed: (index, sqlstate) => {
          if (index < 0) this.forget()
          change?.failed(index, sqlstate)
        },
      },
    }
  }

  #prepare({ expectation, operation, batch }: Question): void {
    const { name, prepare } = statementFor(expectation)
    const prepared = this.#prepared.get(name)
    if (prepared === 'answered' || prepared === batch) return
    const part = { operation, hidden: true, check: true }
    this.#run.inject(prepare)
    this.#expect('close', part)
    this.#expect('parse', { ...part, change: this.#preparing(name, batch) })
  }

  /** Within a batch it can be relied on: if this fails, the server passes over what follows. */
  #preparing(name: string, batch: number): Change {
    this.#prepared.set(name, batch)
    const generation = this.#generation
    const confirm = () => {
      if (generation === this.#generation) this.#prepared.set(name, 'answered')
    }
    const undo = () => {
      if (generation === this.#generation) this.#prepared.delete(name)
    }
    return { confirm, undo, failed: undo }
  }
}
