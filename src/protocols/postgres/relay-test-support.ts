import { Duplex } from 'node:stream'
import { completeExecution } from '../../inspect/sql/execute.ts'
import type { Effect, SessionEffect, SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { MaskPlan, ResultColumn } from '../../mask/plan.ts'
import { completeNames, standsForAnother } from '../../session/complete-names.ts'
import type {
  Admitted,
  AllowedVerdict,
  BoundValue,
  CatalogExpectation,
  CopyInRows,
  CopyMask,
  Execution,
  Gate,
  KnownNames,
  Leave,
  Meter,
  Outcome,
  Permit,
  Prepared,
  Request,
  Resolved,
  ResolvedText,
  TransactionResult,
  Verdict,
} from '../protocol.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { Relay, type RelayOptions } from './relay.ts'

/** One end of a connection in memory: what is written to it is kept, what is pushed is read. */
export class MemoryEnd extends Duplex {
  readonly written: Buffer[] = []
  /** Called with everything that is written; nothing is kept then. */
  onBytes: ((bytes: Buffer) => void) | undefined
  /** While true, writes are taken and not finished, as by a peer that does not read. */
  stalled = false
  #unfinished: (() => void)[] = []

  constructor() {
    super({ allowHalfOpen: false })
  }

  override _read(): void {
    // Bytes are pushed by the test.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.onBytes === undefined) this.written.push(chunk)
    else this.onBytes(chunk)
    if (this.stalled) this.#unfinished.push(done)
    else done()
  }

  /** The peer reads again. */
  unstall(): void {
    this.stalled = false
    for (const done of this.#unfinished.splice(0)) done()
  }

  get output(): Buffer {
    return Buffer.concat(this.written)
  }
}

/** Takes every microtask and immediate that is due. */
export async function settle(rounds = 4): Promise<void> {
  for (let round = 0; round < rounds; round++) await new Promise((resolve) => setImmediate(resolve))
}

export interface GateEvent {
  readonly kind: 'intent' | 'refused' | 'response' | 'outcome' | 'transaction' | 'schema-changed'
  readonly op: number
  readonly detail: string
}

/** A journal of which the test decides when it has come how far. */
export class ManualMarks {
  appended = 0
  written = 0
  durable = 0
  automatic = true

  append(): number {
    this.appended++
    if (this.automatic) this.catchUp()
    return this.appended
  }

  catchUp(): void {
    this.written = this.appended
    this.durable = this.appended
  }
}

interface GateSettings {
  readonly masked?: boolean
  /** Statements whose verdict comes later, when `release` is called. */
  readonly late?: (sql: string) => boolean
  readonly refuse?: (sql: string) => boolean
  /** Asks whether the catalog is as expected before statements run. */
  readonly check?: boolean
}

const CHECKED: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'FAIL', 'EXECUTE', 'FETCH', 'DECLARE CURSOR'])

const isChecked = ({ command }: SqlFacts): boolean => CHECKED.has(command)

const losesLocks = ({ command, session: { kind } }: SqlFacts): boolean =>
  kind === 'commit' || kind === 'rollback' || (kind === 'savepoint' && command === 'ROLLBACK')

const EXPECTATION: CatalogExpectation = {
  plain: true,
  relations: [1],
  lockable: [{ oid: 1, schema: 'public', name: 'phi' }],
  names: [],
  functions: [],
  operators: [],
  version: '0',
  searchPaths: ['public'],
  role: 'app',
}

/** A gate for the statements of the model server, with the session's own resolution of names. Masks what is not proven clean. */
export class FakeGate implements Gate {
  readonly masked: boolean
  readonly marks = new ManualMarks()
  readonly events: GateEvent[] = []
  /** The statement texts of every intent, in order. */
  readonly intents: string[] = []
  readonly #settings: GateSettings
  readonly #verdicts = new Map<string, Verdict>()
  readonly #late: (() => void)[] = []
  #operations = 0

  constructor(settings: GateSettings = {}) {
    this.#settings = settings
    this.masked = settings.masked ?? true
  }

  /** Gives the oldest verdict that waits; false when none does. */
  release(): boolean {
    const next = this.#late.shift()
    next?.()
    return next !== undefined
  }

  judge(sql: string, names: KnownNames): Verdict | Promise<Verdict> {
    if (this.#settings.late?.(sql) !== true) return this.#judge(sql, names)
    return new Promise((resolve, reject) => {
      this.#late.push(() => {
        Promise.resolve(this.#judge(sql, names)).then(resolve, reject)
      })
    })
  }

  renew(sql: string, verdict: Verdict, names: KnownNames): Verdict | Promise<Verdict> {
    return verdict.facts.some(standsForAnother) ? this.judge(sql, names) : verdict
  }

  admit({ verdict }: Execution): Admitted | Promise<Admitted> {
    return { verdict }
  }

