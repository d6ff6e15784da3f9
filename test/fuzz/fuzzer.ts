import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import type { Received, WireClient } from '../support/wire-client.ts'
import type { FuzzBed, FuzzGateway } from './bed.ts'
import { Choices, minimised } from './choices.ts'
import { Detector } from './detector.ts'
import { exchange, type ValueOf } from './exchange.ts'
import { shownStatement, type Statement, statement } from './grammar/statement.ts'
import { comparable, failure, timedOut } from './oracles.ts'
import { STORED_STAND_IN, STORED_VALUE } from './schema.ts'
import { type Side, TwinValues } from './twins.ts'
import { hasUnknown, type Vocabulary, withUnknown } from './vocabulary.ts'

/**
 * What can be wrong. `canary`: a value of PHI was told. `difference`: the answer is another one when nothing but the PHI is
 * another one; tokens count as the same where they correspond. `stored`: a stand-in was stored in place of a value, or a value
 * where it is free to read. `damage`: the answer to a statement that is not about PHI, or in which tokens have to be taken for
 * their values, is not the server's. `lost`: the connection ended.
 */
export type FindingKind = 'canary' | 'difference' | 'stored' | 'damage' | 'lost'

export interface Finding {
  readonly kind: FindingKind
  /** Which values, or where the answers part; never a value. */
  readonly detail: string
  readonly statement: Statement
}

export interface FuzzOptions {
  readonly seed: number
  readonly seconds: number
  readonly statements?: number
  readonly lanes?: number
  /** Stops at the first finding of one of these. */
  readonly until?: readonly FindingKind[]
  readonly onFinding?: (finding: Finding, seed: number) => void
}

export interface FuzzReport {
  statements: number
  /** Of them, those that the server itself ran. */
  valid: number
  /** Of those, the ones whose direct answer told PHI. */
  telling: number
  /** Of those, the ones that the gateway answered with masked rows. */
  masked: number
  clean: number
  cleanRefused: number
  /** In which tokens stand for values, and that found something or changed it. */
  resolved: number
  /** Times that clients connected anew, because their tokens had expired. */
  reconnected: number
  /** Statements that the server itself did not answer in time, on a machine with much else to do. Nothing is said of them. */
  unanswered: number
  readonly refusals: Map<string, number>
  readonly findings: { readonly finding: Finding; readonly choices: readonly number[]; readonly seed: number }[]
}

/** A join of everything with everything takes long and shows nothing more. */
const MAX_MESSAGES = 4000
const PREPARATION = 'SET statement_timeout = 1500'

/** Runs generated statements directly and, for both sides, through a gateway, and judges the answers. */
export async function fuzz(bed: FuzzBed, gateway: FuzzGateway, options: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = {
    statements: 0,
    valid: 0,
    telling: 0,
    masked: 0,
    clean: 0,
    cleanRefused: 0,
    resolved: 0,
    reconnected: 0,
    unanswered: 0,
    refusals: new Map(),
    findings: [],
  }
  const vocabulary = await gateway.vocabulary()
  if (vocabulary !== undefined && 'wrong' in vocabulary) {
    const made: Statement = { texts: [vocabulary.wrong], way: 'simple', phi: true, stable: true }
    const finding: Finding = {
      kind: 'damage',
      detail: 'tokens that are missing, or do not correspond',
      statement: made,
    }
    return { ...report, statements: 1, findings: [{ finding, choices: [], seed: options.seed }] }
  }
  const deadline = performance.now() + options.seconds * 1000
  const limit = options.statements ?? Number.POSITIVE_INFINITY
  let next = 0
  let stopped = false
  const work = async (): Promise<void> => {
    const lane = await Lane.open(bed, gateway)
    while (!stopped && next < limit && performance.now() < deadline) {
      const seed = options.seed * 1_000_003 + next++
      const choices = Choices.seeded(seed)
      const finding = await lane.judge(statement(choices, gateway.tokens), report)
      if (finding === undefined) continue
      report.findings.push({ finding, choices: choices.taken, seed })
      options.onFinding?.(finding, seed)
      if (options.until?.includes(finding.kind) === true) stopped = true
    }
    lane.close()
  }
  await Promise.all(Array.from({ length: options.lanes ?? 3 }, work))
  return report
}

