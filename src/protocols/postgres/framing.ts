import { type FrameLimits, lengthLimits } from './limits.ts'
import type { Peer } from './messages.ts'

/** What else is known about a violation. */
export interface ViolationFlags {
  /** A configured limit was exceeded; the grammar was kept. */
  readonly limit?: true
  /** Text is not valid UTF-8, or a statement holds a NUL. */
  readonly encoding?: true
}

/** A peer broke the protocol, or a limit. The message names message kinds and sizes, never contents. */
export class ProtocolViolation extends Error {
  readonly peer: Peer
  readonly limit?: true
  readonly encoding?: true

  constructor(peer: Peer, message: string, flags: ViolationFlags = {}) {
    super(message)
    this.name = 'ProtocolViolation'
    this.peer = peer
    if (flags.limit) this.limit = true
    if (flags.encoding) this.encoding = true
  }
}

/** Type byte and length field. */
const HEADER_BYTES = 5
/** Up to this size an unfinished message gets its memory at once; a longer one only as its bytes arrive. */
const ASSEMBLE_BYTES = 64 * 1024
/** Pieces of a long message below this size are copied together, so that tiny writes can't hold a buffer object each. */
const SMALL_PIECE_BYTES = 4096
const EMPTY = Buffer.alloc(0)

/** A message that is to come again. */
interface Retained {
  readonly buffer: Buffer
  readonly type: number
  readonly start: number
  readonly end: number
}

/**
 * Cuts a byte stream of one side into messages. Complete messages are not copied: `buffer` is the chunk they arrived in,
 * the same object for consecutive messages of a chunk, so that a run of them can be forwarded as one range. Only a message
 * that spans chunks is put together in a buffer of its own. Type and length are checked as soon as they are there.
 *
 * The fields describe the current message after `next()` returned true, and stay valid until the following `next()`,
 * except that `buffer` stays the last message's when `next()` returns false.
 */
export class FrameCursor {
  buffer: Buffer = EMPTY
  /** The type byte. */
  type = 0
  /** Of the type byte. */
  start = 0
  /** Of the first byte after the length field. */
  body = 0
  /** After the last byte. */
  end = 0

  readonly #sender: Peer
  readonly #longest: Uint32Array
  #chunk: Buffer = EMPTY
  #at = 0
  readonly #waiting: Buffer[] = []
  readonly #header = Buffer.alloc(HEADER_BYTES)
  /** Bytes held of the unfinished message, and how many it has; 0 while the header is incomplete. */
  #held = 0
  #needed = 0
  #assembly: Buffer = EMPTY
  #pieces: Buffer[] = []
  #gather: Buffer = EMPTY
  #gathered = 0
  /** Kept for `rewind`, oldest first; and what it made come again, the next one last. */
  #retained: Retained[] = []
  #again: Retained[] = []

  /** `sender` is the side whose messages are read. */
  constructor(sender: Peer, limits: FrameLimits) {
    this.#sender = sender
    this.#longest = lengthLimits(sender, limits)
  }

  /** Bytes held of an unfinished message. */
  get buffered(): number {
    return this.#held
  }

  /**
   * Adds bytes. The cursor keeps a reference; the caller must not change them. Chunks that come before `next()` returned
   * false are kept without a bound, so a caller that stops reading has to pause its stream.
   */
  feed(chunk: Buffer): void {
    if (this.#at < this.#chunk.length || this.#waiting.length > 0) {
      this.#waiting.push(chunk)
      return
    }
    this.#chunk = chunk
    this.#at = 0
  }

