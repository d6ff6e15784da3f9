import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import type { JournalRecord } from '../record/batch.ts'
import type { Journal } from '../record/journal.ts'
import type { TokenVault } from '../vault/open-vault.ts'
import { actionRecords, recordedTokens } from './administration.ts'
import { durableAppends } from './durable-records.ts'

const KEY = { group: 'care', purpose: 'treatment', target: 'hospital' }

/** As much of a journal as is asked for: what is appended becomes durable when the test says so. */
class FakeJournal {
  readonly records: JournalRecord[] = []
  durableSeq = 0
  refusal: ChaperoneError | undefined
  #committed: () => void = () => undefined
  #failed: (error: ChaperoneError) => void = () => undefined

  append(record: JournalRecord): number {
    if (this.refusal !== undefined) throw this.refusal
    return this.records.push(record)
  }

  onCommit(listener: () => void): void {
    this.#committed = listener
  }

  onFailure(listener: (error: ChaperoneError) => void): void {
    this.#failed = listener
  }

  sync(): void {
    this.durableSeq = this.records.length
    this.#committed()
  }

  fail(error: ChaperoneError): void {
    this.#failed(error)
  }
}

class FakeVault {
  readonly done: string[] = []
  status = () => Promise.resolve({ currentKey: 'k', scopes: [] })
  deleteScope = () => this.#do('delete', true)
  expire = () => this.#do('expire', 3)
  rewrap = () => this.#do('rewrap', 2)

  #do<T>(what: string, result: T): Promise<T> {
    this.done.push(what)
    return Promise.resolve(result)
  }
}

function setUp() {
  const journal = new FakeJournal()
  const vault = new FakeVault()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts that are used
  const used = vault as unknown as TokenVault
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts that are used
  const written = journal as unknown as Journal
  const tokens = recordedTokens(used, actionRecords(durableAppends(written)))
  return { journal, vault, tokens }
}

describe('what an operator does with tokens', () => {
  it('is done once its record is durable', async () => {
    const { journal, vault, tokens } = setUp()
    const deleting = tokens.deleteScope(KEY)
    const expiring = tokens.expire()
    await Promise.resolve()
    expect(vault.done).toEqual([])
    expect(journal.records.map(({ kind, what }) => [kind, JSON.parse(what)])).toEqual([
      ['administration', { action: 'tokens.delete-scope', ...KEY }],
      ['administration', { action: 'tokens.expire' }],
    ])
    journal.sync()
    expect([await deleting, await expiring]).toEqual([true, 3])
    expect(vault.done).toEqual(['delete', 'expire'])
  })

  it('is not done when it cannot be recorded', async () => {
    const { journal, vault, tokens } = setUp()
    const failure = new ChaperoneError('CHP-RECORD-FAILED')
    const waiting = tokens.rewrap()
    journal.fail(failure)
    await expect(waiting).rejects.toBe(failure)
    journal.refusal = failure
    await expect(tokens.deleteScope(KEY)).rejects.toBe(failure)
    expect(vault.done).toEqual([])
  })

  it('needs no record to be looked at', async () => {
    const { journal, tokens } = setUp()
    expect(await tokens.status()).toEqual({ currentKey: 'k', scopes: [] })
    expect(journal.records).toEqual([])
  })
})
