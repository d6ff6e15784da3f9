import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { AllowedVerdict, Gate, Leave } from '../protocol.ts'
import { bindWith, boundValues, sealedParameters, withValues } from './bound-values.ts'
import { decodeBind, decodeClose, decodeDescribe, decodeExecute, decodeParse } from './decode.ts'
import { changeNames } from './definitions.ts'
import { encodeDescribe, encodeParse } from './encode.ts'
import type { Bind, Close, Describe, Parse } from './messages.ts'
import { reservedName, tooManyNames, unknownName } from './name-errors.ts'
import type { Change, NamedEntries, NameUse, Portal, Statement } from './named-statements.ts'
import { POISON_NAME, poisonText } from './refusal.ts'
import { type Later, mayCopyIn, type RequestFlow, sentWith, statementsOf } from './request-flow.ts'
import { RunningOperation } from './running-operation.ts'
import type { SentText } from './sent-text.ts'

/** Type byte and length word. */
const HEADER_BYTES = 5

/** A Bind that may be sent, and what is known of it. */
interface Binding {
  readonly frame: Buffer
  readonly bind: Bind
  readonly prepared: Statement
  readonly verdict: AllowedVerdict
  readonly uses: readonly NameUse[]
  /** How often it was judged before. */
  readonly attempt: number
}

/** Judges, records and sends messages of the extended protocol (PostgreSQL documentation, "Extended Query"). */
export class ExtendedQueries {
  readonly #flow: RequestFlow

  constructor(flow: RequestFlow) {
    this.#flow = flow
  }

  // ---- Parse

  parse(frame: Buffer): Later {
    const flow = this.#flow
    const parse = decodeParse(frame, HEADER_BYTES, frame.length)
    const { name, sql } = parse
    return flow.judged(
      () => flow.options.gate.judge(sql, flow.names),
      (verdict) => {
        if (verdict.kind === 'refused') return this.#refuse(verdict.error, sql, verdict.facts, verdict.position)
        if (flow.isOurs(name) || flow.namesOurs(verdict)) return this.#refuse(reservedName(), sql, verdict.facts)
        if (!flow.options.statements.hasRoom(name)) return this.#refuse(tooManyNames(), sql, verdict.facts)
        return flow.whenKnown(flow.textFor(verdict, sql), (text) =>
          text instanceof ChaperoneError
            ? this.#refuse(text, sql, verdict.facts)
            : this.#sendParse(frame, parse, verdict, text),
        )
      },
    )
  }

