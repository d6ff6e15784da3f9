import { createHash } from 'node:crypto'
import type { AlertsConfig } from '../config/alerts-config.ts'
import type { RaisedAlert } from './alert.ts'
import type { AlertSource } from './alert-event.ts'
import type { AlertMemory, PatientNews, RememberedChain } from './alert-memory.ts'

export interface UsageWatchOptions {
  readonly settings: Pick<AlertsConfig, 'firstAccess' | 'volume'>
  readonly memory: AlertMemory
  readonly raise: (alert: RaisedAlert) => void
  /** The memory does not answer; what was to be remembered is kept, within bounds. Told once until it answers again. */
  readonly onFailure: (error: unknown) => void
  /** Between looks at what has come in. Unset: 5 s. */
  readonly everyMs?: number
}

const EVERY_MS = 5000
const FORGET_MS = 3_600_000
/** Chains at targets whose use has not been remembered yet; of more than these nothing is remembered until there is room. */
const MAX_WAITING = 10_000
/** Uses that are known to be remembered, so that the store is not asked again. */
const MAX_KNOWN = 50_000
/** Patients, of all chains together, that have not been remembered yet; of more nothing is remembered until there is room. */
const MAX_PATIENTS_WAITING = 100_000
const MAX_NAMED = 20

interface Waiting {
  readonly who: RememberedChain
  readonly source: AlertSource
  readonly relations: Set<string>
  /** Digests. */
  readonly patients: Set<string>
  /** Of how many that is news: patients of operations, and rows that name nobody. */
  patientsRead: number
  rows: number
}

/** First uses and volumes, compared with what the store remembers. The data path only adds to a bounded map. */
export class UsageWatch {
  readonly #options: UsageWatchOptions
  readonly #timer: NodeJS.Timeout
  readonly #known = new Set<string>()
  #waiting = new Map<string, Waiting>()
  #running: Promise<void> = Promise.resolve()
  #hasFailed = false
  #forgotten = 0
  #patientsWaiting = 0

  constructor(options: UsageWatchOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#begin(), options.everyMs ?? EVERY_MS).unref()
  }