/** The simplest statement with a finding of the same kind. */
export async function minimise(
  bed: FuzzBed,
  gateway: FuzzGateway,
  choices: readonly number[],
  kind: FindingKind,
  tries = 300,
): Promise<Finding | undefined> {
  // That tokens are missing is found without a statement.
  if (choices.length === 0) return undefined
  const lane = await Lane.open(bed, gateway)
  let simplest: Finding | undefined
  await minimised(
    choices,
    async (candidate) => {
      const finding = await lane.judge(statement(Choices.replayed(candidate), gateway.tokens))
      if (finding?.kind !== kind) return false
      simplest = finding
      return true
    },
    tries,
  )
  lane.close()
  return simplest
}

/** The finding of one statement, if it has one. */
export async function judgeOnce(bed: FuzzBed, gateway: FuzzGateway, made: Statement): Promise<Finding | undefined> {
  const lane = await Lane.open(bed, gateway)
  try {
    return await lane.judge(made)
  } finally {
    lane.close()
  }
}

const DETECTORS: Readonly<Record<Side, Detector>> = { a: new Detector('a'), b: new Detector('b') }

/**
 * The values of a side that its client was told. What the client of the other side was told as well, whose database does not
 * have them, came from the statement (EXPLAIN shows its constants), or is what numbers look like by chance.
 */
function told(side: Side, answer: readonly Received[], other: readonly Received[]): readonly string[] {
  const found = DETECTORS[side].found(answer)
  if (found.length === 0) return found
  const elsewhere = new Set(DETECTORS[side].found(other))
  return found.filter((name) => !elsewhere.has(name))
}

/** One client of the server and two of the gateway, one a side. */
class Lane {
  readonly #bed: FuzzBed
  readonly #gateway: FuzzGateway
  /** Undefined where there are no tokens. */
  readonly #vocabulary: Vocabulary | undefined
  #direct: WireClient
  #a: WireClient
  #b: WireClient

  private constructor(
    bed: FuzzBed,
    gateway: FuzzGateway,
    vocabulary: Vocabulary | undefined,
    direct: WireClient,
    a: WireClient,
    b: WireClient,
  ) {
    this.#bed = bed
    this.#gateway = gateway
    this.#vocabulary = vocabulary
    this.#direct = direct
    this.#a = a
    this.#b = b
  }

  static async open(bed: FuzzBed, gateway: FuzzGateway): Promise<Lane> {
    const vocabulary = await gateway.vocabulary()
    if (vocabulary !== undefined && 'wrong' in vocabulary) throw new Error(`no vocabulary: ${vocabulary.wrong}`)
    const clients = await Promise.all([bed.direct('a'), gateway.agent('a'), gateway.agent('b')])
    await Promise.all(clients.map(prepare))
    return new Lane(bed, gateway, vocabulary, ...clients)
  }

  async judge(made: Statement, report?: FuzzReport): Promise<Finding | undefined> {
    const finding = (kind: FindingKind, detail: string): Finding => ({ kind, detail, statement: made })
    const vocabulary = this.#vocabulary
    const direct = await this.#answerOfServer(made)
    if (direct === undefined) {
      if (report !== undefined) report.unanswered++
      return undefined
    }
    if (direct.length > MAX_MESSAGES) return undefined
    const answers = await Promise.allSettled([
      exchange(this.#a, made, vocabulary?.of('a')),
      exchange(this.#b, made, vocabulary?.of('b')),
    ])
    const [rawA, rawB] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined))
    if (answers.some(hasExpired)) {
      await this.#reconnect()
      if (report !== undefined) report.reconnected++
      return this.judge(made, report)
    }
    if (rawA === undefined || rawB === undefined) {
      await this.#reconnect()
      return finding(
        'lost',
        answers.map((answer) => (answer.status === 'rejected' ? String(answer.reason) : 'answered')).join(' / '),
      )
    }
    const a = vocabulary?.numbered('a', rawA) ?? rawA
    const b = vocabulary?.numbered('b', rawB) ?? rawB
    if (report !== undefined) count(report, made, direct, a)
    const leaked = [...new Set([...told('a', a, b), ...told('b', b, a)])]
    if (leaked.length > 0) return finding('canary', leaked.slice(0, 8).join(' '))
    if (timedOut(a) || timedOut(b)) return undefined
    const parting = difference(comparable(a, made.stable), comparable(b, made.stable))
    if (parting !== undefined) return finding('difference', parting)
    if (vocabulary?.agree(rawA, rawB, made.stable) === false) return finding('difference', 'tokens do not correspond')
    const stored = [...a, ...b].some(isStoringWrongly)
    if (stored) return finding('stored', 'a stand-in in place of a value, or a value where none belongs')
    if (failure(direct) !== undefined || failure(a)?.code.startsWith('CHP') === true) return undefined
    if (made.exact === true) {
      const damage = vocabulary && parted(direct, vocabulary.told(rawA), made.stable)
      return damage === undefined ? undefined : finding('damage', damage)
    }
    if (made.phi) return undefined
    const damage = difference(comparable(direct, true), comparable(rawA, true))
    return damage === undefined ? undefined : finding('damage', damage)
  }

