import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ScramClient } from '../../src/protocols/postgres/auth/scram.ts'
import { ScramKeys } from '../../src/protocols/postgres/auth/scram-keys.ts'
import { decodeBackend } from '../../src/protocols/postgres/decode.ts'
import {
  encodePassword,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeSslRequest,
  encodeStartup,
  encodeTerminate,
} from '../../src/protocols/postgres/encode.ts'
import { FrameCursor } from '../../src/protocols/postgres/framing.ts'
import { DEFAULT_FRAME_LIMITS } from '../../src/protocols/postgres/limits.ts'
import type { BackendMessage } from '../../src/protocols/postgres/messages.ts'

/** What carries a range of the buffer it was decoded from. */
type Ranged = { kind: 'DataRow' } | { kind: 'CopyData' } | { kind: 'FunctionCallResponse' } | { data: unknown }
type Raw = Exclude<BackendMessage, Ranged>

/** A message of the server with its values copied out of the wire. */
export type Received =
  | Raw
  | { readonly kind: 'DataRow'; readonly values: readonly (Buffer | null)[] }
  | { readonly kind: 'CopyData'; readonly data: Buffer }
  | { readonly kind: 'FunctionCallResponse'; readonly value: Buffer | null }
  | {
      readonly kind: 'AuthenticationGSSContinue' | 'AuthenticationSASLContinue' | 'AuthenticationSASLFinal'
      readonly data: Buffer
    }

export type ReceivedKind = Received['kind']
/** The messages whose kind is or includes K. */
export type Of<K extends ReceivedKind> = Including<Received, K>
type Including<M, K> = M extends { readonly kind: infer L } ? (K extends L ? M : never) : never

export interface WireOptions {
  readonly port: number
  /** PEM text; undefined connects in clear. */
  readonly ca: string | undefined
}

export interface WireLogin extends WireOptions {
  readonly user?: string
  readonly database: string
  readonly password: string
  readonly minor?: number
  readonly parameters?: Readonly<Record<string, string>>
}

const ANSWER_TIMEOUT_MS = 15_000

/** A client that sends exactly the bytes it is told and shows exactly what comes back. */
export class WireClient {
  readonly #socket: Socket
  readonly #cursor = new FrameCursor('backend', DEFAULT_FRAME_LIMITS)
  readonly #queue: Received[] = []
  readonly #waiting: (() => void)[] = []
  /** What the server sent before it answered the password, and at the greeting. */
  readonly greeting: Received[] = []
  #ended = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#cursor.feed(chunk)
      while (this.#cursor.next()) this.#queue.push(copied(this.#cursor))
      this.#wake()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
    socket.on('error', () => socket.destroy())
  }

  /** Connects, with TLS when a CA is given, and sends nothing else. */
  static async open({ port, ca }: WireOptions): Promise<WireClient> {
    const socket = await openSocket(port)
    if (ca === undefined) return new WireClient(socket)
    socket.write(encodeSslRequest())
    if ((await answerByte(socket)) !== 'S') throw new Error('the server does not offer TLS')
    const secure = connectTls({ socket, ca, servername: 'localhost' })
    await once(secure, 'secureConnect')
    return new WireClient(secure)
  }

  /** Logs in with a password; the messages up to ReadyForQuery are kept in `greeting`. Rejects with a ServerError. */
  static async login(options: WireLogin): Promise<WireClient> {
    const client = await WireClient.open(options)
    client.send(startup(options))
    const scram = new ScramClient({})
    const keys = new ScramKeys()
    for (;;) {
      const message = await client.next()
      if (message === undefined) throw endedBy(client.greeting)
      client.greeting.push(message)
      if (message.kind === 'AuthenticationCleartextPassword') client.send(encodePassword(options.password))
      else if (message.kind === 'AuthenticationSASL') client.send(encodeSaslInitialResponse(scram.start()))
      else if (message.kind === 'AuthenticationSASLContinue') {
        const salted = await keys.saltedPassword(options.password, scram.challenge(message.data))
        client.send(encodeSaslResponse(scram.respond(salted)))
      } else if (message.kind === 'ReadyForQuery') return client
    }
  }

  send(...messages: readonly (Buffer | readonly Buffer[])[]): void {
    this.#socket.write(Buffer.concat(messages.flat()))
  }

