const FIRST_CAPACITY = 1024
/** A scratch buffer above this size is given up after use. */
const MAX_KEPT_CAPACITY = 64 * 1024
const MAX_UINT16 = 0xffff

/**
 * Writes one message into a scratch buffer that all messages share; `finish` copies it out. Values that do not fit their
 * field throw a RangeError: they are defects of the caller, and text with a NUL would smuggle in further fields.
 */
class MessageWriter {
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY)
  #at = 0

  /** A message with a type byte. */
  begin(type: number): this {
    this.#at = 0
    return this.byte(type).uint32(0)
  }

  /** A packet without one. */
  beginStartup(): this {
    this.#at = 0
    return this.uint32(0)
  }

  byte(value: number): this {
    this.#reserve(1)
    this.#at = this.#buffer.writeUInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#reserve(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#reserve(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
    return this
  }

  uint32(value: number): this {
    this.#reserve(4)
    this.#at = this.#buffer.writeUInt32BE(value, this.#at)
    return this
  }

  /** The number of elements that follow. */
  count(value: number): this {
    if (value > MAX_UINT16) throw new RangeError(`${value} elements do not fit into a message`)
    this.#reserve(2)
    this.#at = this.#buffer.writeUInt16BE(value, this.#at)
    return this
  }

  text(value: string): this {
    if (value.includes('\0')) throw new RangeError('text with a NUL does not fit into a message')
    const length = Buffer.byteLength(value)
    this.#reserve(length + 1)
    this.#at += this.#buffer.write(value, this.#at, length, 'utf8')
    this.#buffer[this.#at++] = 0
    return this
  }

  bytes(value: Buffer): this {
    this.#reserve(value.length)
    this.#at += value.copy(this.#buffer, this.#at)
    return this
  }

  /** A value with its length in front; null is -1. */
  value(value: Buffer | string | null): this {
    if (value === null) return this.int32(-1)
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return this.int32(bytes.length).bytes(bytes)
  }

  finish(): Buffer {
    this.#buffer.writeInt32BE(this.#at - 1, 1)
    return this.#copyOut()
  }

  finishStartup(): Buffer {
    this.#buffer.writeInt32BE(this.#at, 0)
    return this.#copyOut()
  }

  #copyOut(): Buffer {
    const message = Buffer.from(this.#buffer.subarray(0, this.#at))
    if (this.#buffer.length > MAX_KEPT_CAPACITY) this.#buffer = Buffer.allocUnsafe(FIRST_CAPACITY)
    return message
  }

  #reserve(extra: number): void {
    const needed = this.#at + extra
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }
}

const scratch = new MessageWriter()

/** Starts a message with a type byte. The writer is shared: finish one message before the next begins. */
export const message = (type: number): MessageWriter => scratch.begin(type)

/** Starts a packet without a type byte. */
export const startupPacket = (): MessageWriter => scratch.beginStartup()