  used(relations: readonly string[], source: AlertSource): void {
    if (!this.#options.settings.firstAccess) return
    const news = relations.filter((relation) => !this.#known.has(knownKey(source, relation)))
    if (news.length === 0) return
    const waiting = this.#waitingFor(source)
    for (const relation of news) waiting?.relations.add(relation)
  }

  /** `count`: how many patients there were, listed or not. */
  seen(digests: readonly string[], count: number, source: AlertSource): void {
    if (!this.#options.settings.firstAccess) return
    const news = digests.filter((digest) => !this.#known.has(knownPatient(source, digest)))
    if (news.length === 0) return
    const waiting = this.#waitingFor(source)
    if (waiting === undefined) return
    waiting.patientsRead += count
    for (const digest of news) {
      if (this.#patientsWaiting >= MAX_PATIENTS_WAITING) return
      if (waiting.patients.has(digest)) continue
      waiting.patients.add(digest)
      this.#patientsWaiting++
    }
  }

  released(rows: number, source: AlertSource): void {
    if (this.#options.settings.volume === undefined || rows <= 0) return
    const waiting = this.#waitingFor(source)
    if (waiting !== undefined) waiting.rows += rows
  }

  /** Remembers what is waiting, if the memory answers. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#begin()
  }

  #waitingFor(source: AlertSource): Waiting | undefined {
    const { chain, target = '' } = source
    const key = JSON.stringify([chain, target])
    const there = this.#waiting.get(key)
    if (there !== undefined || this.#waiting.size >= MAX_WAITING) return there
    const digest = createHash('sha256').update(JSON.stringify(chain)).digest()
    const waiting = {
      who: { chain: digest, target },
      source,
      relations: new Set<string>(),
      patients: new Set<string>(),
      patientsRead: 0,
      rows: 0,
    }
    this.#waiting.set(key, waiting)
    return waiting
  }

  #begin(): Promise<void> {
    this.#running = this.#running.then(() => this.#remember())
    return this.#running
  }

  /** Never rejects. */
  async #remember(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = new Map()
    for (const [key, waiting] of batch) {
      try {
        await this.#rememberOne(waiting)
        this.#hasFailed = false
      } catch (error) {
        this.#putBack(key, waiting)
        if (!this.#hasFailed) this.#options.onFailure(error)
        this.#hasFailed = true
      }
    }
    await this.#forget()
  }

  async #rememberOne(waiting: Waiting): Promise<void> {
    const { memory, raise, settings } = this.#options
    const { who, source, relations } = waiting
    if (relations.size > 0) {
      const first = await memory.firstUses(who, [...relations])
      for (const relation of relations) this.#know(knownKey(source, relation))
      relations.clear()
      if (first.length > 0) raise(firstAccess(first, source))
    }
    await this.#rememberPatients(waiting)
    const { rows } = waiting
    if (rows === 0 || settings.volume === undefined) return
    // What is counted twice is less bad than what is counted never.
    const { thisHour, mean } = await memory.addRows(who, rows, source.at)
    waiting.rows -= rows
    const { factor, minimumRows } = settings.volume
    if (mean !== undefined && thisHour >= minimumRows && thisHour > factor * mean) {
      raise(volumeSpike(thisHour, Math.round(mean), source))
    }
  }

  async #rememberPatients(waiting: Waiting): Promise<void> {
    const { who, source, patients, patientsRead } = waiting
    if (patients.size === 0) return
    const { memory, raise } = this.#options
    const news = await memory.firstPatients(who, [...patients])
    for (const digest of patients) this.#know(knownPatient(source, digest))
    this.#patientsWaiting -= patients.size
    patients.clear()
    waiting.patientsRead = 0
    if (news.first > 0) raise(firstPatients(news, patientsRead, source))
  }

  /** More may have come in meanwhile. */
  #putBack(key: string, { who, source, relations, patients, patientsRead, rows }: Waiting): void {
    const newer = this.#waiting.get(key)
    const both = new Set([...patients, ...(newer?.patients ?? [])])
    this.#patientsWaiting += both.size - patients.size - (newer?.patients.size ?? 0)
    this.#waiting.set(key, {
      who,
      source,
      relations: new Set([...relations, ...(newer?.relations ?? [])]),
      patients: both,
      patientsRead: patientsRead + (newer?.patientsRead ?? 0),
      rows: rows + (newer?.rows ?? 0),
    })
  }

  #know(key: string): void {
    this.#known.add(key)
    const [oldest] = this.#known
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest)
  }

  async #forget(): Promise<void> {
    const now = Date.now()
    if (now - this.#forgotten < FORGET_MS) return
    try {
      await this.#options.memory.forget(now)
      this.#forgotten = now
    } catch {
      // The next time will do.
    }
  }
}

const knownKey = ({ chain, target = '' }: AlertSource, relation: string): string =>
  JSON.stringify([chain, target, relation])

const knownPatient = ({ chain, target = '' }: AlertSource, digest: string): string =>
  JSON.stringify([chain, target, 'patient', digest])

function firstAccess(relations: readonly string[], source: AlertSource): RaisedAlert {
  const details = { count: relations.length, relations: relations.slice(0, MAX_NAMED) }
  return {
    kind: 'first-access',
    severity: 'notice',
    title: 'a chain used tables for the first time',
    details,
    source,
    likeness: JSON.stringify(['first-access', source.chain, source.target, relations]),
  }
}

/** How many, never whom. Many more than those told of before are not like them. */
function firstPatients({ first, hadAny }: PatientNews, read: number, source: AlertSource): RaisedAlert {
  const about = hadAny ? String(first).length : 'any'
  return {
    kind: 'first-patients',
    severity: 'notice',
    title: hadAny ? 'a chain read patients for the first time' : 'a chain had its first access to patients',
    details: { count: first, of: Math.max(read, first) },
    source,
    likeness: JSON.stringify(['first-patients', source.chain, source.target, about]),
  }
}

function volumeSpike(thisHour: number, mean: number, source: AlertSource): RaisedAlert {
  return {
    kind: 'volume',
    severity: 'warning',
    title: 'a chain reads many more rows than in the days before',
    details: { rowsThisHour: thisHour, meanOfBefore: mean },
    source,
    likeness: JSON.stringify(['volume', source.chain, source.target]),
  }
}
