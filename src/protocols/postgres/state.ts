import { ProtocolViolation } from './framing.ts'
import { DEFAULT_MAX_PIPELINED } from './limits.ts'
import { BACKEND, FRONTEND } from './messages.ts'

/** Messages of a client that a server answers. Flush is none, it has no reply. */
export type ReplyKind =
  | 'query'
  | 'function-call'
  | 'parse'
  | 'bind'
  | 'describe-statement'
  | 'describe-portal'
  | 'execute'
  | 'close'
  | 'sync'

/** Where a message of the server belongs. One object is used again and again: it holds until the next `accept`. */
export type Reply<T> =
  | {
      /** Whether more replies to the same message follow. */
      readonly kind: 'continues' | 'completes'
      readonly payload: T
      /** Messages behind the failed one that the server passes over, oldest first: they get no reply at all. */
      readonly dropped: readonly T[]
    }
  /** Belongs to no message: a notice, setting or notification, or an ErrorResponse before the server hangs up. */
  | { readonly kind: 'asynchronous'; readonly payload: undefined; readonly dropped: readonly T[] }

/**
 * What may come next (documentation, "Message Flow"): state → type of the message → next state. What is not listed is a
 * violation. `>` is the client's CopyDone or CopyFail. The first state of an entry is its kind. Ends:
 * `done` completes the entry; `skip` completes it with an error, and the server passes over everything up to Sync;
 * `asynchronous` belongs to no entry, and leaves the state as it is.
 */
const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Nothing is outstanding, or all until the next Sync is passed over: only what ends the connection may come.
  idle: { E: 'asynchronous' },

  query: {
    T: 'query-rows',
    C: 'query-next',
    I: 'ready',
    G: 'query-copy-in',
    H: 'query-copy-out',
    W: 'query-both',
    E: 'failed',
  },
  'query-next': {
    T: 'query-rows',
    C: 'query-next',
    G: 'query-copy-in',
    H: 'query-copy-out',
    W: 'query-both',
    E: 'failed',
    Z: 'done',
  },
  // A rule (CREATE RULE … DO ALSO SELECT) adds result sets of its own to one statement.
  'query-rows': { T: 'query-rows', D: 'query-rows', C: 'query-next', E: 'failed' },
  'query-copy-in': { '>': 'query-copied', E: 'failed' },
  'query-copy-out': { d: 'query-copy-out', c: 'query-copied', E: 'failed' },
  'query-copied': { C: 'query-next', E: 'failed' },
  // CopyBoth (replication only): the two sides end in any order, a result set may follow.
  'query-both': { d: 'query-both', c: 'query-both-in', '>': 'query-both-out', E: 'failed' },
  'query-both-in': { '>': 'query-both-copied', E: 'failed' },
  'query-both-out': { d: 'query-both-out', c: 'query-both-copied', E: 'failed' },
  'query-both-copied': { T: 'query-rows', C: 'query-next', E: 'failed' },
  'function-call': { V: 'ready', E: 'failed' },
  ready: { Z: 'done', E: 'failed' },
  // A second error before ReadyForQuery is the server going away.
  failed: { Z: 'done', E: 'asynchronous' },

  parse: { '1': 'done', E: 'skip' },
  bind: { '2': 'done', E: 'skip' },
  'describe-statement': { t: 'describe-portal', E: 'skip' },
  'describe-portal': { T: 'done', n: 'done', E: 'skip' },
  execute: {
    D: 'execute-rows',
    C: 'done',
    I: 'done',
    s: 'done',
    G: 'execute-copy-in',
    H: 'execute-copy-out',
    E: 'skip',
  },
  'execute-rows': { D: 'execute-rows', C: 'done', s: 'done', E: 'skip' },
  'execute-copy-in': { '>': 'execute-copied', E: 'skip' },
  'execute-copy-out': { d: 'execute-copy-out', c: 'execute-copied', E: 'skip' },
  'execute-copied': { C: 'done', E: 'skip' },
  close: { '3': 'done', E: 'skip' },
  // A deferred constraint fails here: an error, then ReadyForQuery as ever.
  sync: { Z: 'done', E: 'failed' },
}

const STATE_NAMES = Object.keys(TABLE)
const ROW = 128
const VIOLATION = 255
const DONE = 254
const SKIP = 253
const ASYNCHRONOUS = 252
const CLIENT_END = '>'.charCodeAt(0)

