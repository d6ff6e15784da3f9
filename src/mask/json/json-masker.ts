import { assertNever } from '../../lib/assert-never.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { type JsonLeaf, type JsonMask, type JsonObject, type JsonReplacer, PASS, REDACTED_WHOLE } from './json-mask.ts'
import {
  hasEscapes,
  INCOMPLETE,
  INVALID,
  isNumber,
  literalEnd,
  numberEnd,
  QUOTE,
  stringEnd,
  unescaped,
  writeString,
} from './tokens.ts'

/** Deeper values are refused. It bounds memory only: the scanner does not recurse. */
export const MAX_DEPTH = 512

/** What may come next. */
const VALUE = 0
const VALUE_OR_END = 1
const NAME = 2
const NAME_OR_END = 3
const COLON = 4
const COMMA_OR_END = 5
const DONE = 6

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')

/**
 * Rewrites one JSON value (RFC 8259) byte by byte: what is not masked keeps its exact bytes, white space and escapes
 * included, and is never decoded. All of it is checked against the grammar, because a reader more lenient than this one must
 * not find members that this one took for something else. Members of the same name are all masked.
 *
 * Made once for a mask and used for value after value, or chunk by chunk.
 */
export class JsonMasker {
  readonly #root: JsonMask
  /** Of each open array or object: what its elements or members are masked by. */
  readonly #masks: JsonMask[] = []
  /** 1 for objects. */
  readonly #isObject = new Uint8Array(MAX_DEPTH)
  /** Elements begun, where they are masked by position; names hidden so far, where they are. */
  readonly #counts = new Int32Array(MAX_DEPTH)
  #depth = 0
  #state = VALUE
  /** The mask of the value that comes next. */
  #next: JsonMask
  /** The depth of the array or object that a constant stands for, or -1. */
  #hiddenFrom = -1
  /** Where what has not been copied begins. */
  #run = 0

  constructor(mask: JsonMask) {
    this.#root = mask
    this.#next = mask
  }

  /** Writes a whole value to `out`, or says that nothing of it changes or that it cannot be read; then `out` is unusable. */
  rewrite(source: Buffer, start: number, end: number, out: ByteWriter): 'changed' | 'unchanged' | 'invalid' {
    this.reset()
    this.#run = start
    const at = this.#scan(source, start, end, true, out)
    if (at < 0 || this.#state !== DONE) return 'invalid'
    if (this.#run === start) return 'unchanged'
    out.appendRange(source, this.#run, end)
    return 'changed'
  }

  /** Forgets what was written, to begin with another value. */
  reset(): void {
    this.#depth = 0
    this.#state = VALUE
    this.#next = this.#root
    this.#hiddenFrom = -1
  }

  /**
   * Writes the next part of a value. Gives how far it got: a token that the end of the buffer cuts is left, and has to be
   * given again with what follows it. Negative when the value is invalid; nothing after that counts.
   *
   * @param last nothing follows; then everything is consumed, or the value is invalid.
   */
  write(source: Buffer, start: number, end: number, last: boolean, out: ByteWriter): number {
    this.#run = start
    const at = this.#scan(source, start, end, last, out)
    if (at < 0 || (last && this.#state !== DONE)) return INVALID
    if (this.#hiddenFrom < 0) out.appendRange(source, this.#run, at)
    return at
  }

  #scan(source: Buffer, start: number, end: number, last: boolean, out: ByteWriter): number {
    let at = start
    while (at < end) {
      const byte = source[at]!
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        at += 1
        continue
      }
      const after = this.#token(source, at, end, byte, last, out)
      if (after === INCOMPLETE && !last) return at
      if (after < 0) return INVALID
      at = after
    }
    return at
  }

  /** Takes the token at `at`; gives the position behind it. */
  #token(source: Buffer, at: number, end: number, byte: number, last: boolean, out: ByteWriter): number {
    switch (this.#state) {
      case COMMA_OR_END:
        if (byte === 0x2c) {
          if (this.#isObject[this.#depth - 1] === 1) this.#state = NAME
          else return this.#nextElement(at + 1)
          return at + 1
        }
        return this.#close(byte, at + 1)
      case COLON:
        if (byte !== 0x3a) return INVALID
        this.#state = VALUE
        return at + 1
      case NAME_OR_END:
        if (byte === 0x7d) return this.#close(byte, at + 1)
        return this.#name(source, at, end, byte, out)
      case NAME:
        return this.#name(source, at, end, byte, out)
      case VALUE_OR_END: {
        if (byte === 0x5d) return this.#close(byte, at + 1)
        const first = this.#nextElement(at)
        return first < 0 ? first : this.#value(source, at, end, byte, last, out)
      }
      case VALUE:
        return this.#value(source, at, end, byte, last, out)
      default:
        return INVALID
    }
  }

  #value(source: Buffer, at: number, end: number, byte: number, last: boolean, out: ByteWriter): number {
    const mask = this.#next
    let after: number
    switch (byte) {
      case 0x7b:
        return this.#openObject(source, at, mask, out)
      case 0x5b:
        return this.#openArray(source, at, mask, out)
      case QUOTE:
        after = stringEnd(source, at, end)
        if (after >= 0 && mask.kind !== 'pass') this.#replaceString(source, at, after, leafOf(mask), out)
        break
      case 0x6e:
        after = literalEnd(source, at, end, NULL)
        break
      case 0x74:
      case 0x66:
        after = literalEnd(source, at, end, byte === 0x74 ? TRUE : FALSE)
        if (after >= 0 && mask.kind !== 'pass' && leafOf(mask).keepsBooleans !== true)
          this.#replace(source, at, after, NULL, out)
        break
      default:
        after = numberEnd(source, at, end, last)
        if (after >= 0 && mask.kind !== 'pass')
          this.#replace(source, at, after, maskedNumber(mask, source, at, after), out)
    }
    if (after >= 0) this.#state = this.#depth === 0 ? DONE : COMMA_OR_END
    return after
  }

  #name(source: Buffer, at: number, end: number, byte: number, out: ByteWriter): number {
    if (byte !== QUOTE) return INVALID
    const after = stringEnd(source, at, end)
    if (after < 0) return after
    const level = this.#depth - 1
    const mask = this.#masks[level]!
    if (mask.kind === 'object') {
      const found = mask.members.find(source, at + 1, after - 1)
      if (found === null) return INVALID
      this.#next = found ?? mask.rest
      if (found === undefined && hides(mask, source, at + 1, after - 1)) {
        this.#counts[level]! += 1
        this.#replace(source, at, after, hiddenName(this.#counts[level]!), out)
      }
    } else this.#next = PASS
    this.#state = COLON
    return after
  }

  #openObject(source: Buffer, at: number, mask: JsonMask, out: ByteWriter): number {
    const open = mask.kind === 'pass' || mask.kind === 'object'
    if (!open) this.#hide(source, at, leafOf(mask).object, out)
    this.#state = NAME_OR_END
    return this.#push(open ? mask : PASS, 1) ? at + 1 : INVALID
  }

  #openArray(source: Buffer, at: number, mask: JsonMask, out: ByteWriter): number {
    const constant = mask.kind === 'leaf' ? mask.array : 'each'
    if (constant !== 'each') this.#hide(source, at, constant, out)
    this.#state = VALUE_OR_END
    return this.#push(constant === 'each' ? mask : PASS, 0) ? at + 1 : INVALID
  }

