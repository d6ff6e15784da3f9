import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import type { Received, WireClient } from '../support/wire-client.ts'
import type { FuzzBed, FuzzGateway } from './bed.ts'
import { Choices, minimised } from './choices.ts'
import { Detector } from './detector.ts'
import { exchange } from './exchange.ts'
import { shownStatement, type Statement, statement } from './grammar/statement.ts'
import { comparable, failure, timedOut } from './oracles.ts'
import type { Side } from './twins.ts'

/**
 * What can be wrong. `canary`: a value of PHI was told. `difference`: the answer is another one when nothing but the PHI is
 * another one. `damage`: the answer to a statement that is not about PHI is not the server's. `lost`: the connection ended.
 */
export type FindingKind = 'canary' | 'difference' | 'damage' | 'lost'

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
    refusals: new Map(),
    findings: [],
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
      const finding = await lane.judge(statement(choices), report)
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
  const lane = await Lane.open(bed, gateway)
  let simplest: Finding | undefined
  await minimised(
    choices,
    async (candidate) => {
      const finding = await lane.judge(statement(Choices.replayed(candidate)))
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

/** One client of the server and two of the gateway, one a side. */
class Lane {
  readonly #gateway: FuzzGateway
  readonly #direct: WireClient
  #a: WireClient
  #b: WireClient

  private constructor(gateway: FuzzGateway, direct: WireClient, a: WireClient, b: WireClient) {
    this.#gateway = gateway
    this.#direct = direct
    this.#a = a
    this.#b = b
  }

  static async open(bed: FuzzBed, gateway: FuzzGateway): Promise<Lane> {
    const clients = await Promise.all([bed.direct('a'), gateway.agent('a'), gateway.agent('b')])
    await Promise.all(clients.map(prepare))
    return new Lane(gateway, ...clients)
  }

  async judge(made: Statement, report?: FuzzReport): Promise<Finding | undefined> {
    const finding = (kind: FindingKind, detail: string): Finding => ({ kind, detail, statement: made })
    const direct = await exchange(this.#direct, made)
    if (direct.length > MAX_MESSAGES) return undefined
    const answers = await Promise.allSettled([exchange(this.#a, made), exchange(this.#b, made)])
    const [a, b] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined))
    if (a === undefined || b === undefined) {
      await this.#reconnect()
      return finding(
        'lost',
        answers.map((answer) => (answer.status === 'rejected' ? String(answer.reason) : 'answered')).join(' / '),
      )
    }
    if (report !== undefined) count(report, made, direct, a)
    const leaked = [...new Set([...DETECTORS.a.found(a), ...DETECTORS.b.found(b)])]
    if (leaked.length > 0) return finding('canary', leaked.slice(0, 8).join(' '))
    if (timedOut(a) || timedOut(b)) return undefined
    const parting = difference(comparable(a, made.stable), comparable(b, made.stable))
    if (parting !== undefined) return finding('difference', parting)
    if (made.phi || failure(direct) !== undefined || failure(a)?.code.startsWith('CHP') === true) return undefined
    const damage = difference(comparable(direct, true), comparable(a, true))
    return damage === undefined ? undefined : finding('damage', damage)
  }

  close(): void {
    for (const client of [this.#direct, this.#a, this.#b]) client.destroy()
  }

  async #reconnect(): Promise<void> {
    this.#a.destroy()
    this.#b.destroy()
    ;[this.#a, this.#b] = await Promise.all([this.#gateway.agent('a'), this.#gateway.agent('b')])
    await Promise.all([prepare(this.#a), prepare(this.#b)])
  }
}

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
  if (DETECTORS.a.found(direct).length === 0) return
  report.telling++
  if (refused === undefined) report.masked++
}

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