  /**
   * Moves to the next complete message; false when more bytes are needed.
   * @throws ProtocolViolation on an unknown type, a length below 4 or above the limit of the type
   */
  next(): boolean {
    if (this.#again.length > 0) return this.#nextAgain()
    for (;;) {
      if (this.#held === 0 ? this.#nextInChunk() : this.#nextHeld()) return true
      const following = this.#waiting.shift()
      if (following === undefined) return false
      this.#chunk = following
      this.#at = 0
    }
  }

  /** Keeps the current message: it comes again after `rewind`. */
  retain(): void {
    const { buffer, type, start, end } = this
    this.#retained.push({ buffer, type, start, end })
  }

  /** What was retained comes again, in order, before anything else. It has to be a run of messages up to the current one. */
  rewind(): void {
    this.#again = this.#again.concat(this.#retained.toReversed())
    this.#retained = []
  }

  /** Takes all bytes that `next()` has not moved over (for a TLS upgrade) and empties the cursor. */
  takeRest(): Buffer {
    const parts = [this.#takeHeld(), this.#chunk.subarray(this.#at), ...this.#waiting]
    this.#chunk = EMPTY
    this.#at = 0
    this.#waiting.length = 0
    this.buffer = EMPTY
    return Buffer.concat(parts)
  }

  #nextAgain(): boolean {
    const { buffer, type, start, end } = this.#again.pop()!
    this.buffer = buffer
    this.type = type
    this.start = start
    this.body = start + HEADER_BYTES
    this.end = end
    return true
  }

  #nextInChunk(): boolean {
    const chunk = this.#chunk
    const at = this.#at
    const available = chunk.length - at
    if (available >= HEADER_BYTES) {
      const type = chunk[at]!
      const total = 1 + this.#checkedLength(type, chunk.readInt32BE(at + 1))
      if (total <= available) {
        this.buffer = chunk
        this.type = type
        this.start = at
        this.body = at + HEADER_BYTES
        this.end = at + total
        this.#at = at + total
        return true
      }
    }
    return available > 0 && this.#nextHeld()
  }

  /** Carries on with a message whose first bytes are held, or starts to hold one. */
  #nextHeld(): boolean {
    const chunk = this.#chunk
    if (this.#needed === 0) {
      const taken = Math.min(HEADER_BYTES - this.#held, chunk.length - this.#at)
      chunk.copy(this.#header, this.#held, this.#at, this.#at + taken)
      this.#at += taken
      this.#held += taken
      if (taken > 0) this.#checkType(this.#header[0]!)
      if (this.#held < HEADER_BYTES) return false
      this.#needed = 1 + this.#checkedLength(this.#header[0]!, this.#header.readInt32BE(1))
      if (this.#needed <= ASSEMBLE_BYTES) {
        this.#assembly = Buffer.allocUnsafe(this.#needed)
        this.#header.copy(this.#assembly)
      } else {
        this.#pieces.push(Buffer.from(this.#header))
      }
    }
    const taken = Math.min(this.#needed - this.#held, chunk.length - this.#at)
    this.#hold(this.#at, this.#at + taken)
    this.#at += taken
    if (this.#held < this.#needed) return false
    this.type = this.#header[0]!
    this.buffer = this.#takeHeld()
    this.start = 0
    this.body = HEADER_BYTES
    this.end = this.buffer.length
    return true
  }

  #hold(start: number, end: number): void {
    const chunk = this.#chunk
    const length = end - start
    if (this.#needed <= ASSEMBLE_BYTES) {
      chunk.copy(this.#assembly, this.#held, start, end)
    } else if (length >= SMALL_PIECE_BYTES) {
      this.#closeGather()
      this.#pieces.push(chunk.subarray(start, end))
    } else if (length > 0) {
      if (this.#gather.length === 0) this.#gather = Buffer.allocUnsafe(2 * SMALL_PIECE_BYTES)
      if (this.#gathered + length > this.#gather.length) this.#closeGather()
      chunk.copy(this.#gather, this.#gathered, start, end)
      this.#gathered += length
    }
    this.#held += length
  }

  #closeGather(): void {
    if (this.#gathered === 0) return
    this.#pieces.push(Buffer.from(this.#gather.subarray(0, this.#gathered)))
    this.#gathered = 0
  }

  /** The bytes held, joined; nothing is held afterwards. */
  #takeHeld(): Buffer {
    let held: Buffer
    if (this.#needed === 0) held = Buffer.from(this.#header.subarray(0, this.#held))
    else if (this.#needed <= ASSEMBLE_BYTES) held = this.#assembly.subarray(0, this.#held)
    else {
      this.#closeGather()
      held = Buffer.concat(this.#pieces, this.#held)
    }
    this.#held = 0
    this.#needed = 0
    this.#assembly = EMPTY
    this.#pieces = []
    this.#gather = EMPTY
    return held
  }

  #checkType(type: number): number {
    const longest = this.#longest[type]!
    if (longest === 0) {
      throw new ProtocolViolation(this.#sender, `unknown message type 0x${type.toString(16).padStart(2, '0')}`)
    }
    return longest
  }

  #checkedLength(type: number, length: number): number {
    const longest = this.#checkType(type)
    if (length < 4) throw new ProtocolViolation(this.#sender, `message length ${length} is below 4`)
    if (length > longest) {
      const name = `message '${String.fromCharCode(type)}' of ${length} bytes exceeds the limit of ${longest}`
      throw new ProtocolViolation(this.#sender, name, { limit: true })
    }
    return length
  }
}
