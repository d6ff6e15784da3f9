import type { StandInPolicy } from '../../decide/stand-in-policy.ts'
import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { asChaperoneError, ChaperoneError } from '../../lib/errors.ts'
import { valueForm } from '../../phi/value-form.ts'
import type { BoundValue, CopyInRows, Resolved, ResolvedText } from '../../protocols/protocol.ts'
import type { TokenScope } from '../../vault/token-scope.ts'
import type { Alerts } from '../alerts.ts'
import { CopyIn } from '../copy-in/copy-in.ts'
import { formatOf } from '../copy-in/format-of.ts'
import type { TargetSnapshot } from '../target-state.ts'
import { ConstantColumns } from './constant-columns.ts'
import { readConstant } from './read-constant.ts'
import { constantRefusal } from './refusals.ts'
import { resolveParameters } from './resolve-parameters.ts'
import { resolveText } from './resolve-text.ts'
import type { Constant, ConstantRules } from './settle-constants.ts'

export interface SessionConstantsOptions {
  readonly scope: TokenScope | undefined
  readonly policyOf: (phiClass: string) => StandInPolicy
  readonly alerts: Alerts
}

/** What a session's statements say by their constants, by the snapshot that each of them was judged with. */
export class SessionConstants {
  readonly #options: SessionConstantsOptions
  readonly #snapshots = new WeakMap<SqlFacts, TargetSnapshot>()
  readonly #columns = new WeakMap<TargetSnapshot, ConstantColumns>()

  constructor(options: SessionConstantsOptions) {
    this.#options = options
  }

  /** Takes down with which snapshot statements were judged. */
  judged(facts: readonly SqlFacts[], snapshot: TargetSnapshot): void {
    for (const one of facts) {
      if (one.sites !== undefined || one.copyIn !== undefined) this.#snapshots.set(one, snapshot)
    }
  }

  resolveText(facts: readonly SqlFacts[], sql: string): Resolved<ResolvedText> | Promise<Resolved<ResolvedText>> {
    const first = facts.find(({ sites }) => sites !== undefined)
    if (first === undefined) return 'as-is'
    // The statements of one text were judged together.
    return caught(this.#guarded(first, (columns, rules) => resolveText(sql, facts, columns, rules)))
  }

  resolveParameters(
    facts: SqlFacts | undefined,
    parameters: readonly BoundValue[],
  ): Resolved<ReadonlyMap<number, Buffer>> | Promise<Resolved<ReadonlyMap<number, Buffer>>> {
    if (facts?.sites === undefined || parameters.length === 0) return 'as-is'
    return caught(this.#guarded(facts, (columns, rules) => resolveParameters(facts, parameters, columns, rules)))
  }

  copyIn(facts: SqlFacts | undefined): CopyInRows | ChaperoneError | undefined {
    const { copyIn, command } = facts ?? {}
    if (facts === undefined || copyIn === undefined) {
      // Into what has no PHI; or nobody knows where to.
      return command === 'COPY FROM'
        ? undefined
        : new ChaperoneError('CHP-MASK-UNPROVEN', { message: 'it is not known where the rows of COPY are stored' })
    }
    return this.#guarded(facts, (columns, rules) => {
      const found = copyIn.columns.map((column, i) => {
        const phiClass = copyIn.classes[i] ?? null
        const known = column === null || phiClass === null ? undefined : columns.of(column, phiClass, false)
        if (column === null || phiClass === null || known === undefined) return undefined
        const format = copyIn.format === 'binary' ? 1 : 0
        const form = format === 0 ? known.form : valueForm({ ...column, typmod: -1, format }, columns.typeOf)
        const use = copyIn.takesStandIns[i] === true ? 'assignment' : 'embedded'
        return (value: Buffer): Constant => ({
          use,
          column,
          class: phiClass,
          read: readConstant(value, form ?? 'unknown', known, use, columns.typeOf),
        })
      })
      if (found.every((one) => one === undefined)) return undefined
      const format = formatOf(
        copyIn,
        found.map((one) => one !== undefined),
      )
      const header = copyIn.header && copyIn.format !== 'binary'
      return new CopyIn({ format, header, constantOf: (i, value) => found[i]?.(value), rules })
    })
  }

  /** An error of whatever kind refuses: nothing has been sent on. */
  #guarded<T>(facts: SqlFacts, act: (columns: ConstantColumns, rules: ConstantRules) => T): T | ChaperoneError {
    const snapshot = this.#snapshots.get(facts)
    if (snapshot === undefined) {
      return new ChaperoneError('CHP-INTERNAL', { reason: 'a statement that was not judged here' })
    }
    const { scope, policyOf, alerts } = this.#options
    let columns = this.#columns.get(snapshot)
    if (columns === undefined) {
      columns = new ConstantColumns(snapshot, policyOf)
      this.#columns.set(snapshot, columns)
    }
    try {
      return act(columns, {
        scope,
        policyOf,
        refusal: (why, column) => constantRefusal(why, column, snapshot.catalog),
        raise: (alert) => alerts.raise(alert),
      })
    } catch (error) {
      return asChaperoneError(error)
    }
  }
}

/** Nobody who waits for an answer gets an exception instead. */
function caught<T>(answer: T | Promise<T>): T | ChaperoneError | Promise<T | ChaperoneError> {
  return answer instanceof Promise ? answer.catch(asChaperoneError) : answer
}