  #sendParse(frame: Buffer, parse: Parse, verdict: AllowedVerdict, sent: SentText | undefined): undefined {
    const { options, batch } = this.#flow
    const { name, sql, parameterTypes } = parse
    const statement: Statement = {
      sql,
      verdict,
      index: 0,
      madeBy: 'message',
      sent,
      declaredTypes: parameterTypes,
      parameterTypes,
    }
    const change = options.statements.define(name, statement, batch)
    this.#flow.forward(sent === undefined ? frame : encodeParse(name, sent.resolved.sql, parameterTypes))
    options.expect('parse', { change, sent })
    return undefined
  }

  // ---- Bind

  bind(frame: Buffer, attempt = 0): Later {
    const flow = this.#flow
    const { statements, portals, gate } = flow.options
    const bind = decodeBind(frame, HEADER_BYTES, frame.length)
    return this.#named(statements, bind.statement, (prepared) =>
      flow.judged(
        () => gate.renew(prepared.sql, prepared.verdict, flow.names),
        (verdict) => {
          const { sql } = prepared
          if (verdict.kind === 'refused') return this.#refuse(verdict.error, sql, verdict.facts)
          if (flow.isOurs(bind.portal)) return this.#refuse(reservedName(), sql, verdict.facts)
          if (!portals.hasRoom(bind.portal)) return this.#refuse(tooManyNames(), sql, verdict.facts)
          return this.#unchangedBind({ frame, bind, prepared, verdict, uses: flow.uses, attempt })
        },
      ),
    )
  }

  #unchangedBind(binding: Binding): Later {
    const flow = this.#flow
    const { prepared, verdict, uses } = binding
    return flow.whenKnown(flow.changed(statementsOf(uses)), (named) =>
      flow.whenKnown(named ?? flow.changedUnder(prepared, verdict), (changed) =>
        changed === undefined ? this.#resolvedBind(binding) : this.#refuse(changed, prepared.sql, verdict.facts),
      ),
    )
  }

  #resolvedBind(binding: Binding): Later {
    const { prepared, verdict } = binding
    return this.#flow.whenKnown(this.#valuesFor(binding), (values) =>
      values instanceof ChaperoneError
        ? this.#refuse(values, prepared.sql, verdict.facts)
        : this.#admittedBind(binding, values === 'as-is' ? undefined : values),
    )
  }

  #valuesFor({ frame, bind, prepared, verdict }: Binding): ReturnType<Gate['resolveParameters']> {
    const { gate } = this.#flow.options
    if (!gate.masked || bind.parameters.length === 0) return 'as-is'
    const values = boundValues(frame, bind, prepared.parameterTypes)
    return gate.resolveParameters(verdict.facts[prepared.index], values)
  }

  #admittedBind(binding: Binding, values: ReadonlyMap<number, Buffer> | undefined): Later {
    const { frame, bind, prepared, verdict, attempt } = binding
    const { sql, index, sent } = prepared
    const asked = {
      verdict,
      via: 'extended',
      sql,
      index,
      attempt,
      parameters: () => boundValues(frame, bind, prepared.declaredTypes),
      sent: () => ({
        sql: sent?.resolved.sql ?? sql,
        parameters: withValues(boundValues(frame, bind, prepared.parameterTypes), values),
      }),
    } as const
    return this.#flow.admitted(asked, {
      proceed: (leave) => this.#sendBind(binding, values, leave),
      refuse: (error) => this.#refuse(error, sql, verdict.facts),
      again: (next) => this.bind(frame, next),
    })
  }

  #sendBind(binding: Binding, values: ReadonlyMap<number, Buffer> | undefined, leave: Leave): undefined {
    const { frame, bind, prepared, verdict, uses } = binding
    const { run, options, batch } = this.#flow
    const parameters = sealedParameters(frame, bind)
    const permit = options.gate.request(leave, { via: 'extended', sql: prepared.sql, parameters })
    run.require(permit)
    const facts = verdict.facts[prepared.index]
    const operation = new RunningOperation(permit, 'extended', facts === undefined ? [] : [facts])
    operation.sent = sentWith(prepared.sent, uses)
    const portal: Portal = {
      prepared: { ...prepared, verdict },
      operation,
      uses,
      described: 'no',
      checked: false,
    }
    const change = options.portals.define(bind.portal, portal, batch)
    this.#flow.forward(values === undefined ? frame : bindWith(frame, bind, values))
    options.expect('bind', { operation, change })
    return undefined
  }

  // ---- Describe, Execute, Close

  describe(frame: Buffer): Later {
    const flow = this.#flow
    const { statements, portals, expect } = flow.options
    const { target, name }: Describe = decodeDescribe(frame, HEADER_BYTES, frame.length)
    if (target === 'S') {
      return this.#named(statements, name, (statement) => {
        flow.forward(frame)
        expect('describe-statement', { statement, sent: statement.sent })
        return undefined
      })
    }
    return this.#named(portals, name, (portal) => {
      flow.forward(frame)
      portal.described = 'asked'
      expect('describe-portal', { portal, operation: portal.operation })
      return undefined
    })
  }

  execute(frame: Buffer): Later {
    const { portal: name } = decodeExecute(frame, HEADER_BYTES, frame.length)
    return this.#named(this.#flow.options.portals, name, (portal) =>
      portal.operation === undefined
        ? this.#executeCursor(name, portal, frame)
        : this.#executePortal(name, portal, portal.operation, frame),
    )
  }

  #executePortal(name: string, portal: Portal, operation: RunningOperation, frame: Buffer): Later {
    const flow = this.#flow
    const { sql, verdict, sent } = portal.prepared
    const again = () => this.#executePortal(name, portal, operation, frame)
    for (const use of portal.uses) {
      const unanswered = use.entries.unanswered(use.name, flow.batch)
      if (unanswered !== undefined) return flow.whenKnown(unanswered, again)
      // It was judged as something else.
      if (use.entries.get(use.name) !== use.entry) return this.#refuse(unknownName(), sql, verdict.facts)
    }
    const lapsed = flow.options.gate.stillAdmitted(operation.permit)
    if (lapsed !== undefined) return this.#refuse(lapsed, sql, verdict.facts)
    if (flow.mayBeOutside(sql, verdict)) return flow.whenKnown(flow.drained(), again)
    const change = changeNames(flow.options, sql, verdict, sent, flow.batch)
    if (change instanceof ChaperoneError) return this.#refuse(change, sql, verdict.facts)
    this.#sendExecute(name, portal, operation, frame, change)
    return undefined
  }

  /** Execute on a cursor that SQL DECLARE made: an operation of its own. */
  #executeCursor(name: string, portal: Portal, frame: Buffer, attempt = 0): Later {
    const flow = this.#flow
    const { gate } = flow.options
    const { prepared } = portal
    const { sql, index } = prepared
    return flow.judged(
      () => gate.renew(sql, prepared.verdict, flow.names),
      (verdict) => {
        if (verdict.kind === 'refused') return this.#refuse(verdict.error, sql, verdict.facts)
        return flow.whenKnown(flow.changedUnder(prepared, verdict), (changed) => {
          if (changed !== undefined) return this.#refuse(changed, sql, verdict.facts)
          const asked = { verdict, via: 'extended', sql, index, attempt, continues: true } as const
          return flow.admitted(asked, {
            proceed: (leave) => this.#fetch(name, portal, frame, leave),
            refuse: (error) => this.#refuse(error, sql, verdict.facts),
            again: (next) => this.#executeCursor(name, portal, frame, next),
          })
        })
      },
    )
  }

  #fetch(name: string, portal: Portal, frame: Buffer, leave: Leave): undefined {
    const { run, options } = this.#flow
    const { sql, index, sent } = portal.prepared
    const permit = options.gate.request(leave, { via: 'extended', sql })
    run.require(permit)
    const operation = new RunningOperation(permit, 'extended', permit.verdict.facts.slice(index, index + 1))
    operation.sent = sent
    this.#sendExecute(name, { ...portal, described: 'no', checked: false }, operation, frame, undefined)
    return undefined
  }

  #sendExecute(
    name: string,
    portal: Portal,
    operation: RunningOperation,
    frame: Buffer,
    change: Change | undefined,
  ): void {
    const flow = this.#flow
    const { gate, expect } = flow.options
    if (gate.masked && portal.described === 'no') {
      flow.run.inject(encodeDescribe('P', name))
      portal.described = 'asked'
      expect('describe-portal', { portal, operation, hidden: true })
    }
    const { verdict } = operation.permit
    const isChecked = portal.checked || flow.isRefusedAnyway(portal.prepared.sql, verdict)
    const expectation = isChecked ? undefined : gate.checkExecuted(verdict, operation.results[0])
    if (expectation !== undefined) {
      flow.checked.beforeExecute(operation, expectation, flow.batch, () => {
        portal.checked = true
      })
    }
    flow.executed = true
    flow.forward(frame)
    expect('execute', { operation, change }, mayCopyIn(verdict))
    flow.checked.sent(verdict)
  }

  close(frame: Buffer): Later {
    const flow = this.#flow
    const { target, name }: Close = decodeClose(frame, HEADER_BYTES, frame.length)
    if (flow.isOurs(name)) return this.#refuse(reservedName(), '', [])
    const names = target === 'S' ? flow.options.statements : flow.options.portals
    const change = names.remove(name, flow.batch)
    flow.forward(frame)
    flow.options.expect('close', { change })
    return undefined
  }

  // ---- names and refusals

  /** Finds what a message names; waits where the target may yet refuse that. */
  #named<T>(entries: NamedEntries<T>, name: string, then: (entry: T) => Later): Later {
    const unanswered = entries.unanswered(name, this.#flow.batch)
    if (unanswered !== undefined) return this.#flow.whenKnown(unanswered, () => this.#named(entries, name, then))
    const entry = entries.get(name)
    return entry === undefined ? this.#refuse(unknownName(), '', []) : then(entry)
  }

  #refuse(error: ChaperoneError, sql: string, facts: readonly SqlFacts[], position?: number): undefined {
    const flow = this.#flow
    flow.options.gate.refused(error, { via: 'extended', sql }, facts)
    flow.run.inject(encodeParse(POISON_NAME, poisonText(error.code), []))
    flow.options.expect('parse', { refusal: { error, position } })
    flow.midBatch = true
    flow.skipping = true
    return undefined
  }
}
