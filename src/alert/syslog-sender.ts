import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { codeOf } from '../lib/error-code.ts'

export interface SyslogTarget {
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
  /** PEM; undefined: the certificate authorities that the runtime trusts. */
  readonly ca: string | undefined
}

export interface SyslogSenderOptions {
  readonly target: SyslogTarget
  /** Told once until it works again. Free of values. */
  readonly onFailure: (reason: string, lost: number) => void
  /** Unset: 100 ms, doubled up to 30 s. */
  readonly firstRetryMs?: number
}

const MAX_WAITING = 1000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 30_000
const CONNECT_MS = 10_000
const CLOSE_MS = 1000

/**
 * Sends messages to one receiver: UDP (RFC 5426), TCP with octet counting (RFC 6587, section 3.4.1) or TLS (RFC 5425). What waits for
 * a connection is bounded; the oldest is given up first. Syslog knows no receipts: what was written into a connection that breaks is lost.
 */
export class SyslogSender {
  readonly #options: SyslogSenderOptions
  readonly #waiting: Buffer[] = []
  #lost = 0
  #socket: Socket | undefined
  #datagrams: DatagramSocket | undefined
  #isReady = false
  #isClosed = false
  #retryMs: number
  #timer: NodeJS.Timeout | undefined
  #hasFailed = false

  constructor(options: SyslogSenderOptions) {
    this.#options = options
    this.#retryMs = options.firstRetryMs ?? FIRST_RETRY_MS
  }

  send(message: Buffer): void {
    if (this.#isClosed) return
    if (this.#options.target.transport === 'udp') {
      this.#sendDatagram(message)
      return
    }
    this.#waiting.push(message)
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift()
      this.#lost++
    }
    if (this.#isReady) this.#flush()
    else this.#connect()
  }

  /** Gives what waits a moment to leave. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#datagrams?.close()
    const socket = this.#socket
    if (socket === undefined) return
    await new Promise<void>((resolve) => {
      setTimeout(resolve, CLOSE_MS).unref()
      socket.once('close', () => resolve())
      if (this.#isReady) socket.end()
      else socket.destroy()
    })
    socket.destroy()
  }

  #sendDatagram(message: Buffer): void {
    const { host, port } = this.#options.target
    this.#datagrams ??= this.#openDatagrams()
    this.#datagrams.send(message, port, host, (error) => {
      if (error === null) this.#hasFailed = false
      else this.#fail(error, 1)
    })
  }

  #openDatagrams(): DatagramSocket {
    const socket = createSocket({ type: isIP(this.#options.target.host) === 6 ? 'udp6' : 'udp4' })
    socket.on('error', (error) => this.#fail(error, 0))
    return socket.unref()
  }

  #connect(): void {
    if (this.#socket !== undefined || this.#timer !== undefined || this.#isClosed) return
    const { transport, host, port, ca } = this.#options.target
    const socket =
      transport === 'tls'
        ? connectTls({
            host,
            port,
            minVersion: 'TLSv1.2',
            ...(isIP(host) === 0 ? { servername: host } : {}),
            ...(ca === undefined ? {} : { ca }),
          })
        : connectTcp({ host, port })
    this.#socket = socket
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no connection in time')))
    socket.on('error', (error) => this.#fail(error, 0))
    socket.on('close', () => this.#again(socket))
    // The receiver has nothing to say; its end of the connection is noticed this way.
    socket.resume()
    socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0)
      socket.setKeepAlive(true)
      this.#isReady = true
      this.#hasFailed = false
      this.#retryMs = this.#options.firstRetryMs ?? FIRST_RETRY_MS
      this.#flush()
    })
    socket.unref()
  }

  #flush(): void {
    const socket = this.#socket
    if (socket === undefined) return
    for (;;) {
      if (!socket.writable || socket.writableNeedDrain) break
      const message = this.#waiting.shift()
      if (message === undefined) return
      socket.write(Buffer.concat([Buffer.from(`${message.length} `), message]))
    }
    socket.once('drain', () => this.#flush())
  }

  #again(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#isReady = false
    if (this.#isClosed || this.#waiting.length === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#connect()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
  }

  #fail(error: Error, lost: number): void {
    this.#lost += lost
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#options.onFailure(codeOf(error) ?? error.message, this.#lost)
    this.#lost = 0
  }
}
