import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { Gate, Outcome, TransactionResult } from '../protocol.ts'
import type { ChunkOutput } from './chunk-output.ts'
import type { Expected } from './expected.ts'
import type { RunningOperation } from './running-operation.ts'

export interface OperationResponsesOptions {
  readonly gate: Gate
  readonly output: ChunkOutput
  readonly toClient: GatedWriter
}

/** A stretch of the output that answers one operation. */
interface Stretch {
  readonly operation: RunningOperation
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly outcome: Outcome | undefined
}

/** Knows which operation each part of the output answers, and how operations end: records that, and lets the output go. */
export class OperationResponses {
  readonly #options: OperationResponsesOptions
  // The stretch that is being written, and those since the last release that are done.
  #current: RunningOperation | undefined
  #from = 0
  #rowsBefore = 0
  #stretches: Stretch[] = []
  /** Bound and not executed: they end unused with their transaction. */
  readonly #bound = new Set<RunningOperation>()
  /** The newest intent that has to be durable before the output may leave. */
  #durable = 0
  /** Operations of the extended protocol since the last ReadyForQuery that change something. */
  #batch: { first: number; last: number } | undefined
  #schemaTouched = false

  constructor(options: OperationResponsesOptions) {
    this.#options = options
  }

  /** What is written from here on answers this operation. */
  begin(operation: RunningOperation): void {
    if (operation === this.#current) return
    if (this.#current !== undefined) this.#closeStretch(undefined)
    this.#current = operation
    this.#from = this.#options.output.length
    this.#rowsBefore = operation.rows
    if (operation.permit.intent > this.#durable) this.#durable = operation.permit.intent
  }

  bound(operation: RunningOperation): void {
    this.#bound.add(operation)
  }

  /** A statement of the operation's text is complete. */
  completed(operation: RunningOperation, tag: string): void {
    operation.tag = commandOf(tag)
    const { facts } = operation.permit.verdict
    if (operation.via === 'simple' && facts.length > 1 && endsTransaction(operation)) {
      // What follows in the text is another transaction, with a result of its own.
      this.#batch = { first: this.#batch?.first ?? operation.permit.op, last: operation.permit.op }
      this.settleBatch(operation.tag === 'COMMIT' ? 'committed' : 'rolled-back')
    }
    if (operation.rows === operation.rowsBefore) operation.rows += countOf(tag)
    if (operation.via === 'extended') {
      this.end(operation, 'ok', undefined)
      return
    }
    // A simple query ends with ReadyForQuery; until then the next statement of its text may follow.
    operation.index++
    operation.rowsBefore = operation.rows
    operation.plan = undefined
    operation.dropMeter()
  }

  end(operation: RunningOperation, result: Outcome['result'], transaction: TransactionResult | undefined): void {
    if (operation.via === 'extended' && result !== 'suspended') {
      if (operation.permit.verdict.effectful) {
        const { op } = operation.permit
        this.#batch = { first: this.#batch?.first ?? op, last: op }
      }
      // What follows up to Sync is another transaction.
      if (result === 'ok' && endsTransaction(operation))
        this.settleBatch(operation.tag === 'COMMIT' ? 'committed' : 'rolled-back')
    }
    // A text that failed half-way may have committed the half before (`CREATE …; COMMIT; <error>`).
    if ((result === 'ok' || operation.index > 0) && operation.mayChangeSchema) {
      this.#schemaTouched = true
      this.#options.gate.schemaChanged(false)
    }
    this.#bound.delete(operation)
    this.begin(operation)
    this.#closeStretch(finish(operation, result, transaction))
    this.#current = undefined
  }

  /** It was not run, and will not be. */
  unused(operation: RunningOperation): void {
    this.#bound.delete(operation)
    if (operation.finished) return
    const outcome = finish(operation, 'unused', undefined)
    if (operation !== this.#current) this.#options.gate.outcome(operation.permit, outcome, undefined)
    else {
      this.#closeStretch(outcome)
      this.#current = undefined
    }
  }

  /** The transaction of what ran since the last ReadyForQuery has ended so. */
  settleBatch(result: TransactionResult): void {
    if (this.#batch === undefined) return
    this.#options.gate.transaction(result, this.#batch.first, this.#batch.last)
    if (result === 'committed' || result === 'rolled-back') this.#batch = undefined
  }

  /** The target is outside a transaction: portals end with theirs. */
  transactionOver(): void {
    if (this.#schemaTouched) this.#options.gate.schemaChanged(true)
    this.#schemaTouched = false
    for (const one of this.#bound) this.unused(one)
  }

  /** Records the output, and lets it go. */
  release(): void {
    if (this.#current !== undefined) this.#closeStretch(undefined)
    const output = this.#options.output.take()
    for (const { operation, from, to, rows, outcome } of this.#stretches) {
      const bytes = output.subarray(from, to)
      operation.bytes += bytes.length
      if (outcome === undefined) {
        if (bytes.length > 0) this.#options.gate.response(operation.permit, bytes, rows)
      } else this.#options.gate.outcome(operation.permit, { ...outcome, bytes: operation.bytes }, bytes)
    }
    this.#stretches = []
    this.#from = 0
    this.#options.toClient.push(output, this.#durable)
  }

  /** Records that operations which were under way when the connection ended have no known outcome. */
  lost(expected: readonly Expected[]): void {
    const seen = new Set<RunningOperation>()
    if (this.#current !== undefined) seen.add(this.#current)
    for (const operation of this.#bound) seen.add(operation)
    for (const { operation } of expected) if (operation !== undefined) seen.add(operation)
    for (const operation of seen) {
      if (!operation.finished)
        this.#options.gate.outcome(operation.permit, finish(operation, 'lost', undefined), undefined)
    }
  }

  #closeStretch(outcome: Outcome | undefined): void {
    const operation = this.#current
    if (operation === undefined) return
    const to = this.#options.output.length
    this.#stretches.push({ operation, from: this.#from, to, rows: operation.rows - this.#rowsBefore, outcome })
    this.#from = to
    this.#rowsBefore = operation.rows
  }
}

function finish(
  operation: RunningOperation,
  result: Outcome['result'],
  transaction: TransactionResult | undefined,
): Outcome {
  operation.finished = true
  // A portal that is resumed goes on with the same result.
  if (result !== 'suspended') operation.dropMeter()
  return {
    result,
    tag: operation.tag,
    rows: operation.rows,
    bytes: operation.bytes,
    sqlstate: operation.sqlstate,
    transaction,
    masked: [...operation.maskedClasses].toSorted(),
  }
}

/** COMMIT in a failed transaction has the tag ROLLBACK. */
function endsTransaction({ permit, tag, index }: RunningOperation): boolean {
  const kind = permit.verdict.facts[index]?.session.kind
  return (kind === 'commit' || kind === 'rollback') && (tag === 'COMMIT' || tag === 'ROLLBACK')
}

/** `INSERT 0 5` → `INSERT`: the words of a command tag, without its counts. */
function commandOf(tag: string): string {
  const digit = tag.search(/[0-9]/)
  const words = (digit === -1 ? tag : tag.slice(0, digit)).trim()
  // It goes into the journal's headers, which have room for no more than what servers really say.
  return /^[A-Z ]{1,64}$/.test(words) ? words : ''
}

/** The last number of a command tag: rows that were changed or copied. */
function countOf(tag: string): number {
  const count = / ([0-9]+)$/.exec(tag)?.[1]
  return count === undefined ? 0 : Number(count)
}
