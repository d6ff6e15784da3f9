import { isUtf8 } from 'node:buffer'
import { ProtocolViolation } from './framing.ts'
import type { ByteRange, Peer } from './messages.ts'

/** Reads the body of one message from front to back. Every step checks that the bytes are there. */
export class BodyReader {
  readonly buffer: Buffer
  at: number
  readonly #end: number
  readonly #peer: Peer
  readonly #kind: string

  /** `kind` is the message's name, for error messages. */
  constructor(peer: Peer, kind: string, buffer: Buffer, body: number, end: number) {
    this.#peer = peer
    this.#kind = kind
    this.buffer = buffer
    this.at = body
    this.#end = end
  }

  get remaining(): number {
    return this.#end - this.at
  }

  fail(what: string, encoding = false): never {
    throw new ProtocolViolation(this.#peer, `${this.#kind}: ${what}`, encoding ? { encoding: true } : {})
  }

  byte(): number {
    return this.buffer.readUInt8(this.#advance(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#advance(2))
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#advance(4))
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.#advance(4))
  }

  /** A string up to its NUL, strictly UTF-8: two names that differ on the wire never become equal here. */
  text(): string {
    const start = this.at
    const end = this.#nul()
    const text = this.buffer.toString('utf8', start, end)
    // The decoder replaces what is not UTF-8 by U+FFFD; only where one shows up the bytes have to be looked at again.
    if (text.includes('\uFFFD') && !isUtf8(this.buffer.subarray(start, end))) this.fail('text is not UTF-8', true)
    return text
  }

  /** Like `text`, but with U+FFFD for what is not UTF-8: a server may report errors before an encoding is agreed on. */
  lossyText(): string {
    const start = this.at
    return this.buffer.toString('utf8', start, this.#nul())
  }

  bytes(length: number): ByteRange {
    const start = this.#advance(length)
    return { start, end: start + length }
  }

  rest(): ByteRange {
    return this.bytes(this.remaining)
  }

  /** A value with its length in front; -1 is NULL. */
  value(): ByteRange | null {
    const length = this.int32()
    if (length === -1) return null
    if (length < 0) this.fail('negative value length')
    return this.bytes(length)
  }

  /** As many values as `count` says; the bytes must be able to hold them before memory is taken. */
  list<T>(count: number, leastBytes: number, read: () => T): T[] {
    if (count * leastBytes > this.remaining) this.fail('count exceeds the message')
    const values: T[] = []
    for (let i = 0; i < count; i++) values.push(read())
    return values
  }

  /** A format code: 0 text, 1 binary. */
  format(): number {
    const code = this.int16()
    if (code !== 0 && code !== 1) this.fail('unknown format code')
    return code
  }

  finish(): void {
    if (this.at !== this.#end) this.fail('trailing bytes')
  }

  #nul(): number {
    const nul = this.buffer.indexOf(0, this.at)
    if (nul < 0 || nul >= this.#end) this.fail('text without terminator')
    this.at = nul + 1
    return nul
  }

  #advance(length: number): number {
    const start = this.at
    if (length > this.#end - start) this.fail('message is too short')
    this.at = start + length
    return start
  }
}
