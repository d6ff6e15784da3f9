import type { JournalRecord } from '../record/batch.ts'
import type { Journal } from '../record/journal.ts'

/** Resolves when the record is durable; rejects with CHP-RECORD-FAILED if it will not be. */
export type DurableAppend = (record: JournalRecord, body?: string) => Promise<void>

interface Waiter {
  readonly seq: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Appends what has to be on record before it takes effect. One for the process: whoever waits is told by one listener. */
export function durableAppends(journal: Journal): DurableAppend {
  let waiters: readonly Waiter[] = []
  journal.onCommit(() => {
    for (const { seq, resolve } of waiters) if (seq <= journal.durableSeq) resolve()
    waiters = waiters.filter(({ seq }) => seq > journal.durableSeq)
  })
  journal.onFailure((error) => {
    for (const { reject } of waiters) reject(error)
    waiters = []
  })
  return (record, body) =>
    new Promise((resolve, reject) => {
      waiters = [...waiters, { seq: journal.append(record, body), resolve, reject }]
    })
}