  stillAdmitted(_permit: Permit): ChaperoneError | undefined {
    return undefined
  }

  meter(): Meter | undefined {
    return undefined
  }

  request({ verdict }: Leave, request: Request): Permit {
    const op = ++this.#operations
    this.intents.push(request.sql)
    const intent = this.#note('intent', op, request.sql)
    return { op, intent, verdict }
  }

  refused(error: ChaperoneError, request: Request): void {
    this.#note('refused', ++this.#operations, `${error.code} ${request.sql}`)
  }

  plan(
    _verdict: Verdict,
    facts: SqlFacts | undefined,
    columns: readonly ResultColumn[],
  ): MaskPlan | 'pass' | ChaperoneError {
    if (facts !== undefined && !facts.phiReachable) return 'pass'
    const outputs = facts === undefined || facts.outputs === 'unknown' ? undefined : facts.outputs
    const cells = columns.map((_, index) => (outputs?.[index]?.kind === 'clean' ? undefined : () => Buffer.from('***')))
    return { cells, maskedCount: cells.length, classes: ['unproven'] }
  }

  copyPlan(_verdict: Verdict, facts: SqlFacts | undefined): CopyMask | 'pass' | ChaperoneError {
    if (!this.masked || facts?.phiReachable === false) return 'pass'
    return { classes: ['unproven'], start: () => ({ row: () => Buffer.from('***\n') }) }
  }

  resolveText(_verdict: AllowedVerdict, _sql: string): Resolved<ResolvedText> | Promise<Resolved<ResolvedText>> {
    return 'as-is'
  }

  resolveParameters(
    _facts: SqlFacts | undefined,
    _parameters: readonly BoundValue[],
  ): Resolved<ReadonlyMap<number, Buffer>> | Promise<Resolved<ReadonlyMap<number, Buffer>>> {
    return 'as-is'
  }

  copyIn(_facts: SqlFacts | undefined): CopyInRows | ChaperoneError | undefined {
    return undefined
  }

  check({ facts }: AllowedVerdict): CatalogExpectation | ChaperoneError | undefined {
    if (!this.masked || this.#settings.check !== true || !facts.some(isChecked)) return undefined
    const end = facts.findIndex(losesLocks)
    const isCovered = end === -1 || !facts.slice(end).some(isChecked)
    const copies = facts.some(({ command }) => command === 'COPY FROM')
    return isCovered && !copies ? EXPECTATION : new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED')
  }

  checkExecuted(_verdict: AllowedVerdict, executed: SqlFacts | undefined): CatalogExpectation | undefined {
    const asks = this.masked && this.#settings.check === true && executed !== undefined
    return asks && (isChecked(executed) || executed.command === 'PREPARE') ? EXPECTATION : undefined
  }

  response(permit: Permit, bytes: Buffer, rows: number): void {
    this.#note('response', permit.op, `${bytes.length} ${rows}`)
  }

  outcome(permit: Permit, outcome: Outcome): void {
    const transaction = outcome.transaction === undefined ? '' : ` ${outcome.transaction}`
    this.#note('outcome', permit.op, `${outcome.result} ${outcome.tag} ${outcome.rows}${transaction}`)
  }

  transaction(result: TransactionResult, firstOp: number, lastOp: number): void {
    this.#note('transaction', lastOp, `${result} from ${firstOp}`)
  }

  probe(): number {
    return this.marks.append()
  }

  schemaChanged(isOver: boolean): void {
    this.events.push({ kind: 'schema-changed', op: 0, detail: isOver ? 'over' : '' })
  }

  catalogHas(): boolean {
    return false
  }

  opened(): void {
    // Nothing depends on it here.
  }

  /** Whether every operation that was permitted has an outcome. */
  get open(): readonly number[] {
    const ended = new Set(this.events.filter(({ kind }) => kind === 'outcome').map(({ op }) => op))
    return this.events.filter(({ kind, op }) => kind === 'intent' && !ended.has(op)).map(({ op }) => op)
  }

  #judge(sql: string, names: KnownNames): Verdict | Promise<Verdict> {
    if (this.#settings.refuse?.(sql) === true) {
      return { kind: 'refused', facts: [], error: new ChaperoneError('CHP-POLICY-REFUSED'), position: undefined }
    }
    const statements = sql
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(factsOf)
    if (!statements.some(standsForAnother)) {
      let verdict = this.#verdicts.get(sql)
      if (verdict === undefined) {
        verdict = allowed(statements)
        this.#verdicts.set(sql, verdict)
      }
      return verdict
    }
    const renew = (prepared: Prepared) => this.renew(prepared.sql, prepared.verdict, names)
    const completed = completeNames({ ok: true, statements, redacted: '' }, names, renew, this.masked)
    const conclude = (done: Awaited<typeof completed>): Verdict => {
      if (done instanceof ChaperoneError) return { kind: 'refused', facts: [], error: done, position: undefined }
      return done.ok
        ? allowed(done.statements)
        : { kind: 'refused', facts: [], error: new ChaperoneError('CHP-INTERNAL'), position: undefined }
    }
    return completed instanceof Promise ? completed.then(conclude) : conclude(completed)
  }

