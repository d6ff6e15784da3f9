import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ChaperoneError } from '../../lib/errors.ts'
import { GatedWriter } from '../../lib/gated-writer.ts'
import type { Gate, HoldEnd, SessionControl, SessionEnd } from '../protocol.ts'
import { ClientPump } from './client-pump.ts'
import { encodeNoticeResponse, encodeQuery } from './encode.ts'
import type { Expected } from './expected.ts'
import { within } from './endings.ts'
import { FrameCursor, ProtocolViolation } from './framing.ts'
import type { FrameLimits } from './limits.ts'
import { NamedEntries, type Portal, type Statement } from './named-statements.ts'
import { poisonText, refusalResponse } from './refusal.ts'
import { ReplyQueue } from './state.ts'
import { TargetPump } from './target-pump.ts'
import { violation } from './violation.ts'

export interface RelayOptions {
  readonly client: Duplex
  readonly target: Duplex
  /** Bytes that the client sent behind its login, and the target behind its own. */
  readonly early: Buffer
  readonly targetEarly?: Buffer
  readonly gate: Gate
  readonly waiting: Set<GatedWriter>
  readonly limits: FrameLimits
  /** Replies that may be outstanding before reading from the client stops. */
  readonly maxPipelined: number
  readonly maxNames: number
  readonly now: () => number
  /** Asks the target to cancel what runs, over a connection of its own. */
  readonly cancelAtTarget: () => void
  /** How long a client has to take what is still to be said when its session has ended. */
  readonly lastWordsMs?: number
}

/** Reading stops above this many bytes that the other side has not taken yet, and goes on when half of it is gone. */
const BACKLOG_BYTES = 1024 * 1024
const LAST_WORDS_MS = 5000
/** While a client waits for somebody, nothing may be sent for long; a peer that has gone without a word is found by this. */
const KEEP_ALIVE_MS = 15_000
/** How long a target has to close its side when the client has gone. */
const TARGET_CLOSE_MS = 60_000

/** What ends a result in the middle. */
const CUTS_OFF: ReadonlySet<string> = new Set(['CHP-BUDGET-EXCEEDED', 'CHP-BUDGET-UNAVAILABLE', 'CHP-PATIENT-SCOPE'])
/** How long a target may go on with a result of which no more is released. */
const CANCEL_AFTER_MS = 200

/** What has become of somebody who waited: what a client gives up by going is not what is taken from it. */
const HOLD_ENDS: Readonly<Record<SessionEnd['reason'], HoldEnd>> = {
  'client-closed': 'gone',
  'target-closed': 'ended',
  terminated: 'ended',
  'protocol-violation': 'ended',
  failed: 'ended',
}

/** Runs a logged-in session until either side ends. The pumps are synchronous; this joins them to the two streams. */
export class Relay implements SessionControl {
  readonly #options: RelayOptions
  readonly #toClient: GatedWriter
  readonly #toTarget: GatedWriter
  readonly #replies: ReplyQueue<Expected>
  readonly #clientPump: ClientPump
  readonly #targetPump: TargetPump
  #since: number
  #clientHeld = false
  #pausedForVerdict = false
  /** The client waits for somebody; and how much it has sent meanwhile. */
  #waitsForSomebody = false
  #sentMeanwhile = 0
  #targetEnds = false
  /** Rows wait for replacements that are being fetched, or will be in a moment; and whether the target has gone meanwhile. */
  #fetching: 'no' | 'soon' | 'now' = 'no'
  #goneMeanwhile = false
  #end: SessionEnd | undefined
  #finish: (end: SessionEnd) => void = () => undefined
  #said: () => void = () => undefined
  /** Resolves after the end of `run`, when the client has taken what was still to be said: its socket may be closed then. */
  readonly lastWords = new Promise<void>((resolve) => {
    this.#said = resolve
  })

