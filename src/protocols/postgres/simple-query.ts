import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { AllowedVerdict, CatalogExpectation, Leave } from '../protocol.ts'
import { changeNames } from './definitions.ts'
import { encodeQuery } from './encode.ts'
import { reservedName } from './name-errors.ts'
import type { NameUse } from './named-statements.ts'
import { poisonText } from './refusal.ts'
import { type Later, mayCopyIn, type RequestFlow, sentWith, statementsOf } from './request-flow.ts'
import { RunningOperation } from './running-operation.ts'
import type { SentText } from './sent-text.ts'

/** A simple query that may run, and what is known of it. */
interface Query {
  readonly sql: string
  readonly frame: Buffer
  readonly verdict: AllowedVerdict
  readonly uses: readonly NameUse[]
  readonly expectation: CatalogExpectation | undefined
  /** How often it was judged before. */
  readonly attempt: number
}

/** Judges, records and sends simple queries (PostgreSQL documentation, "Simple Query"). */
export class SimpleQueries {
  readonly #flow: RequestFlow

  constructor(flow: RequestFlow) {
    this.#flow = flow
  }

  /** Takes a Query message. */
  query(sql: string, frame: Buffer, attempt = 0): Later {
    const flow = this.#flow
    const { gate, replies } = flow.options
    return flow.judged(
      () => gate.judge(sql, flow.names),
      (verdict) => {
        if (verdict.kind === 'refused') return this.#refuse(verdict.error, sql, verdict.facts, verdict.position)
        if (flow.namesOurs(verdict)) return this.#refuse(reservedName(), sql, verdict.facts)
        if (flow.mayBeOutside(sql, verdict))
          return flow.whenKnown(flow.drained(), () => this.query(sql, frame, attempt))
        const expectation = flow.isRefusedAnyway(sql, verdict) ? undefined : gate.check(verdict)
        if (expectation instanceof ChaperoneError) return this.#refuse(expectation, sql, verdict.facts)
        // What is sent with a Sync of its own must not end a batch that has failed: the server passes over the query then.
        const waits = expectation !== undefined && flow.midBatch
        // A query during COPY ends the session, and would wait for rows that come behind it.
        if (waits && replies.length > 0 && !replies.copying)
          return flow.whenKnown(flow.drained(), () => this.query(sql, frame, attempt))
        return this.#resolved({ sql, frame, verdict, uses: flow.uses, expectation, attempt })
      },
    )
  }

  /** Takes a message that is not available. */
  refuse(error: ChaperoneError): undefined {
    return this.#refuse(error, '', [])
  }

  #resolved(query: Query): Later {
    const flow = this.#flow
    const { sql, verdict, uses } = query
    return flow.whenKnown(flow.changed(statementsOf(uses)), (changed) => {
      if (changed !== undefined) return this.#refuse(changed, sql, verdict.facts)
      return flow.whenKnown(flow.textFor(verdict, sql), (text) =>
        text instanceof ChaperoneError ? this.#refuse(text, sql, verdict.facts) : this.#admitted(query, text),
      )
    })
  }

  #admitted(query: Query, text: SentText | undefined): Later {
    const { sql, frame, verdict, attempt } = query
    const asked = {
      verdict,
      via: 'simple',
      sql,
      index: undefined,
      attempt,
      sent: () => ({ sql: text?.resolved.sql ?? sql, parameters: [] }),
    } as const
    return this.#flow.admitted(asked, {
      proceed: (leave) => this.#send(query, text, leave),
      refuse: (error) => this.#refuse(error, sql, verdict.facts),
      again: (next) => this.query(sql, frame, next),
    })
  }

  #send({ sql, frame, verdict, uses, expectation }: Query, text: SentText | undefined, leave: Leave): undefined {
    const { run, checked, options, batch } = this.#flow
    const change = changeNames(options, sql, verdict, text, batch)
    if (change instanceof ChaperoneError) return this.#refuse(change, sql, verdict.facts)
    const permit = options.gate.request(leave, { via: 'simple', sql })
    run.require(permit)
    const operation = new RunningOperation(permit, 'simple', verdict.facts)
    operation.sent = sentWith(text, uses)
    const sent = text?.resolved.sql
    if (expectation !== undefined) {
      checked.query(sent ?? sql, operation, change, expectation, batch)
      this.#flow.midBatch = false
    } else {
      if (sent === undefined) run.forward(frame)
      else run.inject(encodeQuery(sent))
      options.expect('query', { operation, change }, mayCopyIn(verdict))
    }
    checked.sent(verdict)
    this.#flow.endBatch()
    return undefined
  }

  #refuse(error: ChaperoneError, sql: string, facts: readonly SqlFacts[], position?: number): undefined {
    const { run, options } = this.#flow
    options.gate.refused(error, { via: 'simple', sql }, facts)
    run.inject(encodeQuery(poisonText(error.code)))
    options.expect('query', { refusal: { error, position } })
    this.#flow.endBatch()
    return undefined
  }
}