function stateNumber(name: string): number {
  const number = STATE_NAMES.indexOf(name)
  if (number < 0) throw new Error(`the reply table has no state ${name}`)
  return number
}

const TRANSITIONS = compile()

function compile(): Uint8Array {
  const ends: Readonly<Record<string, number>> = { done: DONE, skip: SKIP, asynchronous: ASYNCHRONOUS }
  const table = new Uint8Array(STATE_NAMES.length * ROW).fill(VIOLATION)
  for (const [state, row] of Object.values(TABLE).entries()) {
    for (const type of [BACKEND.NoticeResponse, BACKEND.ParameterStatus, BACKEND.NotificationResponse]) {
      table[state * ROW + type] = ASYNCHRONOUS
    }
    for (const [letter, next] of Object.entries(row)) {
      table[state * ROW + letter.charCodeAt(0)] = ends[next] ?? stateNumber(next)
    }
  }
  return table
}

const IDLE = stateNumber('idle')
const FAILED = stateNumber('failed')
const EXECUTE = stateNumber('execute')
const READY = stateNumber('ready')
const BOTH = stateNumber('query-both')
const BOTH_IN = stateNumber('query-both-in')
const FIRST_STATE: Readonly<Record<ReplyKind, number>> = {
  query: stateNumber('query'),
  'function-call': stateNumber('function-call'),
  parse: stateNumber('parse'),
  bind: stateNumber('bind'),
  'describe-statement': stateNumber('describe-statement'),
  'describe-portal': stateNumber('describe-portal'),
  execute: stateNumber('execute'),
  close: stateNumber('close'),
  sync: stateNumber('sync'),
}

const waitsForCopyEnd = (state: number): boolean => TRANSITIONS[state * ROW + CLIENT_END] !== VIOLATION

export interface ReplyEntry<T> {
  readonly kind: ReplyKind
  readonly payload: T
}

interface Entry<T> extends ReplyEntry<T> {
  readonly mayCopyIn: boolean
  state: number
}

interface OwnedReply<T> {
  kind: 'continues' | 'completes'
  payload: T
  dropped: readonly T[]
}

const NONE: readonly never[] = Object.freeze([])
const NOBODYS = Object.freeze({ kind: 'asynchronous', payload: undefined, dropped: NONE } as const)

/**
 * The messages sent to a server whose replies are outstanding, in order, with what the caller attaches to each.
 *
 * A client in COPY IN may send Sync and Flush, which the server passes over; had the COPY failed a moment before, it would
 * answer them. So that both sides always agree, nothing may be sent behind a statement that can start a COPY from the
 * client until it is known what became of it: see `held`.
 */
export class ReplyQueue<T> {
  readonly #maxPipelined: number
  #entries: Entry<T>[] = []
  #first = 0
  #skipping = false
  #reply: OwnedReply<T> | undefined

  /** `maxPipelined` bounds how many messages may wait for their replies. */
  constructor(limits: { readonly maxPipelined?: number } = {}) {
    this.#maxPipelined = limits.maxPipelined ?? DEFAULT_MAX_PIPELINED
  }

  /** How many messages wait for their replies. */
  get length(): number {
    return this.#entries.length - this.#first
  }

  /** The message that the server answers now. */
  get head(): ReplyEntry<T> | undefined {
    return this.#entries[this.#first]
  }

  /** What is attached to every message that waits, the next to be answered first. For the end of a connection. */
  payloads(): readonly T[] {
    return this.#entries.slice(this.#first).map((entry) => entry.payload)
  }

  /** Whether a ReadyForQuery is among what is outstanding. */
  get endsBatch(): boolean {
    return this.#entries.slice(this.#first).some(({ kind }) => kind === 'sync' || kind === 'query')
  }

  /** After an error in the extended protocol: the server passes over everything until Sync. */
  get skipping(): boolean {
    return this.#skipping
  }

  /** The server takes CopyData: CopyInResponse has come, and the client has not ended its side. */
  get copying(): boolean {
    const head = this.#entries[this.#first]
    return head !== undefined && waitsForCopyEnd(head.state)
  }

