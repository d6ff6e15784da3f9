import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { TlsStart, Wire } from '../../lib/wire.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import type { Peer } from './messages.ts'

export interface WireSettings {
  readonly encrypted?: boolean
  readonly loopback?: boolean
  readonly peerCertificate?: Buffer
}

/**
 * A wire whose other end is `far`. "TLS" changes nothing about the bytes, it only says that it is there; `upgrades` counts
 * how often it was begun.
 */
export function wireInMemory(settings: WireSettings = {}) {
  const [near, far] = duplexPair()
  const state: { upgrades: number; started: (TlsStart | undefined)[] } = { upgrades: 0, started: [] }
  const wire = (encrypted: boolean): Wire => ({
    stream: near,
    peer: {
      address: settings.loopback === false ? '192.0.2.1' : '127.0.0.1',
      port: 1,
      loopback: settings.loopback ?? true,
    },
    encrypted,
    peerCertificate: encrypted ? settings.peerCertificate : undefined,
    startTls: (start) => {
      state.upgrades++
      state.started.push(start)
      return Promise.resolve(wire(true))
    },
  })
  return { wire: wire(settings.encrypted ?? false), far, state }
}

export interface FarFrame {
  readonly type: number
  readonly body: Buffer
}

/** Reads what arrives at the far end, piece by piece, in order. */
export class FarReader {
  readonly #stream: Duplex
  readonly #cursor: FrameCursor
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => undefined
  #ended = false

  constructor(stream: Duplex, sender: Peer) {
    this.#stream = stream
    this.#cursor = new FrameCursor(sender, DEFAULT_FRAME_LIMITS)
    stream.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    stream.on('end', end)
    stream.on('close', end)
    stream.on('error', end)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** So many bytes; rejects when the stream ends before. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await this.#more()
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** A packet without a type byte. */
  async packet(): Promise<Buffer> {
    const length = (await this.bytes(4)).readUInt32BE(0)
    return this.bytes(length - 4)
  }

  async frame(): Promise<FarFrame> {
    while (!this.#cursor.next()) {
      if (this.#bytes.length === 0) await this.#more()
      this.#cursor.feed(this.#bytes)
      this.#bytes = Buffer.alloc(0)
    }
    return {
      type: this.#cursor.type,
      body: Buffer.from(this.#cursor.buffer.subarray(this.#cursor.body, this.#cursor.end)),
    }
  }

  /** Everything until the other side has ended. */
  async rest(): Promise<Buffer> {
    while (!this.#ended) await this.#more().catch(() => undefined)
    return this.#bytes
  }

  send(...messages: Buffer[]): void {
    if (!this.#stream.destroyed) this.#stream.write(Buffer.concat(messages))
  }

  end(): void {
    this.#stream.end()
  }

  #more(): Promise<void> {
    if (this.#ended) return Promise.reject(new Error('the other side has ended'))
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