  constructor(options: RelayOptions) {
    const { client, target, gate, limits, waiting } = options
    this.#options = options
    this.#since = options.now()
    this.#toClient = new GatedWriter(client, gate.marks, waiting, () => this.#resumeTarget())
    this.#toTarget = new GatedWriter(target, gate.marks, waiting, () => this.#resumeClient())
    // The pump stops before; descriptions of its own may come on top.
    this.#replies = new ReplyQueue<Expected>({ maxPipelined: options.maxPipelined + 16 })
    const statements = new NamedEntries<Statement>(options.maxNames)
    // A cursor that nobody closed ended with its transaction, unless it is WITH HOLD, which can't be told from here.
    const portals = new NamedEntries<Portal>(options.maxNames, ({ operation }) => operation === undefined)
    this.#clientPump = new ClientPump({
      gate,
      cursor: new FrameCursor('frontend', limits),
      toTarget: this.#toTarget,
      statements,
      portals,
      replies: this.#replies,
      maxPipelined: options.maxPipelined,
      isIdle: () => this.#targetPump.status === 'I',
      expect: (kind, expected, mayCopyIn) => {
        if (this.#replies.length === 0) this.#since = options.now()
        this.#replies.push(kind, expected, mayCopyIn)
      },
      pause: () => {
        this.#pausedForVerdict = true
        client.pause()
      },
      resume: () => {
        this.#pausedForVerdict = false
        this.#resumeClient()
      },
      tellClient: ({ message, hint }) =>
        this.#toClient.push(encodeNoticeResponse({ severity: 'NOTICE', sqlstate: '01000', message, hint })),
      onHold: (held) => this.#held(held),
      fail: (error) => this.#fail(error),
      terminate: () => this.#close({ reason: 'client-closed' }),
    })
    this.#targetPump = new TargetPump({
      gate,
      cursor: new FrameCursor('backend', limits),
      replies: this.#replies,
      toClient: this.#toClient,
      portals,
      onReady: () => {
        this.#since = options.now()
      },
      poison: (expected) => {
        this.#toTarget.push(encodeQuery(poisonText('CHP-BUDGET-EXCEEDED')))
        this.#replies.push('query', expected)
      },
      onFatal: () => {
        this.#targetEnds = true
      },
    })
  }

  run(): Promise<SessionEnd> {
    const { client, target, early, targetEarly } = this.#options
    return new Promise((resolve) => {
      this.#finish = resolve
      client.on('data', (chunk: Buffer) => this.#fromClient(chunk))
      target.on('data', (chunk: Buffer) => this.#fromTarget(chunk))
      client.on('drain', () => this.#resumeTarget())
      target.on('drain', () => this.#resumeClient())
      client.once('close', () => this.#clientGone())
      target.once('close', () => this.#targetGone())
      client.once('end', () => this.#clientGone())
      client.on('error', () => client.destroy())
      target.on('error', () => target.destroy())
      // Either may have gone while the other was being logged in, and would not say so again.
      if (client.destroyed || client.readableEnded) this.#clientGone()
      else if (target.destroyed || target.readableEnded) this.#targetGone()
      if (targetEarly !== undefined && targetEarly.length > 0) this.#fromTarget(targetEarly)
      if (early.length > 0) this.#fromClient(early)
    })
  }

  get state(): SessionControl['state'] {
    if (this.#waitsForSomebody) return 'held'
    if (this.#replies.length > 0) return 'active'
    return this.#targetPump.status === 'I' ? 'idle' : 'in-transaction'
  }

  get since(): number {
    return this.#since
  }

  cancel(): void {
    if (!this.withdraw()) this.#options.cancelAtTarget()
  }

  /** What is held is given up; false when nothing is. The target knows nothing of it, and has nothing to cancel. */
  withdraw(): boolean {
    return this.#clientPump.withdraw()
  }

  terminate(error: ChaperoneError): void {
    if (this.#end !== undefined) return
    if (this.#replies.length > 0) this.cancel()
    this.#sayLast(error)
    this.#close({ reason: 'terminated', error })
  }

  // ---- the two directions

  #fromClient(chunk: Buffer): void {
    if (this.#end !== undefined) return
    if (this.#waitsForSomebody) this.#sentMeanwhile += chunk.length
    this.#clientPump.feed(chunk)
    const isFull = this.#toTarget.backlog > BACKLOG_BYTES || this.#sentMeanwhile > BACKLOG_BYTES
    if (isFull || this.#clientPump.parked) {
      this.#clientHeld = true
      this.#options.client.pause()
    }
  }

  #fromTarget(chunk: Buffer): void {
    if (this.#end === undefined) this.#takeFromTarget(() => this.#targetPump.feed(chunk))
  }

  #takeFromTarget(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#targetEnds) {
      this.#close({ reason: 'target-closed' })
      return
    }
    const { waits } = this.#targetPump
    if (waits === 'for replacements') this.#fetch()
    else if (waits === 'for more') this.#fetchSoon()
    if (this.#toClient.backlog > BACKLOG_BYTES) this.#options.target.pause()
    this.#clientPump.pump()
    if (this.#clientHeld) this.#resumeClient()
  }

  /** What the socket has received already comes first: its rows may lack something as well. */
  #fetchSoon(): void {
    if (this.#fetching !== 'no') return
    this.#fetching = 'soon'
    setImmediate(() => {
      if (this.#fetching === 'soon' && this.#end === undefined) this.#fetch()
    })
  }

  #fetch(): void {
    if (this.#fetching === 'now') return
    this.#fetching = 'now'
    this.#options.target.pause()
    this.#targetPump.fetch().then(
      () => this.#fetched(),
      (error: unknown) => this.#notFetched(error),
    )
  }

  /** A budget that is used up ends the statement, and not the session. */
  #notFetched(error: unknown): void {
    if (!(error instanceof ChaperoneError) || !CUTS_OFF.has(error.code) || this.#end !== undefined)
      return this.#fail(error)
    this.#fetching = 'no'
    this.#takeFromTarget(() => this.#targetPump.cutOff(error))
    if (this.#goneMeanwhile) this.#targetGone()
    else this.#resumeTarget()
    // What is nearly done needs no cancelling, which could hit what comes next.
    setTimeout(() => {
      if (this.#end === undefined && this.#targetPump.isCut) this.#options.cancelAtTarget()
    }, CANCEL_AFTER_MS).unref()
  }

  #fetched(): void {
    this.#fetching = 'no'
    if (this.#end !== undefined) return
    this.#takeFromTarget(() => this.#targetPump.resume())
    if (this.#goneMeanwhile) this.#targetGone()
    else this.#resumeTarget()
  }

  #resumeTarget(): void {
    const { target } = this.#options
    if (this.#fetching === 'now') return
    if (target.isPaused() && this.#toClient.backlog <= BACKLOG_BYTES / 2) target.resume()
  }

  #resumeClient(): void {
    if (!this.#clientHeld && !this.#options.client.isPaused()) return
    if (this.#pausedForVerdict || this.#end !== undefined || this.#clientPump.parked) return
    if (this.#toTarget.backlog > BACKLOG_BYTES / 2) return
    this.#clientHeld = false
    this.#options.client.resume()
  }

  /** What is read while the client waits is kept; without reading, nobody would notice that it has gone. */
  #held(held: boolean): void {
    const { client, target, now } = this.#options
    this.#waitsForSomebody = held
    this.#since = now()
    this.#sentMeanwhile = 0
    if (!held) return
    for (const stream of [client, target]) {
      if (stream instanceof Socket) stream.setKeepAlive(true, KEEP_ALIVE_MS)
    }
    this.#pausedForVerdict = false
    this.#resumeClient()
  }

  // ---- endings

  #clientGone(): void {
    if (this.#end !== undefined) return
    // Nobody waits for the answer any more, and a long statement would go on for nothing.
    if (this.#replies.length > 0) this.cancel()
    this.#close({ reason: 'client-closed' })
  }

  #targetGone(): void {
    if (this.#end !== undefined) return
    // What it has said comes before.
    this.#goneMeanwhile = this.#fetching !== 'no'
    if (this.#goneMeanwhile) return
    const error = new ChaperoneError('CHP-TARGET-LOST')
    this.#toClient.push(refusalResponse(error, 'FATAL'))
    this.#close({ reason: 'target-closed', error })
  }

  #fail(thrown: unknown): void {
    if (this.#end !== undefined) return
    const error = violation(thrown)
    this.#sayLast(error)
    this.#close({ reason: thrown instanceof ProtocolViolation ? 'protocol-violation' : 'failed', error })
  }

  /** What was answered before comes before the error, unless it waits for a journal that will never be written. */
  #sayLast(error: ChaperoneError): void {
    if (error.code === 'CHP-RECORD-FAILED') {
      this.#toClient.discard()
      this.#options.client.write(refusalResponse(error, 'FATAL'))
    } else this.#toClient.push(refusalResponse(error, 'FATAL'))
  }

  #recordLost(): void {
    try {
      this.#targetPump.lost(this.#replies.payloads())
    } catch (error) {
      // The journal is what failed: these operations stay without an outcome, and `verify` lists them as such.
      if (!(error instanceof ChaperoneError && error.code === 'CHP-RECORD-FAILED')) throw error
    }
  }

  #close(end: SessionEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#clientPump.stop(HOLD_ENDS[end.reason])
    try {
      this.#recordLost()
    } finally {
      this.#closeStreams(end)
    }
  }

  #closeStreams(end: SessionEnd): void {
    const { client, target } = this.#options
    this.#toTarget.end()
    this.#toClient.end()
    client.resume()
    target.resume()
    if (end.reason !== 'client-closed') target.destroy()
    within(TARGET_CLOSE_MS, target, 'close', () => undefined)
    within(this.#options.lastWordsMs ?? LAST_WORDS_MS, client, 'finish', () => this.#said())
    this.#finish(end)
  }
}