  /** The next message; undefined when the server has closed the connection. */
  async next(): Promise<Received | undefined> {
    const deadline = performance.now() + ANSWER_TIMEOUT_MS
    for (;;) {
      const message = this.#queue.shift()
      if (message !== undefined) return message
      if (this.#ended) return undefined
      const left = deadline - performance.now()
      if (left <= 0) throw new Error('the server did not answer in time')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** Everything up to and with the first message of that kind. An ErrorResponse that ends the session throws it. */
  async upTo(kind: ReceivedKind): Promise<Received[]> {
    const messages: Received[] = []
    for (;;) {
      const message = await this.next()
      if (message === undefined) throw endedBy(messages)
      messages.push(message)
      if (message.kind === kind) return messages
    }
  }

  ready(): Promise<Received[]> {
    return this.upTo('ReadyForQuery')
  }

  /** Everything up to ReadyForQuery, or to the end of the connection. */
  async toEndOrReady(): Promise<Received[]> {
    const messages: Received[] = []
    for (;;) {
      const message = await this.next()
      if (message !== undefined) messages.push(message)
      if (message === undefined || message.kind === 'ReadyForQuery') return messages
    }
  }

  /** Everything until the server closes the connection. */
  async toEnd(): Promise<Received[]> {
    const messages: Received[] = []
    for (;;) {
      const message = await this.next()
      if (message === undefined) return messages
      messages.push(message)
    }
  }

  /** Messages that have arrived already, without waiting. */
  arrived(): Received[] {
    return this.#queue.splice(0)
  }

  async close(): Promise<void> {
    if (this.#ended) return
    this.#socket.end(encodeTerminate())
    await this.toEnd()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

function endedBy(messages: readonly Received[]): Error {
  const error = of(messages, 'ErrorResponse').at(-1)
  return error === undefined ? new Error('the server closed the connection') : new ServerError(error.fields)
}

export class ServerError extends Error {
  readonly fields: ReadonlyMap<string, string>

  constructor(fields: ReadonlyMap<string, string>) {
    super(`${fields.get('C')}: ${fields.get('M')}`)
    this.fields = fields
  }

  get code(): string {
    return this.fields.get('C') ?? ''
  }
}

/** The one byte that answers a request for encryption. */
export async function answerByte(socket: Socket): Promise<string> {
  const [answer]: unknown[] = await once(socket, 'data')
  return Buffer.isBuffer(answer) ? answer.toString('latin1') : ''
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

export function startup(options: Pick<WireLogin, 'user' | 'database' | 'minor' | 'parameters'>): Buffer {
  const { user = 'agent', database, minor = 0, parameters = {} } = options
  return encodeStartup({
    minor,
    parameters: new Map([['user', user], ['database', database], ...Object.entries(parameters)]),
  })
}

/** The messages of one kind. */
export function of<K extends ReceivedKind>(messages: readonly Received[], kind: K): Of<K>[] {
  return messages.filter((message): message is Of<K> => message.kind === kind)
}

/** The first message of one kind; throws when there is none. */
export function first<K extends ReceivedKind>(messages: readonly Received[], kind: K): Of<K> {
  const [found] = of(messages, kind)
  if (found === undefined) throw new Error(`there is no ${kind} among ${kinds(messages).join(', ')}`)
  return found
}

/** The kinds in order, for comparing shapes. */
export const kinds = (messages: readonly Received[]): string[] => messages.map(({ kind }) => kind)

/** Rows as text; for results in text format. */
export const rows = (messages: readonly Received[]): (string | null)[][] =>
  of(messages, 'DataRow').map(({ values }) => values.map((value) => value?.toString('utf8') ?? null))

/** SQLSTATE and message of the errors, in order. */
export const errors = (messages: readonly Received[]): { readonly code: string; readonly message: string }[] =>
  of(messages, 'ErrorResponse').map(({ fields }) => ({ code: fields.get('C') ?? '', message: fields.get('M') ?? '' }))

/** The transaction status of the last ReadyForQuery. */
export const status = (messages: readonly Received[]): string | undefined =>
  of(messages, 'ReadyForQuery').at(-1)?.status

export const tags = (messages: readonly Received[]): string[] => of(messages, 'CommandComplete').map(({ tag }) => tag)

function copied(cursor: FrameCursor): Received {
  const { buffer, type, body, end } = cursor
  const message = decodeBackend(buffer, type, body, end)
  const copy = (range: { readonly start: number; readonly end: number }): Buffer =>
    Buffer.from(buffer.subarray(range.start, range.end))
  if (message.kind === 'DataRow') {
    return { kind: 'DataRow', values: message.values.map((range) => (range === null ? null : copy(range))) }
  }
  if (message.kind === 'FunctionCallResponse') {
    return { kind: 'FunctionCallResponse', value: message.value === null ? null : copy(message.value) }
  }
  return 'data' in message ? { kind: message.kind, data: copy(message.data) } : message
}