  close(): void {
    for (const client of [this.#direct, this.#a, this.#b]) client.destroy()
  }

  async #answerOfServer(made: Statement): Promise<readonly Received[] | undefined> {
    try {
      return await exchange(this.#direct, made, made.exact === true ? valueOfA : this.#vocabulary?.of('a'))
    } catch {
      this.#direct.destroy()
      this.#direct = await this.#bed.direct('a')
      await prepare(this.#direct)
      return undefined
    }
  }

  async #reconnect(): Promise<void> {
    this.#a.destroy()
    this.#b.destroy()
    ;[this.#a, this.#b] = await Promise.all([this.#gateway.agent('a'), this.#gateway.agent('b')])
    await Promise.all([prepare(this.#a), prepare(this.#b)])
  }
}

/** What a reference stands for at the server itself. */
const VALUES_OF_A = new TwinValues('a')
const valueOfA: ValueOf = (column, row) => {
  const patient: Readonly<Record<string, unknown>> = { ...VALUES_OF_A.patient(row - 1) }
  return String(patient[column])
}

const WRONG: ReadonlySet<string> = new Set([STORED_STAND_IN, STORED_VALUE])
const isStoringWrongly = (message: Received): boolean =>
  message.kind === 'NoticeResponse' && WRONG.has(message.fields.get('C') ?? '')

/** Where an answer and that of the server part; of rows in any order only if all their tokens are known. */
function parted(direct: readonly Received[], answer: readonly Received[], ordered: boolean): string | undefined {
  if (!ordered && hasUnknown(answer)) return undefined
  return difference(comparable(withUnknown(direct, answer), ordered), comparable(answer, ordered))
}

/** In a long run the tokens of the clients do. A connection that opens has a new one. */
const hasExpired = (answer: PromiseSettledResult<readonly Received[]>): boolean =>
  answer.status === 'rejected'
    ? String(answer.reason).includes(EXPIRED)
    : failure(answer.value)?.code.startsWith(EXPIRED) === true
const EXPIRED = 'CHP-AUTH-EXPIRED'

async function prepare(client: WireClient): Promise<void> {
  client.send(encodeQuery(PREPARATION))
  await client.ready()
}

function count(report: FuzzReport, made: Statement, direct: readonly Received[], a: readonly Received[]): void {
  report.statements++
  if (failure(direct) !== undefined) return
  report.valid++
  const refused = failure(a)
  if (refused !== undefined) {
    const code = refused.code === '' ? refused.state : refused.code
    report.refusals.set(code, (report.refusals.get(code) ?? 0) + 1)
  }
  if (!made.phi) {
    report.clean++
    if (refused !== undefined) report.cleanRefused++
  }
  if (made.exact === true && refused === undefined && a.some(isOfRows)) report.resolved++
  if (DETECTORS.a.found(direct).length === 0) return
  report.telling++
  if (refused === undefined) report.masked++
}

const isOfRows = (message: Received): boolean =>
  message.kind === 'DataRow' ||
  (message.kind === 'CommandComplete' && /^(?:INSERT|UPDATE|DELETE|COPY) .*[1-9]/.test(message.tag))

/** Where two answers part: the message and its kind. */
function difference(left: string, right: string): string | undefined {
  if (left === right) return undefined
  const [one, other] = [left.split('\n'), right.split('\n')]
  const at = one.findIndex((line, index) => line !== other[index])
  const kind = (lines: readonly string[]): string =>
    (lines[at < 0 ? one.length : at] ?? 'nothing').split(' ', 1)[0] ?? ''
  return `message ${at}: ${kind(one)} / ${kind(other)}`
}

/** A finding to read: no value of PHI is in it, unless the statement itself asks for one. */
export const shownFinding = ({ kind, detail, statement: made }: Finding): string =>
  `${kind}: ${detail}\n  ${shownStatement(made)}`
