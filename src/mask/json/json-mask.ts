import { isUtf8 } from 'node:buffer'
import { BACKSLASH, unescaped } from './tokens.ts'

/** Replaces what lies from `start` to `end` of `source`; null means that nothing of it can be kept. Never throws. */
export type JsonReplacer = (source: Buffer, start: number, end: number) => Buffer | null

/** What becomes of a JSON value. A JSON null is always kept: it is the absence of a value. */
export type JsonMask =
  | { readonly kind: 'pass' }
  | JsonLeaf
  | JsonObject
  /** Every element of an array. */
  | { readonly kind: 'elements'; readonly element: JsonMask }
  /** An array by position; one of another length makes the whole value invalid. */
  | { readonly kind: 'items'; readonly items: readonly JsonMask[] }

/**
 * A value to be replaced. Strings become strings and numbers become numbers, or null; booleans become null. An object
 * becomes a constant, because names that nobody declared are data.
 */
export interface JsonLeaf {
  readonly kind: 'leaf'
  /** From the meaning of a string to that of its replacement; both without quotes and escapes. */
  readonly string: JsonReplacer
  /** From a number token to one; what is no number becomes null. */
  readonly number: JsonReplacer
  /** The token that stands for an object. */
  readonly object: Buffer
  /** Whether true and false stay. Otherwise they become null. */
  readonly keepsBooleans?: true
  /** The token that stands for an array, so that its length is not told; 'each' replaces its elements. */
  readonly array: Buffer | 'each'
}

/** An object; an array in its place means each of its elements. */
export interface JsonObject {
  readonly kind: 'object'
  readonly members: MemberNames
  /** For members that are not named. */
  readonly rest: JsonMask
  /** Whether the names of those are hidden, too: all of them, none, or those that it says. */
  readonly hidesNames: boolean | ((source: Buffer, start: number, end: number) => boolean)
  /** For a string, a number or a boolean in its place. */
  readonly scalar: JsonLeaf
}

export const PASS: JsonMask = { kind: 'pass' }

const REDACTED = Buffer.from('[redacted]')

export const HIDDEN_OBJECT = Buffer.from('{"[redacted]":"[redacted]"}')

/** For what does not fit, and for what is computed from PHI: nothing of it stays but the kind of value. */
export const REDACTED_WHOLE: JsonLeaf = {
  kind: 'leaf',
  string: () => REDACTED,
  number: () => null,
  object: HIDDEN_OBJECT,
  array: Buffer.from('["[redacted]"]'),
}

interface Member {
  readonly name: Buffer
  readonly mask: JsonMask
}

/** Members by name, found without making strings. */
export class MemberNames {
  /** By the length of the name in bytes. */
  readonly #byLength: (Member[] | undefined)[] = []

  constructor(members: Iterable<readonly [string, JsonMask]>) {
    const masks = new Map<string, JsonMask>()
    // Which of two members of one name a reader takes is not defined, so neither mask can be relied on.
    for (const [name, mask] of members) masks.set(name, masks.has(name) ? REDACTED_WHOLE : mask)
    for (const [text, mask] of masks) {
      const name = Buffer.from(text, 'utf8')
      while (this.#byLength.length <= name.length) this.#byLength.push(undefined)
      const alike = (this.#byLength[name.length] ??= [])
      alike.push({ name, mask })
    }
  }

  /**
   * The mask of the member whose name token is `source` from `start` to `end` without its quotes; null when the name is not
   * UTF-8, because readers differ in what they make of such a name.
   */
  find(source: Buffer, start: number, end: number): JsonMask | undefined | null {
    let allBytes = 0
    let escaped = false
    for (let i = start; i < end; i += 1) {
      const byte = source[i]!
      allBytes |= byte
      if (byte === BACKSLASH) escaped = true
    }
    if (allBytes >= 0x80 && !isUtf8(source.subarray(start, end))) return null
    if (!escaped) return this.#lookUp(source, start, end)
    const name = unescaped(source, start, end)
    return this.#lookUp(name, 0, name.length)
  }

  #lookUp(source: Buffer, start: number, end: number): JsonMask | undefined {
    const members = this.#byLength[end - start]
    if (members === undefined) return undefined
    for (let i = 0; i < members.length; i += 1) {
      const { name, mask } = members[i]!
      if (equal(name, source, start)) return mask
    }
    return undefined
  }
}

function equal(name: Buffer, source: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i += 1) if (name[i] !== source[start + i]) return false
  return true
}