  /**
   * The newest message may yet start a COPY from the client. Send nothing behind it but Flush (without which a server need
   * not answer an Execute) until this turns false.
   */
  get held(): boolean {
    const last = this.#entries.at(-1)
    if (last === undefined || !last.mayCopyIn || this.length === 0) return false
    if (last.kind === 'execute') return last.state === EXECUTE
    return last.state !== FAILED && last.state !== READY && !waitsForCopyEnd(last.state)
  }

  /**
   * Notes that a message is about to be sent. `ignored` says that the server passes over it (until Sync after an error, or
   * a Sync or Flush during COPY IN): it gets no reply, must not be counted as executed, and need not be sent.
   * `mayCopyIn`: the statement, or one of the statements, is a COPY … FROM STDIN.
   * @throws ProtocolViolation for what no server takes during COPY, and, with `limit`, for too many messages
   */
  push(kind: ReplyKind | 'flush', payload: T, mayCopyIn = false): 'expected' | 'ignored' {
    if (this.copying) {
      if ((kind === 'sync' || kind === 'flush') && !this.#copyingBoth()) return 'ignored'
      throw new ProtocolViolation('frontend', `${kind} during COPY`)
    }
    if (kind === 'flush') return 'ignored'
    if (this.#skipping) {
      if (kind !== 'sync') return 'ignored'
      this.#skipping = false
    }
    if (this.held) throw new Error('a message was pushed while the reply queue is held')
    if (this.length >= this.#maxPipelined) {
      const text = `more than ${this.#maxPipelined} messages wait for a reply`
      throw new ProtocolViolation('frontend', text, { limit: true })
    }
    this.#entries.push({ kind, payload, mayCopyIn, state: FIRST_STATE[kind] })
    return 'expected'
  }

  /**
   * What to do with a client's CopyData, CopyDone or CopyFail: outside COPY a server discards them, because a client may
   * send them before it learns of an error.
   */
  clientCopy(type: number): 'forward' | 'discard' {
    const head = this.#entries[this.#first]
    if (head === undefined || !waitsForCopyEnd(head.state)) return 'discard'
    if (type !== FRONTEND.CopyData) head.state = TRANSITIONS[head.state * ROW + CLIENT_END]!
    return 'forward'
  }

  /**
   * Finds what a message of the server answers and moves on.
   * @throws ProtocolViolation when the table has no entry for it
   */
  accept(type: number): Reply<T> {
    const head = this.#entries[this.#first]
    const next = type < ROW && type !== CLIENT_END ? TRANSITIONS[(head?.state ?? IDLE) * ROW + type] : VIOLATION
    if (next === ASYNCHRONOUS) return NOBODYS
    if (next === undefined || next === VIOLATION || head === undefined) throw this.#unexpected(type)
    this.#reply ??= { kind: 'continues', payload: head.payload, dropped: NONE }
    const reply = this.#reply
    reply.payload = head.payload
    reply.dropped = NONE
    if (next === DONE || next === SKIP) {
      reply.kind = 'completes'
      this.#shift()
      if (next === SKIP) reply.dropped = this.#dropUntilSync()
      return reply
    }
    reply.kind = 'continues'
    head.state = next
    if (waitsForCopyEnd(next) && this.length > 1) {
      throw new ProtocolViolation(
        'backend',
        'COPY from the client was not foreseen, and messages are pipelined behind it',
      )
    }
    return reply
  }

  #copyingBoth(): boolean {
    const state = this.#entries[this.#first]?.state
    return state === BOTH || state === BOTH_IN
  }

  #shift(): void {
    this.#first++
    if (this.#first === this.#entries.length) {
      this.#entries.length = 0
      this.#first = 0
    } else if (this.#first >= 1024 && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  #dropUntilSync(): readonly T[] {
    const dropped: T[] = []
    for (;;) {
      const head = this.#entries[this.#first]
      if (head === undefined) {
        this.#skipping = true
        return dropped
      }
      if (head.kind === 'sync') return dropped
      dropped.push(head.payload)
      this.#shift()
    }
  }

  #unexpected(type: number): ProtocolViolation {
    const state = STATE_NAMES[this.#entries[this.#first]?.state ?? IDLE] ?? 'idle'
    return new ProtocolViolation('backend', `message type 0x${type.toString(16)} in state ${state}`)
  }
}
