import type { Effect, SqlFacts } from '../../inspect/sql/facts.ts'
import type { AllowedVerdict, CatalogExpectation } from '../protocol.ts'
import { CatalogChecker } from './catalog-checker.ts'
import type { Names } from './definitions.ts'
import { encodeBind, encodeDescribe, encodeExecute, encodeParse, encodeQuery, encodeSync } from './encode.ts'
import type { Expected } from './expected.ts'
import type { Change } from './named-statements.ts'
import type { OutgoingRun } from './outgoing-run.ts'
import type { RunningOperation } from './running-operation.ts'
import type { ReplyKind } from './state.ts'

/** What the extended protocol locks when it binds it, and what a simple query can be sent as without a difference. */
const PLANNED: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'])

const isPlanned = ({ facts }: AllowedVerdict): boolean => facts.length === 1 && PLANNED.has(facts[0]?.command ?? '')

/** EXECUTE can run a DISCARD ALL that a Parse message has prepared; what it runs has no other mark than its effects. */
const forgetsStatements = ({ session, effects }: SqlFacts): boolean =>
  session.kind === 'discard-all' ||
  (session.kind === 'deallocate' && session.name === 'all') ||
  (session.kind === 'execute' && !effects.some((effect) => TOUCHES_ROWS.has(effect)))

const TOUCHES_ROWS: ReadonlySet<Effect> = new Set(['read', 'write', 'delete'])

const BIND_AND_DESCRIBE: Buffer = Buffer.concat([encodeBind(), encodeDescribe('P', '')])
const SYNC = encodeSync()
const EXECUTE_AND_SYNC: Buffer = Buffer.concat([encodeExecute(''), SYNC])

export interface CheckedQueryOptions extends Names {
  readonly run: OutgoingRun
  readonly expect: (kind: ReplyKind, expected: Expected) => void
}

/** Sends statements of a masked session so that they run only if the catalog is what they were analysed against. */
export class CheckedQueries {
  readonly #options: CheckedQueryOptions
  readonly #checker: CatalogChecker

  constructor(options: CheckedQueryOptions) {
    this.#options = options
    this.#checker = new CatalogChecker(options.run, options.expect)
  }

  /** Told of everything that is sent to run. */
  sent({ facts }: AllowedVerdict): void {
    if (facts.some(forgetsStatements)) this.#checker.forget()
  }

  /** A simple query, whole. */
  query(
    sql: string,
    operation: RunningOperation,
    change: Change | undefined,
    expectation: CatalogExpectation,
    batch: number,
  ): void {
    if (isPlanned(operation.permit.verdict)) this.#convert(sql, operation, expectation, batch)
    else this.#prefix(sql, operation, change, expectation, batch)
  }

  /** What comes before Execute. */
  beforeExecute(operation: RunningOperation, expectation: CatalogExpectation, batch: number, passed: () => void): void {
    const question = { expectation, operation, batch }
    if (!isPlanned(operation.permit.verdict)) this.#checker.lock(question)
    this.#checker.ask(question, passed)
  }

  /**
   * A simple query of one statement by the extended protocol, so that the catalog is looked at when its locks are taken and
   * its names are resolved.
   */
  #convert(sql: string, operation: RunningOperation, expectation: CatalogExpectation, batch: number): void {
    const { run, expect } = this.#options
    const part = { operation, converted: true }
    const hidden = { ...part, hidden: true }
    run.inject(encodeParse('', sql))
    run.inject(BIND_AND_DESCRIBE)
    expect('parse', { ...hidden, change: this.#unnamedGone(batch) })
    expect('bind', hidden)
    expect('describe-portal', part)
    this.#checker.ask({ expectation, operation, batch })
    run.inject(EXECUTE_AND_SYNC)
    expect('execute', part)
    expect('sync', part)
  }

  /**
   * A simple query that has to stay one: the question stands in front of its text, so that both are one transaction, and a
   * Sync behind it, in case that the locks can't be taken.
   */
  #prefix(
    sql: string,
    operation: RunningOperation,
    change: Change | undefined,
    expectation: CatalogExpectation,
    batch: number,
  ): void {
    const { run, expect } = this.#options
    const question = { expectation, operation, batch }
    this.#checker.lock(question)
    const first = this.#checker.askFirst(question, change)
    operation.index = -1
    operation.prefix = Array.from(first.sql).length
    run.inject(encodeQuery(first.sql + sql))
    run.inject(SYNC)
    expect('query', { operation, change: first.change, followed: true })
    expect('sync', { operation })
  }

  /** A simple query ends the unnamed statement and the unnamed portal, also when it fails. */
  #unnamedGone(batch: number): Change {
    const { statements, portals } = this.#options
    const changes = [statements.remove('', batch), portals.remove('', batch)]
    return {
      confirm: () => changes.forEach((change) => change.confirm()),
      undo: () => changes.forEach((change) => change.undo()),
      failed: () => changes.forEach((change) => change.forget()),
    }
  }
}