  #push(mask: JsonMask, isObject: 0 | 1): boolean {
    const level = this.#depth
    if (level === MAX_DEPTH) return false
    this.#masks[level] = mask
    this.#isObject[level] = isObject
    this.#counts[level] = 0
    this.#depth = level + 1
    return true
  }

  /** The closing bracket; `after` is the position behind it. */
  #close(byte: number, after: number): number {
    const level = this.#depth - 1
    const isObject = this.#isObject[level] === 1
    if (byte !== (isObject ? 0x7d : 0x5d)) return INVALID
    const mask = this.#masks[level]!
    if (!isObject && mask.kind === 'items' && this.#counts[level] !== mask.items.length) return INVALID
    this.#depth = level
    if (this.#hiddenFrom === level) {
      this.#hiddenFrom = -1
      this.#run = after
    }
    this.#state = level === 0 ? DONE : COMMA_OR_END
    return after
  }

  #nextElement(at: number): number {
    const level = this.#depth - 1
    const mask = this.#masks[level]!
    this.#state = VALUE
    switch (mask.kind) {
      case 'elements':
        this.#next = mask.element
        return at
      case 'items': {
        const item = mask.items[this.#counts[level]!]
        if (item === undefined) return INVALID
        this.#counts[level]! += 1
        this.#next = item
        return at
      }
      case 'pass':
      case 'leaf':
      case 'object':
        this.#next = mask
        return at
      default:
        return assertNever(mask)
    }
  }

  #replace(source: Buffer, at: number, after: number, token: Buffer, out: ByteWriter): void {
    out.appendRange(source, this.#run, at)
    out.append(token)
    this.#run = after
  }

  #replaceString(source: Buffer, at: number, after: number, { string }: JsonLeaf, out: ByteWriter): void {
    out.appendRange(source, this.#run, at)
    this.#run = after
    const masked = hasEscapes(source, at + 1, after - 1)
      ? maskedText(string, unescaped(source, at + 1, after - 1))
      : string(source, at + 1, after - 1)
    if (masked === null) out.append(NULL)
    else writeString(out, masked)
  }

  /** From here to the bracket that closes what is about to be opened, nothing is copied. */
  #hide(source: Buffer, at: number, constant: Buffer, out: ByteWriter): void {
    out.appendRange(source, this.#run, at)
    out.append(constant)
    this.#hiddenFrom = this.#depth
  }
}

/** What masks a value where something else was expected. */
function leafOf(mask: JsonMask): JsonLeaf {
  if (mask.kind === 'leaf') return mask
  return mask.kind === 'object' ? mask.scalar : REDACTED_WHOLE
}

function maskedText(string: JsonReplacer, text: Buffer): Buffer | null {
  return string(text, 0, text.length)
}

function maskedNumber(mask: JsonMask, source: Buffer, at: number, after: number): Buffer {
  const token = leafOf(mask).number(source, at, after)
  return token !== null && isNumber(token) ? token : NULL
}

/** Whether a name that nobody declared is hidden. */
function hides({ hidesNames }: JsonObject, source: Buffer, start: number, end: number): boolean {
  if (typeof hidesNames === 'boolean') return hidesNames
  if (!hasEscapes(source, start, end)) return hidesNames(source, start, end)
  const name = unescaped(source, start, end)
  return hidesNames(name, 0, name.length)
}

/** Names stay different from each other, because readers differ in what they make of a name that comes twice. */
function hiddenName(count: number): Buffer {
  return Buffer.from(count === 1 ? '"[redacted]"' : `"[redacted ${count}]"`)
}