  #note(kind: GateEvent['kind'], op: number, detail: string): number {
    this.events.push({ kind, op, detail })
    return this.marks.append()
  }
}

const allowed = (facts: readonly SqlFacts[]): AllowedVerdict => ({
  kind: 'allowed',
  facts,
  effectful: facts.some(({ effects, session }) => effects.includes('write') || session.kind === 'commit'),
})

/** Facts of a statement of the model server. */
function factsOf(text: string): SqlFacts {
  const [command = '', name = '', ...rest] = text.split(' ')
  switch (command) {
    case 'SELECT':
      return madeFacts(command, 'read', { kind: 'none' }, name === 'phi')
    case 'PREPARE':
      return inner(command, rest.slice(1), { kind: 'prepare', name })
    case 'DECLARE':
      return inner('DECLARE CURSOR', rest.slice(2), { kind: 'declare-cursor', name })
    case 'EXECUTE':
      return madeFacts(command, 'code', { kind: 'execute', name }, true)
    case 'FETCH':
      return madeFacts(command, 'code', { kind: 'fetch', name }, true)
    case 'DEALLOCATE':
      return madeFacts(command, 'session', { kind: 'deallocate', name: name === 'ALL' ? 'all' : name }, false)
    case 'CLOSE':
      return madeFacts(command, 'session', { kind: 'close-cursor', name: name === 'ALL' ? 'all' : name }, false)
    case 'DISCARD':
      return madeFacts(command, 'session', { kind: 'discard-all' }, false)
    case 'BEGIN':
      return madeFacts(command, 'transaction', { kind: 'begin' }, false)
    case 'COMMIT':
      return madeFacts(command, 'transaction', { kind: 'commit' }, false)
    case 'SAVEPOINT':
      return madeFacts(command, 'transaction', { kind: 'savepoint' }, false)
    case 'ROLLBACK':
      return madeFacts(command, 'transaction', { kind: name === 'TO' ? 'savepoint' : 'rollback' }, false)
    case 'COPY':
      return madeFacts('COPY FROM', 'write', { kind: 'none' }, false)
    default:
      return madeFacts(command, command === 'INSERT' ? 'write' : 'read', { kind: 'none' }, false)
  }
}

function inner(command: string, words: readonly string[], session: SessionEffect): SqlFacts {
  const named = factsOf(words.join(' '))
  return { ...completeExecution(madeFacts(command, 'session', session, false), named), session }
}

function madeFacts(command: string, effect: Effect, session: SessionEffect, phi: boolean): SqlFacts {
  return {
    command,
    effects: [effect],
    relations: [],
    functions: [],
    bounded: 'not-applicable',
    limited: false,
    hazards: [],
    outputs: [phi ? { kind: 'unproven' } : { kind: 'clean' }],
    phiReachable: phi,
    questions: [],
    catalogUse: { relations: [], names: [], functions: [], operators: [] },
    session,
  }
}

/** A relay between two ends in memory. */
export function relayInMemory(gate: FakeGate, options: Partial<RelayOptions> = {}) {
  const client = new MemoryEnd()
  const target = new MemoryEnd()
  const waiting = new Set<GatedWriter>()
  const cancels: number[] = []
  let now = 0
  const relay = new Relay({
    client,
    target,
    early: Buffer.alloc(0),
    gate,
    waiting,
    limits: DEFAULT_FRAME_LIMITS,
    maxPipelined: 1000,
    maxNames: 100,
    now: () => now,
    cancelAtTarget: () => cancels.push(now),
    ...options,
  })
  return {
    relay,
    client,
    target,
    waiting,
    cancels,
    /** Lets the journal catch up and tells the writers, as its commits do. */
    commit: (): void => {
      gate.marks.catchUp()
      for (const writer of waiting) writer.release()
    },
    tick: (milliseconds: number): void => {
      now += milliseconds
    },
  }
}

/** The messages of a byte stream as `letter:text`, for comparing. */
export function describeFrames(sender: 'frontend' | 'backend', bytes: Buffer): readonly string[] {
  const cursor = new FrameCursor(sender, DEFAULT_FRAME_LIMITS)
  cursor.feed(bytes)
  const frames: string[] = []
  while (cursor.next()) {
    const body = cursor.buffer.toString('latin1', cursor.body, cursor.end)
    frames.push(`${String.fromCharCode(cursor.type)}:${body.replaceAll(/[^\x20-\x7e]+/g, '|')}`)
  }
  return frames
}
