import type { Prepared } from '../protocol.ts'
import type { RunningOperation } from './running-operation.ts'
import type { SentText } from './sent-text.ts'

/** A statement as the session and the target know it. */
export interface Statement extends Prepared {
  /** What the target has for it; undefined for the client's own text. */
  readonly sent: SentText | undefined
  /** pg_type.oid of its parameters as Parse declared them. */
  readonly declaredTypes: readonly number[]
  /** The same as far as they are known: then as the target describes them. */
  parameterTypes: readonly number[]
}

/** A portal or SQL cursor; the server keeps both under one name space as well. */
export interface Portal {
  readonly prepared: Statement
  /** Set for a portal that a Bind message made; a cursor's operation begins with each FETCH or Execute. */
  readonly operation: RunningOperation | undefined
  /** What the names in its statement (EXECUTE q, FETCH c) stood for when it was bound; the server looks again when it runs. */
  readonly uses: readonly NameUse[]
  /** The plan of its result once the server has described it. */
  described: 'no' | 'asked' | 'yes'
  /** The catalog was found to be as expected since it was bound; what was locked then stays as it is. */
  checked: boolean
}

/** What was found under a name. */
export interface NameUse {
  readonly entries: Pick<NamedEntries<unknown>, 'get' | 'unanswered'>
  readonly name: string
  readonly entry: unknown
  /** The statement that it stands for. */
  readonly statement: Statement | undefined
}

/** A change of what names stand for that was sent to the server. It is settled once; after that nothing happens any more. */
export interface Change {
  /** The server has done it. */
  confirm(): void
  /** The server has passed over it. */
  undo(): void
  /** The server has reported an error; `index` is the statement of the text that failed. */
  failed(index: number, sqlstate: string): void
}

/** Names are keys of NAMEDATALEN - 1 bytes in the server's tables (prepare.c, portalmem.c): what is longer is cut. */
const NAME_BYTES = 63

function keyOf(name: string): string {
  // Three bytes a UTF-16 unit at most, so that the common name is not measured.
  if (name.length * 3 <= NAME_BYTES || Buffer.byteLength(name) <= NAME_BYTES) return name
  const bytes = Buffer.from(name).subarray(0, NAME_BYTES)
  const text = bytes.toString()
  // Cut within a character: no name that a client can send is equal to it.
  return Buffer.from(text).equals(bytes) ? text : `\0${bytes.toString('latin1')}`
}

interface Slot<T> {
  /** What the server is known to have. */
  base: T | undefined
  /** Changes that it has not answered yet, oldest first. */
  readonly pending: NameChange<T>[]
}

/**
 * What the server knows by name, as of the end of everything that was sent to it. A message that fails takes the rest of
 * its batch (up to Sync, or one simple query) with it, so within a batch an unanswered change can be relied on; beyond it
 * not: see `unanswered`. Where the server has something under a name, this has the same or nothing.
 */
export class NamedEntries<T> {
  readonly #slots = new Map<string, Slot<T>>()
  readonly #max: number
  readonly #evictable: (entry: T) => boolean
  #waiting: (() => void)[] = []

  /** With `evictable`, the oldest entry that it selects makes room when there is none: it is not known any more then. */
  constructor(max: number, evictable: (entry: T) => boolean = () => false) {
    this.#max = max
    this.#evictable = evictable
  }

  get(name: string): T | undefined {
    const slot = this.#slots.get(keyOf(name))
    if (slot === undefined) return undefined
    const newest = slot.pending.at(-1)
    return newest === undefined ? slot.base : newest.value
  }

  /**
   * Undefined when what `get` gives can be relied on in `batch`: its newest change is answered, or was sent in the same
   * batch. Else a promise that settles with the next answer, after which to ask again.
   */
  unanswered(name: string, batch: number): Promise<void> | undefined {
    const newest = this.#slots.get(keyOf(name))?.pending.at(-1)
    if (newest === undefined || newest.batch === batch) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** False when the bound is reached, and nothing was defined. */
  hasRoom(name: string): boolean {
    return this.#slots.size < this.#max || this.#slots.has(keyOf(name)) || this.#evict()
  }

  define(name: string, entry: T, batch: number): NameChange<T> {
    return this.#change(keyOf(name), entry, batch)
  }

  remove(name: string, batch: number): NameChange<T> {
    return this.#change(keyOf(name), undefined, batch)
  }

  removeAll(batch: number): readonly NameChange<T>[] {
    return [...this.#slots.keys()].map((key) => this.#change(key, undefined, batch))
  }

  /** The same, but the unnamed statement: the server does not keep it with the others (prepare.c, DropAllPreparedStatements). */
  removeNamed(batch: number): readonly NameChange<T>[] {
    return [...this.#slots.keys()].filter((key) => key !== '').map((key) => this.#change(key, undefined, batch))
  }

  /** Removes the entries that `when` selects among those that the server is known to have. */
  removeWhere(when: (entry: T) => boolean): void {
    for (const [key, slot] of this.#slots) {
      if (slot.base === undefined || !when(slot.base)) continue
      slot.base = undefined
      if (slot.pending.length === 0) this.#slots.delete(key)
    }
  }

  /** For `NameChange`. */
  settle(change: NameChange<T>, base: (before: T | undefined) => T | undefined): void {
    const { key } = change
    const slot = this.#slots.get(key)
    const at = slot?.pending.indexOf(change) ?? -1
    if (slot === undefined || at < 0) return
    slot.pending.splice(at, 1)
    slot.base = base(slot.base)
    if (slot.base === undefined && slot.pending.length === 0) this.#slots.delete(key)
    if (this.#waiting.length === 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #evict(): boolean {
    for (const [key, { base, pending }] of this.#slots) {
      if (base !== undefined && pending.length === 0 && this.#evictable(base)) return this.#slots.delete(key)
    }
    return false
  }

  #change(key: string, value: T | undefined, batch: number): NameChange<T> {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = { base: undefined, pending: [] }
      this.#slots.set(key, slot)
    }
    const change = new NameChange(this, key, value, batch)
    slot.pending.push(change)
    return change
  }
}

export class NameChange<T> implements Change {
  readonly key: string
  readonly value: T | undefined
  readonly batch: number
  readonly #entries: NamedEntries<T>

  constructor(entries: NamedEntries<T>, key: string, value: T | undefined, batch: number) {
    this.#entries = entries
    this.key = key
    this.value = value
    this.batch = batch
  }

  confirm(): void {
    this.#entries.settle(this, () => this.value)
  }

  undo(): void {
    this.#entries.settle(this, (before) => before)
  }

  /** It is open whether it was done: the name is no longer vouched for. */
  forget(): void {
    this.#entries.settle(this, () => undefined)
  }

  /** A Parse, Bind or Close that fails has changed nothing, or has removed what was there. */
  failed(): void {
    this.undo()
  }
}
